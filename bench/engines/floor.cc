// The first floor: append and sync under one lock. Strict: one fdatasync per commit, no two at
// once. Batched: the append alone, no sync at all.
#include "bench/engines/engines.h"
#include "bench/engines/raw_log.h"

namespace holdfast::bench {
namespace {

class FloorSession final : public RawLogSession {
 public:
  using RawLogSession::RawLogSession;

 private:
  void commit(std::optional<size_t> counter) override {
    if (setup_.durability == Durability::kBatched) {
      append_records(counter);
      return;
    }
    RobustLock& turn = log_.control().sync_lock;
    turn.lock();
    append_records(counter);
    log_.sync();
    turn.unlock();
  }
};

class Floor final : public Engine {
 public:
  std::string name() const override { return "floor"; }
  std::string options(Durability durability) const override {
    return durability == Durability::kStrict
               ? "raw log, zero-filled, no checksum: append + one fdatasync under a lock"
               : "raw log, no checksum: append under a lock, never synced";
  }
  bool is_data(const std::string& file_name) const override { return file_name == "log"; }
  // It reads what was there at its first read; it keeps every version of a row.
  bool does(Work work) const override {
    return work != Work::kMixed && work != Work::kOverwrite && work != Work::kScale;
  }
  void create(const Setup& setup) const override { RawLog::create(setup); }
  std::unique_ptr<Session> open(const Setup& setup) const override {
    return std::make_unique<FloorSession>(setup);
  }
};

}  // namespace

std::unique_ptr<Engine> make_floor() {
  return std::make_unique<Floor>();
}

}  // namespace holdfast::bench
