#include "os/sim/fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "base/check.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HOLDFAST_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define HOLDFAST_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define HOLDFAST_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define HOLDFAST_TSAN 1
#endif

#if defined(HOLDFAST_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif
#if defined(HOLDFAST_TSAN)
#include <sanitizer/tsan_interface.h>
#endif
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

#if defined(__x86_64__)
// Saves the callee-saved registers on the current stack, its pointer in *save, and continues on
// the stack `load`. swapcontext would do, but costs two system calls for the signal mask.
extern "C" void holdfast_fiber_switch(void** save, void* load);
asm(R"(
  .text
  .globl holdfast_fiber_switch
  .type holdfast_fiber_switch, @function
holdfast_fiber_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size holdfast_fiber_switch, .-holdfast_fiber_switch
)");
#endif

namespace holdfast::sim {
namespace {

// At the far end of every stack; gone when a body needed more.
constexpr uint64_t kStackCanary = 0x5AFE57ACC0DE5AFE;

// Never destroyed: machines of static lifetime may give stacks back late.
std::vector<char*>& free_stacks() {
  static auto* const stacks = new std::vector<char*>;
  return *stacks;
}

char* take_stack() {
  if (!free_stacks().empty()) {
    char* const stack = free_stacks().back();
    free_stacks().pop_back();
    return stack;
  }
  void* const memory = mmap(nullptr, Fiber::kStackSize, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(memory != MAP_FAILED);
  return static_cast<char*>(memory);
}

void give_back_stack(char* stack) {
#if defined(HOLDFAST_ASAN)
  __asan_unpoison_memory_region(stack, Fiber::kStackSize);  // of frames that never returned
#endif
  free_stacks().push_back(stack);
}

Fiber* running_fiber = nullptr;

}  // namespace

struct Fiber::Context {
#if defined(__x86_64__)
  void* own = nullptr;
  void* resumer = nullptr;
#else
  ucontext_t own;
  ucontext_t resumer;
#endif
#if defined(HOLDFAST_ASAN)
  void* own_fake_stack = nullptr;
  const void* resumer_stack = nullptr;
  size_t resumer_stack_size = 0;
#endif
#if defined(HOLDFAST_TSAN)
  void* own_tsan = __tsan_create_fiber(0);
  void* resumer_tsan = nullptr;
  ~Context() {
    __tsan_destroy_fiber(own_tsan);
  }
#endif

  void prepare(char* stack);
  void switch_in(char* stack);
  void arrive();
  void switch_out(bool for_good);
};

void Fiber::Context::prepare(char* stack) {
#if defined(__x86_64__)
  // As holdfast_fiber_switch leaves it: six registers, then the address to return to.
  constexpr int kSlots = 8;
  void* slots[kSlots] = {};
  slots[6] = reinterpret_cast<void*>(&Fiber::enter);
  char* const top = stack + kStackSize - sizeof slots;
  std::memcpy(top, slots, sizeof slots);
  own = top;
#else
  CHECK(getcontext(&own) == 0);
  own.uc_stack.ss_sp = stack;
  own.uc_stack.ss_size = kStackSize;
  own.uc_link = nullptr;
  makecontext(&own, &Fiber::enter, 0);
#endif
}

void Fiber::Context::switch_in([[maybe_unused]] char* stack) {
#if defined(HOLDFAST_ASAN)
  void* fake_stack = nullptr;
  __lsan_disable();
  __sanitizer_start_switch_fiber(&fake_stack, stack, kStackSize);
#endif
#if defined(HOLDFAST_TSAN)
  resumer_tsan = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(own_tsan, 0);
#endif
#if defined(__x86_64__)
  holdfast_fiber_switch(&resumer, own);
#else
  CHECK(swapcontext(&resumer, &own) == 0);
#endif
#if defined(HOLDFAST_ASAN)
  __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
  __lsan_enable();
#endif
}

void Fiber::Context::arrive() {
#if defined(HOLDFAST_ASAN)
  __sanitizer_finish_switch_fiber(own_fake_stack, &resumer_stack, &resumer_stack_size);
#endif
}

void Fiber::Context::switch_out([[maybe_unused]] bool for_good) {
#if defined(HOLDFAST_ASAN)
  __sanitizer_start_switch_fiber(for_good ? nullptr : &own_fake_stack, resumer_stack,
                                 resumer_stack_size);
#endif
#if defined(HOLDFAST_TSAN)
  __tsan_switch_to_fiber(resumer_tsan, 0);
#endif
#if defined(__x86_64__)
  holdfast_fiber_switch(&own, resumer);
#else
  CHECK(swapcontext(&own, &resumer) == 0);
#endif
  arrive();
}

Fiber::Fiber(std::function<void()> body)
    : body_(std::move(body)), stack_(take_stack()), context_(std::make_unique<Context>()) {
  std::memcpy(stack_, &kStackCanary, sizeof kStackCanary);
  context_->prepare(stack_);
}

Fiber::~Fiber() {
  CHECK(running_fiber != this);
  give_back_stack(stack_);
}

void Fiber::resume() {
  CHECK(running_fiber == nullptr && !done_);
  running_fiber = this;
  context_->switch_in(stack_);
  running_fiber = nullptr;
  CHECK(std::memcmp(stack_, &kStackCanary, sizeof kStackCanary) == 0);  // stack overflow
}

void Fiber::suspend() {
  CHECK(running_fiber != nullptr);
  running_fiber->context_->switch_out(false);
}

void Fiber::enter() {
  running_fiber->context_->arrive();
  [&]() noexcept { running_fiber->body_(); }();
  running_fiber->done_ = true;
  running_fiber->context_->switch_out(true);
  CHECK(false);  // a fiber that is done was resumed
}

}  // namespace holdfast::sim
