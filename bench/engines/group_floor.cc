// The second floor: ideal group commit. Append under a short lock; then one of those who wait
// syncs for all that was appended so far, and the others sleep on a futex until it is done.
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

#include "bench/engines/engines.h"
#include "bench/engines/raw_log.h"

namespace holdfast::bench {
namespace {

class GroupFloorSession final : public RawLogSession {
 public:
  using RawLogSession::RawLogSession;

 private:
  void commit(std::optional<size_t> counter) override {
    const uint64_t end = append_records(counter);
    if (setup_.durability == Durability::kStrict) make_durable(end);
  }

  void make_durable(uint64_t end) {
    RawLog::Control& control = log_.control();
    while (control.durable.load() < end) {
      const uint32_t round = control.sync_round.load();
      if (control.sync_lock.try_lock()) {
        if (control.durable.load() < end) {
          const uint64_t reached = control.end.load();
          log_.sync();
          control.durable.store(reached);
        }
        control.sync_lock.unlock();
        control.sync_round.fetch_add(1);
        syscall(SYS_futex, &control.sync_round, FUTEX_WAKE, kEveryone, nullptr, nullptr, 0);
      } else if (control.durable.load() < end) {
        // The timeout only matters when the one who syncs dies.
        const timespec patience{0, 10'000'000};
        syscall(SYS_futex, &control.sync_round, FUTEX_WAIT, round, &patience, nullptr, 0);
      }
    }
  }

  static constexpr int kEveryone = 1 << 30;
};

class GroupFloor final : public Engine {
 public:
  std::string name() const override { return "group_floor"; }
  std::string options(Durability durability) const override {
    return durability == Durability::kStrict
               ? "raw log, zero-filled, no checksum: append under a lock, then one fdatasync for "
                 "all who wait"
               : "raw log, no checksum: append under a lock, never synced";
  }
  bool does(Work work) const override {
    return work == Work::kPuts || work == Work::kAgent || work == Work::kOwnAgent;
  }
  bool is_data(const std::string& file_name) const override { return file_name == "log"; }
  void create(const Setup& setup) const override { RawLog::create(setup); }
  std::unique_ptr<Session> open(const Setup& setup) const override {
    return std::make_unique<GroupFloorSession>(setup);
  }
};

}  // namespace

std::unique_ptr<Engine> make_group_floor() {
  return std::make_unique<GroupFloor>();
}

}  // namespace holdfast::bench
