#include "cli/store_place.h"

#include <sys/stat.h>

#include <algorithm>

namespace holdfast::cli {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLookEvery{1'000};

// Device and inode of a directory; empty: it is not there.
std::string identity_of(const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) return {};
  return std::to_string(facts.st_dev) + ":" + std::to_string(facts.st_ino);
}

}  // namespace

StorePlace::StorePlace(const Store& store)
    : path_(store.path()), identity_(identity_of(store.path())) {}

bool StorePlace::is_same() const {
  return !identity_.empty() && identity_of(path_) == identity_;
}

Status StorePlace::check() const {
  if (is_same()) return Status::ok();
  return Status(StatusCode::kNotAStore,
                "the store has vanished while it was open; put it back, or make a new one with "
                "holdfast init")
      .with_path(path_);
}

StoreWait::StoreWait(const Store& store, double seconds)
    : place_(store),
      is_endless_(seconds <= 0),
      end_(Clock::now() + milliseconds(static_cast<int64_t>(seconds * 1000))) {}

Result<milliseconds> StoreWait::next() const {
  HOLDFAST_TRY(place_.check());
  if (is_endless_) return kLookEvery;
  const auto left = std::chrono::ceil<milliseconds>(end_ - Clock::now());
  return std::clamp(left, milliseconds(0), kLookEvery);
}

bool StoreWait::is_over() const {
  return !is_endless_ && Clock::now() >= end_;
}

}  // namespace holdfast::cli
