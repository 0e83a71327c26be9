// The form of an embeddings endpoint's requests and answers, apart from the network.
//
// Who: embed/ only. Thread-safety: pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/embedder.h"

namespace holdfast::embed {

// Errors: InvalidArgument: it is no http(s) URL, or the key would go over the network in the clear.
Status check_endpoint(const HttpEmbedderOptions& options);

std::string embeddings_request(const HttpEmbedderOptions& options,
                               std::span<const std::string> texts);
// Errors: IoError: it is not the answer to a request of `count` texts.
Result<std::vector<Embedder::Values>> parse_embeddings(std::string_view answer, size_t count);

}  // namespace holdfast::embed
