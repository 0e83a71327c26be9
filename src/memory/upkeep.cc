#include "memory/upkeep.h"

#include <system_error>

namespace holdfast::memory {

Upkeep::~Upkeep() {
  if (thread_.joinable()) thread_.join();
}

void Upkeep::run(size_t observations, bool is_time, const Work& work) {
  const size_t behind = behind_.fetch_add(observations) + observations;
  if (!is_time && behind < kEnough) return;
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return;
  if (is_at_work_ && behind < kBehindMax) return;
  if (thread_.joinable()) thread_.join();
  start(behind_.exchange(0), work);
}

void Upkeep::start(size_t observations, const Work& work) {
  if (!has_thread_ || !has_run_) {
    has_run_ = true;
    work(observations);
    return;
  }
  is_at_work_ = true;
  try {
    thread_ = std::thread([this, observations, work] {
      work(observations);
      is_at_work_ = false;
    });
  } catch (const std::system_error&) {  // no more threads are to be had
    is_at_work_ = false;
    work(observations);
  }
}

}  // namespace holdfast::memory
