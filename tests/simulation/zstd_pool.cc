// Contexts of zstd that are used again: in simulation programs the linker puts these in the place
// of the functions that create and free one (simulation.cmake). To create one asks the processor
// what it is, which a virtual machine answers in microseconds: 18 % of the processor time of
// simulated crashes of blobs.
#include <zstd.h>

#include <vector>

#include "base/check.h"

extern "C" {
ZSTD_CCtx* __real_ZSTD_createCCtx();
ZSTD_DCtx* __real_ZSTD_createDCtx();
ZSTD_CCtx* __wrap_ZSTD_createCCtx();
ZSTD_DCtx* __wrap_ZSTD_createDCtx();
size_t __wrap_ZSTD_freeCCtx(ZSTD_CCtx* context);
size_t __wrap_ZSTD_freeDCtx(ZSTD_DCtx* context);
}

namespace holdfast::sim {
namespace {

// Never destroyed: what a killed process has is never given back.
template <typename Context>
std::vector<Context*>& unused_contexts() {
  static auto* const contexts = new std::vector<Context*>;
  return *contexts;
}

template <typename Context>
Context* take_context(Context* (*create)()) {
  std::vector<Context*>& unused = unused_contexts<Context>();
  if (unused.empty()) return create();
  Context* const context = unused.back();
  unused.pop_back();
  return context;
}

template <typename Context>
size_t give_back_context(Context* context, size_t (*reset)(Context*, ZSTD_ResetDirective)) {
  if (context == nullptr) return 0;
  CHECK(ZSTD_isError(reset(context, ZSTD_reset_session_and_parameters)) == 0);
  unused_contexts<Context>().push_back(context);
  return 0;
}

}  // namespace
}  // namespace holdfast::sim

ZSTD_CCtx* __wrap_ZSTD_createCCtx() {
  return holdfast::sim::take_context(__real_ZSTD_createCCtx);
}

ZSTD_DCtx* __wrap_ZSTD_createDCtx() {
  return holdfast::sim::take_context(__real_ZSTD_createDCtx);
}

size_t __wrap_ZSTD_freeCCtx(ZSTD_CCtx* context) {
  return holdfast::sim::give_back_context(context, ZSTD_CCtx_reset);
}

size_t __wrap_ZSTD_freeDCtx(ZSTD_DCtx* context) {
  return holdfast::sim::give_back_context(context, ZSTD_DCtx_reset);
}
