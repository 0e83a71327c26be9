#include "memory/upkeep.h"

#include <exception>
#include <utility>

namespace holdfast::memory {
namespace {

void do_run(const Upkeep::Work& work, size_t observations) {
  try {
    work(observations);
  } catch (const std::exception&) {  // no memory, no thread: it stays due
  }
}

}  // namespace

Upkeep::~Upkeep() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

bool Upkeep::count(size_t observations) {
  return behind_.fetch_add(observations) + observations >= kEnough;
}

void Upkeep::run(const Work& work) {
  std::unique_lock lock(mutex_);
  told_.wait(lock, [this] { return !is_at_work_ || behind_ < kBehindMax; });
  if (is_at_work_) return;  // it looks again when it is done
  is_at_work_ = true;
  if (thread_.joinable()) thread_.join();  // it is past its last look
  const bool is_first = !std::exchange(has_run_, true);
  if (has_thread_ && !is_first && start_thread(work)) return;
  run_here(lock, work);
  if (has_thread_ && behind_ >= kEnough && start_thread(work)) return;
  is_at_work_ = false;
  told_.notify_all();
}

void Upkeep::run_here(std::unique_lock<std::mutex>& lock, const Work& work) {
  const size_t observations = behind_.exchange(0);
  lock.unlock();
  do_run(work, observations);
  lock.lock();
}

// False: no thread is to be had.
bool Upkeep::start_thread(const Work& work) {
  try {
    thread_ = std::thread([this, work] { run_while_due(work); });
  } catch (const std::exception&) {
    return false;
  }
  return true;
}

// At least once. Who counted while this is at work has seen that it is, and relies on it.
void Upkeep::run_while_due(const Work& work) {
  std::unique_lock lock(mutex_);
  do {
    told_.notify_all();
    run_here(lock, work);
  } while (behind_ >= kEnough && !is_ending_);
  is_at_work_ = false;
  told_.notify_all();
}

}  // namespace holdfast::memory
