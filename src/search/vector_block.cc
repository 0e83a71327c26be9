#include "search/vector_block.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/coding.h"
#include "base/prefetch.h"
#include "search/text_record.h"

namespace holdfast::search {
namespace {

using vector::kGroupSize;

constexpr uint8_t kBlockFormat = 1;
constexpr size_t kHeaderSize = 64;
constexpr size_t kCountAt = 4;
constexpr size_t kGenerationAt = 8;
constexpr size_t kRowsAt = 12;
constexpr size_t kLineSize = 64;  // of a cache

constexpr size_t ids_at() {
  return kHeaderSize;
}
constexpr size_t signatures_at(size_t groups) {
  return ids_at() + groups * kGroupSize * kDocumentIdSize;
}
constexpr size_t groups_at(size_t groups) {
  return signatures_at(groups) + groups * kGroupSize * kSignatureSize;
}
constexpr size_t block_size_bytes(size_t groups, size_t rows) {
  return groups_at(groups) + groups * vector::group_size_bytes(rows);
}

constexpr uint32_t groups_of(uint32_t count) {
  return (count + kGroupSize - 1) / kGroupSize;
}

}  // namespace

void Signature::add(std::string_view facet) {
  const std::string term = facet_term(facet);  // bytes of seven bits behind the first
  for (size_t i = 1; i <= 3; ++i) {
    const auto bit = static_cast<uint8_t>(term[i]) & 127u;
    bits[bit / 64] |= uint64_t{1} << bit % 64;
  }
}

std::string encode_signature(const Signature& signature) {
  std::string out(kSignatureSize, 0);
  store_le(out.data(), signature.bits[0]);
  store_le(out.data() + 8, signature.bits[1]);
  return out;
}

Signature decode_signature(std::string_view bytes) {
  CHECK(bytes.size() == kSignatureSize);
  return {{load_le<uint64_t>(bytes.data()), load_le<uint64_t>(bytes.data() + 8)}};
}

Result<VectorBlock> VectorBlock::open(std::string_view bytes) {
  VectorBlock block;
  if (bytes.size() < kHeaderSize || static_cast<uint8_t>(bytes[0]) != kBlockFormat) {
    return malformed_index("a block of vectors");
  }
  block.bytes_ = bytes;
  block.count_ = load_le<uint32_t>(bytes.data() + kCountAt);
  block.generation_ = load_le<uint32_t>(bytes.data() + kGenerationAt);
  block.rows_ = load_le<uint32_t>(bytes.data() + kRowsAt);
  constexpr uint32_t kMost = 1u << 20;
  if (block.count_ == 0 || block.count_ > kMost || block.rows_ > kMost ||
      bytes.size() != block_size_bytes(block.groups(), block.rows_)) {
    return malformed_index("a block of vectors");
  }
  return block;
}

void VectorBlock::prefetch_first(std::string_view bytes, uint32_t rows) {
  if (bytes.size() < kHeaderSize) return;
  prefetch(bytes.data());
  const size_t groups = (bytes.size() - kHeaderSize) / (block_size_bytes(1, rows) - kHeaderSize);
  const size_t begin = groups_at(groups);
  const size_t end = std::min(bytes.size(), begin + vector::group_size_bytes(rows));
  for (size_t at = begin; at < end; at += kLineSize) prefetch(bytes.data() + at);
}

DocumentId VectorBlock::id(uint32_t at) const {
  return document_id(bytes_.substr(ids_at() + at * kDocumentIdSize, kDocumentIdSize));
}

Signature VectorBlock::signature(uint32_t at) const {
  return decode_signature(
      bytes_.substr(signatures_at(groups()) + at * kSignatureSize, kSignatureSize));
}

void VectorBlock::prefetch_labels(uint32_t at, bool with_signature) const {
  prefetch(bytes_.data() + ids_at() + at * kDocumentIdSize);
  if (with_signature) prefetch(bytes_.data() + signatures_at(groups()) + at * kSignatureSize);
}

const char* VectorBlock::group(uint32_t number) const {
  return bytes_.data() + groups_at(groups()) + number * vector::group_size_bytes(rows_);
}

uint32_t VectorBlock::lower(const DocumentId& id) const {
  uint32_t low = 0;
  uint32_t high = count_;
  while (low < high) {
    const uint32_t middle = (low + high) / 2;
    if (this->id(middle) < id) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

VectorBlockBuilder::VectorBlockBuilder(uint32_t count, uint32_t generation, uint32_t rows)
    : bytes_(block_size_bytes(groups_of(count), rows), 0), groups_(groups_of(count)), rows_(rows) {
  bytes_[0] = static_cast<char>(kBlockFormat);
  store_le(bytes_.data() + kCountAt, count);
  store_le(bytes_.data() + kGenerationAt, generation);
  store_le(bytes_.data() + kRowsAt, rows);
}

void VectorBlockBuilder::set(uint32_t at, const DocumentId& id, const Signature& signature) {
  std::copy(id.begin(), id.end(),
            bytes_.begin() + static_cast<ptrdiff_t>(ids_at() + at * kDocumentIdSize));
  bytes_.replace(signatures_at(groups_) + at * kSignatureSize, kSignatureSize,
                 encode_signature(signature));
}

char* VectorBlockBuilder::group(uint32_t number) {
  return bytes_.data() + groups_at(groups_) + number * vector::group_size_bytes(rows_);
}

void VectorBlockBuilder::copy(uint32_t at, const VectorBlock& block, uint32_t from) {
  char* to_group = group(at / kGroupSize);
  const char* from_group = block.group(from / kGroupSize);
  const size_t to = at % kGroupSize;
  const size_t place = from % kGroupSize;
  for (size_t factor = 0; factor < 3; ++factor) {
    const size_t column = factor * kGroupSize;
    std::memcpy(to_group + (column + to) * sizeof(float),
                from_group + (column + place) * sizeof(float), sizeof(float));
  }
  const size_t codes = 3 * kGroupSize * sizeof(float);
  for (size_t row = 0; row < rows_; ++row) {
    to_group[codes + row * kGroupSize + to] = from_group[codes + row * kGroupSize + place];
  }
}

uint32_t vector_block_capacity(uint32_t rows) {
  constexpr size_t kBlockSizeMax = 256u << 10;
  constexpr uint32_t kGroupsMax = 16;
  const size_t group =
      vector::group_size_bytes(rows) + kGroupSize * (kDocumentIdSize + kSignatureSize);
  const size_t groups = std::clamp<size_t>(kBlockSizeMax / group, 1, kGroupsMax);
  return static_cast<uint32_t>(groups * kGroupSize);
}

}  // namespace holdfast::search
