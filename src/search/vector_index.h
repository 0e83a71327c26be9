// VectorIndex: the nearest vectors of one vector space, in the caller's transaction.
//
// A vector is written as it is, with a mark that no block has it yet; so vectors never conflict
// with each other. Whoever finds enough of them folds their codes into blocks (vector_fold.h). A
// query bounds the similarity of every vector by its code, and computes it, from the vector itself,
// for those whose bound is high enough, the highest first.
//
// Who: memory/. Thread-safety: one thread at a time per object.
// Invariants:
//   1. Every similarity that is given is that of the stored vector, whatever its code says.
//   2. What was put is found by what reads the index then; what was dropped never.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/vector.h"
#include "search/keyspace.h"
#include "search/manifest.h"
#include "search/vector_block.h"
#include "search/vector_parts.h"

namespace holdfast::search {

struct VectorShape {
  VectorMetric metric = VectorMetric::cosine;
  uint32_t dimension = 0;
};

// Errors: InvalidArgument: another dimension than the shape's, a value that is not finite, or whose
// square is not; no direction where the metric is the cosine.
Status check_vector(const VectorShape& shape, std::span<const float> values);

// Under `prefix` stand the keys of the index (vector_keys.h).
// REQUIRES: the vector is not there, or was dropped; check_vector().
Status put_vector(KeyTarget& target, std::string_view prefix, const DocumentId& id,
                  const Signature& signature, std::span<const float> values);
// Nothing, if there are none. REQUIRES: its vector was put just before; check_parts().
Status put_parts(KeyTarget& target, std::string_view prefix, const DocumentId& id,
                 std::span<const VectorPart> parts);
// With its parts. False: there is none.
Result<bool> drop_vector(KeyTarget& target, std::string_view prefix, const DocumentId& id);
// Its labels have changed. Nothing happens where there is none.
Status relabel_vector(KeyTarget& target, std::string_view prefix, const DocumentId& id,
                      const Signature& signature);
// It is not found until it is put back; nothing happens where there is none.
Status set_vector_aside(KeyTarget& target, std::string_view prefix, const DocumentId& id);
Status put_vector_back(KeyTarget& target, std::string_view prefix, const DocumentId& id,
                       const Signature& signature);
// As it was put, also one that is set aside. Errors: Corruption.
Result<std::optional<std::vector<float>>> read_vector(KeySource& source, std::string_view prefix,
                                                      const DocumentId& id);

Result<std::vector<VectorPart>> read_parts(KeySource& source, std::string_view prefix,
                                           const DocumentId& id);

// Its numbers as they are stored, as a hint; empty: it is not there, or set aside.
Result<std::string> peek_vector(KeySource& source, std::string_view prefix, const DocumentId& id);
// Its parts as they are stored, as a hint (vector_parts.h); empty: it has none.
Result<std::string> peek_parts(KeySource& source, std::string_view prefix, const DocumentId& id);
// The ids of the live ones from `first` to `last`.
Result<std::set<DocumentId>> vectors_between(KeySource& source, std::string_view prefix,
                                             const DocumentId& first, const DocumentId& last);

struct VectorSearch {
  std::vector<float> values;
  VectorAccuracy accuracy = VectorAccuracy::standard;
  // Labels that a match has, and some that have them not: whoever takes it looks.
  Signature signature = {};
  // Document ids in [id_begin, id_end), each of at least kDocumentIdSize bytes or empty: no limit.
  std::string id_begin = {};
  std::string id_end = {};
  size_t count = 10;  // how many will probably be taken; more can be
};

struct VectorMatch {
  DocumentId id{};
  double similarity = 0;  // as vector::similarity has it
};

// The nearest first; of equal ones the greater id first.
class VectorRanking {
 public:
  // Errors: Corruption, Unsupported, and those of the source, which must outlive it.
  // REQUIRES: check_vector() of the values.
  static Result<VectorRanking> open(KeySource& source, std::string_view prefix,
                                    const VectorShape& shape, VectorSearch search);
  VectorRanking(VectorRanking&&) noexcept;
  VectorRanking& operator=(VectorRanking&&) noexcept;
  ~VectorRanking();

  // False at the end.
  Result<bool> take(VectorMatch& match);
  // How many vectors were scored themselves.
  uint64_t scored() const;

 private:
  class Impl;
  explicit VectorRanking(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::search
