// Filters: conditions on what is kept, as text. Lists, recall and queries take one as `where`; the
// classes here are for programs that test one thing at a time. docs/filters.md has the language:
//
//   kind = fact AND (confidence >= 0.8 OR tag = checked) AND NOT metadata.branch = "old"
//
// Thread-safety: immutable; copies share.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "holdfast/artifact.h"
#include "holdfast/observation.h"
#include "holdfast/status.h"

namespace holdfast {

namespace memory {
struct FilterNode;
}

constexpr size_t kFilterSizeMax = 64u << 10;  // bytes
constexpr size_t kFilterConditionsMax = 1'000;
constexpr size_t kFilterDepthMax = 64;  // of parentheses and NOT

class ObservationFilter {
 public:
  // An empty text is a filter that everything passes. Errors: InvalidArgument, with the offset of
  // the byte where it goes wrong and what was expected there; TooLarge (a limit above).
  static Result<ObservationFilter> parse(std::string_view text);
  bool passes(const Observation& observation) const;

  const memory::FilterNode& root() const { return *root_; }

 private:
  explicit ObservationFilter(std::shared_ptr<const memory::FilterNode> root);
  std::shared_ptr<const memory::FilterNode> root_;
};

// The same for versions of artifacts.
class ArtifactFilter {
 public:
  static Result<ArtifactFilter> parse(std::string_view text);
  bool passes(const ArtifactVersion& version) const;

  const memory::FilterNode& root() const { return *root_; }

 private:
  explicit ArtifactFilter(std::shared_ptr<const memory::FilterNode> root);
  std::shared_ptr<const memory::FilterNode> root_;
};

}  // namespace holdfast
