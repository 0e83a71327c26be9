// Bytes that live until the arena is reset or destroyed: what one apply() works on.
//
// Who: tree/, store/. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace holdfast::tree {

class Arena {
 public:
  char* allocate(size_t size) {
    if (size > room_) add_chunk(size);
    char* bytes = next_;
    next_ += size;
    room_ -= size;
    return bytes;
  }

  std::string_view concatenate(std::string_view first, std::string_view second) {
    if (first.empty()) return second;
    char* bytes = allocate(first.size() + second.size());
    first.copy(bytes, first.size());
    second.copy(bytes + first.size(), second.size());
    return {bytes, first.size() + second.size()};
  }

  std::string_view copy(std::string_view text) {
    char* bytes = allocate(text.size());
    text.copy(bytes, text.size());
    return {bytes, text.size()};
  }

  // Forgets everything; keeps the first chunk.
  void reset() {
    if (chunks_.empty()) return;
    chunks_.resize(1);
    next_ = chunks_[0].bytes.get();
    room_ = chunks_[0].size;
  }

 private:
  struct Chunk {
    std::unique_ptr<char[]> bytes;
    size_t size;
  };
  static constexpr size_t kChunkSize = 32 << 10;

  void add_chunk(size_t size_min) {
    const size_t size = size_min > kChunkSize ? size_min : kChunkSize;
    chunks_.push_back({std::unique_ptr<char[]>(new char[size]), size});
    next_ = chunks_.back().bytes.get();
    room_ = size;
  }

  std::vector<Chunk> chunks_;
  char* next_ = nullptr;
  size_t room_ = 0;
};

}  // namespace holdfast::tree
