// Pins: the reader slots of this handle. A pinned version keeps its pages, and the log behind
// its LSN, from being reused.
//
// Thread-safety: any thread. Process-safety: slots are claimed in the shared table.
// Invariants:
//   1. A version is pinned in a slot before the reclaim floor is read; see reclaim.h.
//   2. Slots go back to a list of this handle and are given up when it closes.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "store/context.h"
#include "store/published.h"

namespace holdfast::store {

enum class RootChoice : uint8_t { kDurable, kLatest };

class Pins {
 public:
  explicit Pins(const Context& context) : context_(context) {}
  ~Pins();

  struct Pinned {
    uint32_t slot = 0;
    PublishedRoot root;
  };
  // Pins the newest durable, or the newest root. With `keep_log`, also the log behind it.
  // Errors: Busy (every reader slot of the store is taken).
  Result<Pinned> pin(RootChoice choice, bool keep_log);
  // Pins the root of a named snapshot; nullopt when its name has been dropped since `root` was
  // read. Errors: as pin().
  Result<std::optional<Pinned>> pin_named(const PublishedRoot& root);
  // A slot that pins no version, and keeps the log from an LSN on. Errors: as pin().
  Result<uint32_t> claim_log();
  void keep_log(uint32_t slot, log::Lsn lsn);
  void unpin(uint32_t slot);
  // Gives the idle slots back. REQUIRES: nothing is pinned, nor will be.
  void give_up();
  // For a handle that fork() has copied: forgets everything, touches nothing.
  void abandon();

 private:
  void admit_new_pages() const;
  Result<uint32_t> claim();
  static constexpr uint32_t kNoSlot = ~0u;

  const Context& context_;
  std::atomic<uint32_t> spare_{kNoSlot};  // one idle slot that costs no lock; the others:
  std::mutex mutex_;
  std::vector<uint32_t> idle_;
};

}  // namespace holdfast::store
