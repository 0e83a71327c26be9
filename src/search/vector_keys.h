// The keys of a vector index, and its manifest: which blocks of codes there are.
//
// | key, behind the index's prefix | value                                                      |
// |--------------------------------|------------------------------------------------------------|
// | 'a' id:16                      | a vector that was set aside: not found, its numbers (f32)  |
// | 'b' block:u32 'a'              | which vectors of the block are dead: a u64 for each group  |
// | 'b' block:u32 'c'              | a block of codes (vector_block.h)                          |
// | 'd' id:16                      | one that was dropped and that a block still has: empty     |
// | 'f' id:16                      | a vector that no block has: its signature                  |
// | 'g' generation:u32             | a centre: f32 each                                         |
// | 'm'                            | the manifest                                               |
// | 'p' id:16                      | parts of a vector, also of one set aside (vector_parts.h)  |
// | 'x' id:16                      | a vector: f32 each                                         |
//
// Who: search/ only. Thread-safety: pure functions.
// Invariants:
//   1. A vector is live if and only if it stands under 'x'.
//   2. A live vector has an 'f', or a code in a block that is not dead there. There may be codes of
//      what it was before, or of what is gone: each of these has a 'd', or is marked dead.
//   3. Of a block only the marks of the dead change.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "search/manifest.h"

namespace holdfast::search {

struct VectorBlockInfo {
  uint32_t number = 0;
  uint32_t generation = 0;
  uint32_t count = 0;  // dead ones too
  uint32_t dead = 0;
};

struct VectorManifest {
  uint32_t next_block = 1;
  uint32_t generation = 0;  // of the newest centre; 0: there is none
  uint64_t centred_at = 0;  // how many vectors there were when it was computed
  std::vector<VectorBlockInfo> blocks;

  uint64_t live() const {
    uint64_t sum = 0;
    for (const VectorBlockInfo& one : blocks) sum += one.count - one.dead;
    return sum;
  }
};

std::string encode_vector_manifest(const VectorManifest& manifest);
// Errors: Corruption; Unsupported (another format).
Result<VectorManifest> decode_vector_manifest(std::string_view bytes);

class VectorKeys {
 public:
  explicit VectorKeys(std::string_view prefix) : prefix_(prefix) {}

  std::string aside(std::string_view id = {}) const { return under('a', id); }
  std::string dropped(std::string_view id = {}) const { return under('d', id); }
  std::string fresh(std::string_view id = {}) const { return under('f', id); }
  std::string parts(std::string_view id = {}) const { return under('p', id); }
  std::string vector(std::string_view id = {}) const { return under('x', id); }
  std::string manifest() const { return under('m', {}); }
  std::string blocks() const { return under('b', {}); }
  std::string dead(uint32_t block) const { return numbered('b', block) + 'a'; }
  std::string codes(uint32_t block) const { return numbered('b', block) + 'c'; }
  std::string centres() const { return under('g', {}); }
  std::string centre(uint32_t generation) const { return numbered('g', generation); }

 private:
  std::string under(char kind, std::string_view rest) const {
    return std::string(prefix_).append(1, kind).append(rest);
  }
  std::string numbered(char kind, uint32_t number) const;

  std::string prefix_;
};

}  // namespace holdfast::search
