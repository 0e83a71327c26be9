// Vectors: what stands for an observation's meaning, and how near two of them are.
//
// A space has vector spaces, each with a name, a number of dimensions, a metric, and the model,
// with its version, that computes its vectors: vectors of two models are never compared. The
// embedding of an observation is its vector in the vector space "main", which the first one
// defines.
//
// Thread-safety: plain values.
#pragma once

#include <cstddef>
#include <cstdint>

namespace holdfast {

constexpr size_t kDimensionMin = 2;
constexpr size_t kDimensionMax = 8192;

enum class VectorMetric : uint8_t {
  cosine,  // of the angle: the lengths do not count
  dot,     // inner product
  l2,      // Euclidean distance
};

}  // namespace holdfast
