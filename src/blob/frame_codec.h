// Compression of frames by zstd, where it pays.
//
// Who: writer and reader of this room. Thread-safety: one thread at a time per object.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace holdfast::blob {

class FrameCompressor {
 public:
  FrameCompressor();
  FrameCompressor(FrameCompressor&&) noexcept;
  FrameCompressor& operator=(FrameCompressor&&) noexcept;
  ~FrameCompressor();

  // The bytes to store for a frame: smaller than `content` by an eighth at least, or `content`.
  // After frames that did not pay, some are not tried. The view holds until the next call.
  std::string_view compress(std::string_view content);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class FrameDecompressor {
 public:
  FrameDecompressor();
  FrameDecompressor(FrameDecompressor&&) noexcept;
  FrameDecompressor& operator=(FrameDecompressor&&) noexcept;
  ~FrameDecompressor();

  // False if `stored` is not a zstd frame of exactly `size` bytes of content.
  bool decompress(std::string_view stored, char* out, size_t size);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace holdfast::blob
