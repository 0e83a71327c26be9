#include "blob/frame_codec.h"

#include <zstd.h>

#include <algorithm>

#include "base/check.h"

namespace holdfast::blob {
namespace {

// The disk is waited for anyway; higher levels cost more than they save.
constexpr int kFrameLevel = 1;
constexpr uint32_t kSkipMax = 16;

}  // namespace

struct FrameCompressor::State {
  State() : context(ZSTD_createCCtx()) { CHECK(context != nullptr); }
  ~State() { ZSTD_freeCCtx(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  ZSTD_CCtx* const context;
  std::string out;
  uint32_t skip = 0;       // frames that are not to be tried
  uint32_t skip_next = 1;  // how many, after the next one that does not pay
};

FrameCompressor::FrameCompressor() : state_(std::make_unique<State>()) {}
FrameCompressor::FrameCompressor(FrameCompressor&&) noexcept = default;
FrameCompressor& FrameCompressor::operator=(FrameCompressor&&) noexcept = default;
FrameCompressor::~FrameCompressor() = default;

std::string_view FrameCompressor::compress(std::string_view content) {
  State& state = *state_;
  if (state.skip > 0) {
    --state.skip;
    return content;
  }
  state.out.resize(ZSTD_compressBound(content.size()));
  const size_t size = ZSTD_compressCCtx(state.context, state.out.data(), state.out.size(),
                                        content.data(), content.size(), kFrameLevel);
  if (ZSTD_isError(size) || size > content.size() - content.size() / 8) {
    state.skip = state.skip_next;
    state.skip_next = std::min(state.skip_next * 2, kSkipMax);
    return content;
  }
  state.skip_next = 1;
  return {state.out.data(), size};
}

struct FrameDecompressor::State {
  State() : context(ZSTD_createDCtx()) { CHECK(context != nullptr); }
  ~State() { ZSTD_freeDCtx(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  ZSTD_DCtx* const context;
};

FrameDecompressor::FrameDecompressor() : state_(std::make_unique<State>()) {}
FrameDecompressor::FrameDecompressor(FrameDecompressor&&) noexcept = default;
FrameDecompressor& FrameDecompressor::operator=(FrameDecompressor&&) noexcept = default;
FrameDecompressor::~FrameDecompressor() = default;

bool FrameDecompressor::decompress(std::string_view stored, char* out, size_t size) {
  const size_t count =
      ZSTD_decompressDCtx(state_->context, out, size, stored.data(), stored.size());
  return !ZSTD_isError(count) && count == size;
}

}  // namespace holdfast::blob
