// Retention: which of the histories that keep themselves to a retention are to be gone through, and
// the steps of doing so. Every process may; a step is one transaction over one history.
//
// Thread-safety: Retainer from any thread; one step of a handle at a time.
// Invariants:
//   1. Where a round has got to is written by the commit that has done the step before: a round
//   that
//      dies with its process is taken up by the next.
//   2. A history that grows is gone through again when it has grown by an eighth, one that is kept
//      by age when an eighth of that age has passed, too.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>

#include "holdfast/history.h"

namespace holdfast::store {

// In order of prefixes, from behind `after`; `visit` returns whether to go on.
Status for_each_history(Reader& reader, std::string_view after,
                        const std::function<bool(const KeptHistory&)>& visit);

enum class RetainStep : uint8_t {
  kDone,  // nothing is due
  kMore,
  kBusy,  // another thread of this handle is at it
};

class Retainer {
 public:
  using Begin = std::function<Result<Transaction>()>;

  // Whether it is time to look what is due, at the commit of `version`. Costs nothing.
  bool is_time(uint64_t version) const {
    const uint64_t next = next_look_version_.load(std::memory_order_relaxed);
    return next == 0 ? version % kFirstLookEvery == 0 : version >= next;
  }
  // A step of trimming, if something is due. Errors: those of Transaction::commit.
  Result<RetainStep> step(const Begin& begin, uint64_t now_us);

 private:
  static constexpr uint64_t kFirstLookEvery = 64;
  static constexpr uint64_t kLookEvery = 64;    // commits, while histories are kept,
  static constexpr uint64_t kIdleEvery = 1024;  // and while none are
  static constexpr size_t kHistoriesPerLook = 64;

  Result<RetainStep> look(const Begin& begin, uint64_t now_us);

  std::atomic<bool> busy_{false};
  std::atomic<uint64_t> next_look_version_{0};  // 0: has not looked yet
  std::string prefix_;                          // where the last look ended
  bool nothing_due_ = true;                     // since the first history was looked at
};

}  // namespace holdfast::store
