// Codes: a vector in a bit for each dimension, with three numbers that correct what the bits say,
// so that a scan finds the few whose true product with a query is worth computing.
//
// A vector less the centre of its kind is rotated at random (three times: signs, then
// Walsh-Hadamard over the first and the last power of two of the dimensions); its code is the signs
// of what comes out. Its product with a query is estimated, without bias, by a + b * sum of the
// query's values by these signs; `error` times the query's length is the estimate's deviation. With
// fewer dimensions than kCodeBitsMin, zeros are added first: more bits tell more.
//
// The similarity that is estimated: the cosine, the product, or minus half the square of the
// distance. More is nearer in each.
//
// Who: search/. Thread-safety: none per object, as an encoder has room to work in.
#pragma once

#include <span>
#include <vector>

#include "holdfast/vector.h"
#include "vector/kernels.h"

namespace holdfast::vector {

constexpr size_t kCodeBitsMin = 256;

// Rows of a group: eight dimensions each.
size_t code_rows(size_t dimension);

// Of a query and a stored vector. REQUIRES: neither is zero where the metric is the cosine.
double similarity(VectorMetric metric, std::span<const float> query, const char* stored);

class Encoder {
 public:
  // Of vectors around `centre`, whose size is the dimension. The centre belongs to their kind:
  // where the metric is the cosine, to vectors of length 1.
  Encoder(VectorMetric metric, std::vector<float> centre);
  // From now on around this one. REQUIRES: of the same dimension.
  void move_to(std::vector<float> centre);

  // Writes the code of a vector as number `at` of a group. REQUIRES: its place there is zeros; the
  // vector is finite, and not zero where the metric is the cosine.
  void encode(const char* stored, char* group, size_t at);
  // The bounds that score_group computes are `deviations` above the estimates.
  CodeQuery query(std::span<const float> values, float deviations);

  size_t dimension() const { return centre_.size(); }

 private:
  void rotate();  // work_

  const VectorMetric metric_;
  std::vector<float> centre_;
  const Kernels& kernels_;
  std::vector<float> signs_;  // of three rounds
  std::vector<float> work_;
};

}  // namespace holdfast::vector
