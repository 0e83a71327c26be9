// Fiber: a function with a stack of its own, resumed and suspended by hand on one thread.
//
// Who: Machine, one fiber per virtual process. Not thread-safe: one thread per program uses it.
// Invariants:
//   1. A fiber destroyed before it is done is abandoned: nothing on its stack is ever destructed,
//      as nothing is in a killed process. Its stack is reused, its heap is leaked.
//   2. No exception leaves the body.
// Memory allocated while a fiber runs is hidden from LeakSanitizer, because of invariant 1.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace holdfast::sim {

class Fiber {
 public:
  static constexpr size_t kStackSize = 256 * 1024;

  explicit Fiber(std::function<void()> body);
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  // REQUIRES: it is not the running fiber.
  ~Fiber();

  // Runs the body until it suspends or is done. REQUIRES: no fiber runs, and !done().
  void resume();
  // Back to whoever resumed the running fiber. REQUIRES: a fiber runs.
  static void suspend();
  bool done() const { return done_; }

 private:
  struct Context;
  static void enter();

  std::function<void()> body_;
  char* stack_;
  std::unique_ptr<Context> context_;
  bool done_ = false;
};

}  // namespace holdfast::sim
