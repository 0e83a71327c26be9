// A block: the codes of up to some hundred vectors as one value of the tree, which lies in one
// piece and is scanned where it lies.
//
// Bytes: u8 format, 3 zeros, u32 count, u32 generation (whose centre the codes are around), u32
//   rows, 48 zeros; id:16 of each vector, ascending; signature:16 of each; then groups of 64
//   vectors (vector/kernels.h). Places behind the count, up to a whole group, are zeros.
//
// Who: search/ only. Thread-safety: pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "search/manifest.h"
#include "vector/kernels.h"

namespace holdfast::search {

// The labels of a document in 128 bits, three for each: what has not all bits of a label has not
// the label.
struct Signature {
  std::array<uint64_t, 2> bits = {};

  void add(std::string_view facet);
  bool has(const Signature& other) const {
    return (bits[0] & other.bits[0]) == other.bits[0] && (bits[1] & other.bits[1]) == other.bits[1];
  }
  bool is_empty() const { return bits[0] == 0 && bits[1] == 0; }
};
constexpr size_t kSignatureSize = sizeof(Signature);
std::string encode_signature(const Signature& signature);
// REQUIRES: kSignatureSize bytes.
Signature decode_signature(std::string_view bytes);

// A stored block, where it lies.
class VectorBlock {
 public:
  // Errors: Corruption.
  static Result<VectorBlock> open(std::string_view bytes);
  // Begins to fetch what is read of it first, if the groups have as many rows.
  static void prefetch_first(std::string_view bytes, uint32_t rows);

  uint32_t count() const { return count_; }
  uint32_t groups() const { return (count_ + vector::kGroupSize - 1) / vector::kGroupSize; }
  uint32_t generation() const { return generation_; }
  uint32_t rows() const { return rows_; }
  DocumentId id(uint32_t at) const;
  Signature signature(uint32_t at) const;
  // Begins to fetch what id() and signature() read.
  void prefetch_labels(uint32_t at, bool with_signature) const;
  const char* group(uint32_t number) const;
  // How many have a smaller id.
  uint32_t lower(const DocumentId& id) const;

 private:
  std::string_view bytes_;
  uint32_t count_ = 0;
  uint32_t generation_ = 0;
  uint32_t rows_ = 0;
};

// Makes a block of vectors that come by id, ascending; each is coded into, or copied to, group() as
// number `at % kGroupSize`.
class VectorBlockBuilder {
 public:
  VectorBlockBuilder(uint32_t count, uint32_t generation, uint32_t rows);

  void set(uint32_t at, const DocumentId& id, const Signature& signature);
  char* group(uint32_t number);
  // The code of vector `from` of another block with as many rows.
  void copy(uint32_t at, const VectorBlock& block, uint32_t from);
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
  const uint32_t groups_;
  const uint32_t rows_;
};

// Vectors of a block at most: what keeps it about a quarter of a MiB, in whole groups.
uint32_t vector_block_capacity(uint32_t rows);

}  // namespace holdfast::search
