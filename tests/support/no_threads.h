// NoThreads: while it lives no thread can be made in this process, as where a limit is reached: the
// stack that each would have by default is larger than the address space. For tests only.
#pragma once

#include <pthread.h>

#include <cstdlib>

namespace holdfast {

class NoThreads {
 public:
  NoThreads() {
    pthread_attr_t none;
    const bool is_set =
        pthread_getattr_default_np(&before_) == 0 && pthread_attr_init(&none) == 0 &&
        pthread_attr_setstacksize(&none, kStackSize) == 0 && pthread_setattr_default_np(&none) == 0;
    if (!is_set) std::abort();  // the test would show nothing
    pthread_attr_destroy(&none);
  }
  ~NoThreads() {
    pthread_setattr_default_np(&before_);
    pthread_attr_destroy(&before_);
  }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;

 private:
  static constexpr size_t kStackSize = size_t{1} << 50;

  pthread_attr_t before_;
};

}  // namespace holdfast
