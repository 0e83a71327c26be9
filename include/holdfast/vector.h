// Vectors: what stands for an observation's meaning, and how near two of them are.
//
// A space has vector spaces, each with a name, a number of dimensions, a metric, and the model,
// with its version, that computes its vectors: those of two models are never compared. An
// observation has at most one vector in each. Its embedding is the one in "main", which the first
// embedding defines, with the cosine, where define() did not. Vectors leave with their observation,
// and when its content changes; they are forgotten and restored with it.
//
// Another model: begin_successor() defines the same vector space anew beside it, put() fills it,
// while queries go on by the old one, and finish_successor() puts it in its place in one commit.
//
// Thread-safety and errors: as of Observations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"

namespace holdfast {

namespace memory {
class Access;
}

constexpr size_t kDimensionMin = 2;
constexpr size_t kDimensionMax = 8192;
constexpr size_t kVectorSpacesMax = 16;          // of a space
constexpr size_t kVectorSpaceNameSizeMax = 128;  // bytes, at least 1
constexpr size_t kVectorPartsMax = 64;           // of a vector
constexpr size_t kVectorsMissingLimitMax = 10'000;
constexpr std::string_view kMainVectorSpace = "main";

enum class VectorMetric : uint8_t {
  cosine,  // of the angle: the lengths do not count
  dot,     // inner product
  l2,      // Euclidean distance
};

// Which vectors a query looks at themselves, after it has bounded all by their codes. The bounds
// are deviations of an estimate: they hold for nearly all, not for every one.
enum class VectorAccuracy : uint8_t {
  standard,  // bounds of 1.9 deviations; of so many vectors at most: 128, and one in 500
  high,      // bounds of 3 deviations, as many vectors as it takes
  exact,     // every vector, without codes
};

// A vector that stands for the content, and what computed it.
struct Embedding {
  std::string model = {};          // 1 to 1,000 bytes
  std::string model_version = {};  // 0 to 1,000 bytes
  std::vector<float> values = {};  // kDimensionMin to kDimensionMax, all finite
  // Of parts of the content, as its sentences, by the same model: what is said in passing is near
  // to a question that it alone is near to (RecallVector::part). All have one dimension, which may
  // be another than that of `values`; only their directions are kept, a byte for each number.
  std::vector<std::vector<float>> parts = {};
};

// The vector of an observation.
struct NewVector {
  std::string id = {};  // whole, or a unique prefix
  Embedding embedding = {};
  // Only if the observation was edited so often: it may have another text by now.
  std::optional<uint32_t> revision = {};
};

struct VectorSpaceOptions {
  uint32_t dimension = 0;  // kDimensionMin to kDimensionMax
  VectorMetric metric = VectorMetric::cosine;
  std::string model = {};
  std::string model_version = {};
};

struct VectorSpace : VectorSpaceOptions {
  std::string name = {};
  std::optional<VectorSpaceOptions> successor = {};
};

class Vectors {
 public:
  explicit Vectors(std::shared_ptr<memory::Access> access);  // see Space::vectors

  // Defining it again in the same way changes nothing. Errors: InvalidArgument; TooLarge
  // (kVectorSpacesMax); ConditionFalse: it is defined in another way.
  Status define(std::string_view name, const VectorSpaceOptions& options) const;
  Result<std::vector<VectorSpace>> list() const;
  // With all its vectors and its successor. Errors: NotFound.
  Status drop(std::string_view name) const;

  // In these, `id` is that of an observation or a unique prefix, as for Observations::get.
  // Replaces the vector that the observation has. It goes to the vector space or to its successor,
  // whichever is of this model. Errors: NotFound (the observation, the vector space);
  // InvalidArgument: another model or dimension, a value that is not finite, no direction where the
  // metric is the cosine; ConditionFalse: the observation is forgotten.
  Status put(std::string_view name, std::string_view id, const Embedding& embedding) const;
  // All in one commit. Those are left out whose observation is gone, forgotten or of another
  // revision; how many were put. Errors else as of put().
  Result<uint64_t> put_all(std::string_view name, std::span<const NewVector> vectors) const;
  // nullopt: it has none there.
  Result<std::optional<Embedding>> get(std::string_view name, std::string_view id) const;

  // Ids of observations, oldest first, that have no vector there, or none in the successor if there
  // is one, behind `after`. Errors: NotFound; InvalidArgument (limit, `after` is not an id).
  Result<std::vector<std::string>> missing(std::string_view name, size_t limit = 100,
                                           std::string_view after = {}) const;

  // Errors: as of define; NotFound; ConditionFalse: there is another successor.
  Status begin_successor(std::string_view name, const VectorSpaceOptions& options) const;
  // In one commit. What the successor has no vector for is missing from then on. Errors: NotFound
  // (also: there is no successor).
  Status finish_successor(std::string_view name) const;
  Status cancel_successor(std::string_view name) const;

 private:
  std::shared_ptr<memory::Access> access_;
};

}  // namespace holdfast
