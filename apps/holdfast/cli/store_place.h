// Whether the directory of a store that is open is still where it was. What is mapped and held open
// goes on working when the directory is removed, for nobody else: who waits for the commits of
// others would wait for ever.
//
// Thread-safety: any thread.
#pragma once

#include <chrono>
#include <string>

#include "holdfast/store.h"

namespace holdfast::cli {

class StorePlace {
 public:
  // Of no store: never there.
  StorePlace() = default;
  explicit StorePlace(const Store& store);

  // What is there now is the directory that was there, by device and inode.
  bool is_same() const;
  // Errors: NotAStore: nothing is there any more, or another directory.
  Status check() const;

 private:
  std::string path_;
  std::string identity_;
};

// For a command that goes on until it is interrupted, or for so many seconds: how long it may wait
// at once, so that it notices in time that its store has vanished.
class StoreWait {
 public:
  // `seconds` 0: for ever.
  StoreWait(const Store& store, double seconds);

  // How long to wait now; 0 at the end. Errors: NotAStore: the store has vanished.
  Result<std::chrono::milliseconds> next() const;
  bool is_over() const;

 private:
  using Clock = std::chrono::steady_clock;

  StorePlace place_;
  bool is_endless_;
  Clock::time_point end_;
};

}  // namespace holdfast::cli
