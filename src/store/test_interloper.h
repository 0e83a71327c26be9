// Interloper: has something done between two looks of this thread at shared memory, as another
// process might. For tests of store/ only, one at a time; not under the simulated machine, whose
// hook it uses.
#pragma once

#include <functional>
#include <set>
#include <utility>

#include "os/shared.h"

namespace holdfast::store {

// Lets another act once: before the first look, or change, at a place in the program where nobody
// has acted yet.
class Interloper {
 public:
  using Places = std::set<const void*>;

  Interloper(Places& places, std::function<void()> act) : places_(places), act_(std::move(act)) {
    current = this;
    os::shared_step_hook = hook;
  }
  ~Interloper() { os::shared_step_hook = nullptr; }
  Interloper(const Interloper&) = delete;
  Interloper& operator=(const Interloper&) = delete;

  bool has_acted() const { return has_acted_; }

 private:
  // The hook itself, for a lambda may have another function around it.
  static void hook(os::Step, const void*) { current->step(__builtin_return_address(0)); }

  void step(const void* place) {
    if (has_acted_ || !places_.insert(place).second) return;
    has_acted_ = true;
    os::shared_step_hook = nullptr;
    act_();
  }

  static inline Interloper* current = nullptr;
  Places& places_;
  const std::function<void()> act_;
  bool has_acted_ = false;
};

}  // namespace holdfast::store
