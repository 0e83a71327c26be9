// ChangeWaiter: sleeps until keys change, by a watch where there is one, else by pauses.
//
// Who: memory/ only. Thread-safety: one thread at a time. Must not outlive the Access.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "memory/access.h"

namespace holdfast::memory {

class ChangeWaiter {
 public:
  explicit ChangeWaiter(Access& access) : access_(access) {}

  // Returns when a commit behind `version` touched `range`, after `left_us`, or now and then for
  // nothing; false: nothing will ever change here. The range of the first call with one stays;
  // without one (the space does not exist) it pauses. Errors: those of Watch::wait.
  Result<bool> wait(const KeyRange& range, uint64_t version, int64_t left_us) {
    if (!watch_ && !range.begin.empty()) {
      auto made = access_.watch(range, version);
      if (made) watch_.emplace(std::move(*made));
    }
    if (!watch_) return access_.pause();
    const std::chrono::milliseconds left((std::max<int64_t>(left_us, 0) + 999) / 1000);
    HOLDFAST_TRY(watch_->wait(left).status());
    return true;
  }

 private:
  Access& access_;
  std::optional<Watch> watch_;
};

}  // namespace holdfast::memory
