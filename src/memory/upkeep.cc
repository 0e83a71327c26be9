#include "memory/upkeep.h"

#include <system_error>

namespace holdfast::memory {

Upkeep::~Upkeep() {
  if (thread_.joinable()) thread_.join();
}

bool Upkeep::count(size_t observations) {
  return behind_.fetch_add(observations) + observations >= kEnough;
}

void Upkeep::run(const Work& work) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return;
  if (is_at_work_ && behind_ < kBehindMax) return;
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
