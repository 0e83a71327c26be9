#include "holdfast/space.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <thread>

#include "base/uuid.h"
#include "memory/access.h"
#include "memory/catalog.h"
#include "memory/recall.h"
#include "memory/space_blobs.h"
#include "memory/upkeep.h"
#include "os/os.h"
#include "search/store_keyspace.h"
#include "store/engine.h"

namespace holdfast {

// Invariant: the id is cached only when the commit that made the space is durable and so can never
// be voided: a stale id might by then be another space's. It holds for one epoch of the catalog.
class Space::Impl {
 public:
  Impl(std::shared_ptr<Store::Impl> store, SpaceSegments segments)
      : store_(std::move(store)),
        segments_(std::move(segments)),
        path_(space_path_text(segments_)),
        may_cache_(store_->context().options.durability == Durability::strict),
        blobs_(store_),
        fork_count_(store_->context().os.fork_count()),
        upkeep_(std::make_unique<memory::Upkeep>(store_->context().options.helper_thread)) {}
  ~Impl() {
    // In a forked child its thread is not there to be waited for: forget it.
    if (store_->context().os.fork_count() != fork_count_) (void)upkeep_.release();
  }

  Store::Impl& store() { return *store_; }
  const std::shared_ptr<Store::Impl>& store_pointer() const { return store_; }
  memory::SpaceBlobs& blobs() { return blobs_; }
  memory::Upkeep& upkeep() { return *upkeep_; }
  const SpaceSegments& segments() const { return segments_; }
  const std::string& path() const { return path_; }

  // Where a space is: its id, in an epoch of the catalog.
  struct Place {
    uint32_t id = 0;
    uint64_t epoch = 0;
  };
  // nullopt when the space does not exist.
  Result<std::optional<Place>> find(search::KeySource& source) const {
    HOLDFAST_ASSIGN(Place place, look_up(source));
    if (place.id == 0) {
      HOLDFAST_ASSIGN(const auto id, memory::find_space(source, segments_));
      if (!id) return std::optional<Place>();
      place.id = *id;
    }
    return std::optional<Place>(place);
  }
  Result<Place> ensure(search::KeyTarget& target) const {
    HOLDFAST_ASSIGN(Place place, look_up(target));
    if (place.id == 0) {
      HOLDFAST_ASSIGN(place.id, memory::ensure_space(target, segments_));
    }
    return place;
  }
  // REQUIRES: `place` was read from a snapshot of the store, or written by an acknowledged commit.
  void cache(const Place& place) {
    if (may_cache_ && place.epoch <= UINT32_MAX) cached_ = place.epoch << 32 | place.id;
  }

  memory::Stamp next_stamp() {
    os::Os& os = store_->context().os;
    const uint64_t now_us = os.wall_time_us();
    const uint64_t now_ms = now_us / 1000;
    std::array<uint8_t, 10> random;
    os.random_bytes(reinterpret_cast<char*>(random.data()), random.size());
    // The 12 bits after the milliseconds tell the microseconds: ids of several processes sort
    // finer.
    const uint64_t fraction = now_us % 1000 * 4096 / 1000;
    random[0] = static_cast<uint8_t>(fraction >> 8);
    random[1] = static_cast<uint8_t>(fraction);
    const Uuid id = ids_.next(now_ms, random);
    // Where the clock was set back the id's time stands, so that ids sort by `created_us`.
    const uint64_t created_us = id.unix_ms() == now_ms ? now_us : id.unix_ms() * 1000;
    return {id, static_cast<int64_t>(created_us)};
  }

 private:
  // With the id, if it is cached; else with 0.
  Result<Place> look_up(search::KeySource& source) const {
    HOLDFAST_ASSIGN(const uint64_t epoch, memory::catalog_epoch(source));
    const uint64_t cached = cached_;
    return Place{epoch == cached >> 32 ? static_cast<uint32_t>(cached) : 0, epoch};
  }

  const std::shared_ptr<Store::Impl> store_;
  const SpaceSegments segments_;
  const std::string path_;
  const bool may_cache_;
  memory::SpaceBlobs blobs_;
  std::atomic<uint64_t> cached_{0};  // epoch and id, 32 bits each; id 0: not known
  UuidSequence ids_;
  const uint32_t fork_count_;
  std::unique_ptr<memory::Upkeep> upkeep_;  // the last: its thread uses the others
};

namespace {

class SpaceAccess : public memory::Access {
 public:
  explicit SpaceAccess(std::shared_ptr<Space::Impl> space) : space_(std::move(space)) {}
  memory::BlobAccess* blobs() override { return &space_->blobs(); }
  memory::Stamp next_stamp() override { return space_->next_stamp(); }
  int64_t now_us() override {
    return static_cast<int64_t>(space_->store().context().os.wall_time_us());
  }
  size_t threads_max() const override {
    constexpr unsigned kThreadsMax = 8;
    // Asking reads a file.
    static const unsigned cpus = std::clamp(std::thread::hardware_concurrency(), 1u, kThreadsMax);
    return space_->store().context().options.helper_thread ? cpus : 1;
  }
  bool pause() override { return false; }
  HandleId handle_id() override { return space_->store().handle_id(); }
  bool handle_alive(const HandleId& id) override { return space_->store().handle_alive(id); }
  std::string_view space_path() const override { return space_->path(); }

 protected:
  Status run_found(search::KeySource& source, const ReadWork& work) const {
    HOLDFAST_ASSIGN(const auto place, space_->find(source));
    return place ? work(source, place->id) : Status::ok();
  }
  Status run_tree(search::KeySource& source, const TreeWork& work) const {
    return memory::for_each_space(source, space_->segments(),
                                  [&](uint32_t id, const SpaceSegments& segments) {
                                    return work(source, id, space_path_text(segments));
                                  });
  }
  Status run_ensured(search::KeyTarget& target, const WriteWork& work) const {
    HOLDFAST_ASSIGN(const auto place, space_->ensure(target));
    return work(target, place.id);
  }
  Status run_existing(search::KeyTarget& target, const WriteWork& work) const {
    HOLDFAST_ASSIGN(const auto place, space_->find(target));
    return place ? work(target, place->id) : Status::ok();
  }

  const std::shared_ptr<Space::Impl> space_;
};

// Every call a snapshot or a commit of its own.
class StoreAccess final : public SpaceAccess {
 public:
  using SpaceAccess::SpaceAccess;

  bool pause() override {
    constexpr uint64_t kPauseUs = 5'000;
    space_->store().context().os.sleep_us(kPauseUs);
    return true;
  }

  bool is_own_commit() const override { return true; }
  void keep_up(size_t observations, bool is_time, const UpkeepWork& work) override {
    const bool is_enough = space_->upkeep().count(observations);
    if (!is_time && !is_enough) return;
    // Not owned: the space waits for the thread as it goes.
    const std::shared_ptr<Space::Impl> space(std::shared_ptr<void>(), space_.get());
    space->upkeep().run([space, work](size_t count) {
      StoreAccess access(space);
      work(access, count);
    });
  }
  Result<Watch> watch(const KeyRange& range, uint64_t cursor) override {
    return space_->store().watch(range, cursor);
  }

  Status read(const ReadWork& work) override {
    HOLDFAST_ASSIGN(Snapshot snapshot, space_->store().snapshot());
    search::ReaderSource source(snapshot);
    HOLDFAST_ASSIGN(const auto place, space_->find(source));
    if (!place) return Status::ok();
    space_->cache(*place);
    return work(source, place->id);
  }

  Status read_tree(const TreeWork& work) override {
    HOLDFAST_ASSIGN(Snapshot snapshot, space_->store().snapshot());
    search::ReaderSource source(snapshot);
    return run_tree(source, work);
  }

  Status write(const WriteWork& work) override {
    Space::Impl::Place used;
    HOLDFAST_TRY(update([&](search::KeyTarget& target) -> Status {
      HOLDFAST_ASSIGN(used, space_->ensure(target));
      return work(target, used.id);
    }));
    space_->cache(used);
    return Status::ok();
  }

  Status write_existing(const WriteWork& work) override {
    return update([&](search::KeyTarget& target) { return run_existing(target, work); });
  }

 private:
  Status update(const std::function<Status(search::KeyTarget&)>& work) {
    HOLDFAST_TRY(space_->store()
                     .update([&](Transaction& transaction) {
                       search::TransactionTarget target(transaction);
                       return work(target);
                     })
                     .status());
    space_->blobs().collect_released();
    return Status::ok();
  }
};

class TransactionAccess final : public SpaceAccess {
 public:
  TransactionAccess(std::shared_ptr<Space::Impl> space, Transaction& transaction)
      : SpaceAccess(std::move(space)), target_(transaction) {}

  Status read(const ReadWork& work) override { return run_found(target_, work); }
  Status read_tree(const TreeWork& work) override { return run_tree(target_, work); }
  Status write(const WriteWork& work) override { return run_ensured(target_, work); }
  Status write_existing(const WriteWork& work) override { return run_existing(target_, work); }

 private:
  search::TransactionTarget target_;
};

class SnapshotAccess final : public SpaceAccess {
 public:
  SnapshotAccess(std::shared_ptr<Space::Impl> space, Snapshot& snapshot)
      : SpaceAccess(std::move(space)), source_(snapshot) {}

  Status read(const ReadWork& work) override { return run_found(source_, work); }
  Status read_tree(const TreeWork& work) override { return run_tree(source_, work); }
  Status write(const WriteWork&) override { return refuse(); }
  Status write_existing(const WriteWork&) override { return refuse(); }

 private:
  static Status refuse() {
    return Status(StatusCode::kReadOnly,
                  "a snapshot cannot be written to; use the space's handle without a snapshot");
  }
  search::ReaderSource source_;
};

constexpr size_t kSpaceListLimitMax = 100'000;

Result<Space> make_space(std::shared_ptr<Store::Impl> store, SpaceSegments segments) {
  HOLDFAST_TRY(memory::check_segments(segments));
  return Space(std::make_shared<Space::Impl>(std::move(store), std::move(segments)));
}

}  // namespace

Result<SpaceSegments> parse_space_path(std::string_view path) {
  SpaceSegments segments;
  if (!path.empty()) {
    size_t begin = 0;
    for (size_t end = 0; end != std::string_view::npos; begin = end + 1) {
      end = path.find('/', begin);
      segments.emplace_back(path.substr(begin, end - begin));
      if (segments.size() > kSpaceSegmentsMax) break;
    }
  }
  HOLDFAST_TRY(memory::check_segments(segments));
  return segments;
}

std::string space_path_text(const SpaceSegments& segments) {
  std::string text;
  for (const std::string& segment : segments) {
    if (!text.empty()) text.push_back('/');
    for (const char c : segment) {
      if (c == '/') text.push_back('\\');
      text.push_back(c);
    }
  }
  return text;
}

Result<std::vector<SpaceSegments>> list_spaces(Reader& reader, const SpaceListOptions& options) {
  if (options.limit == 0 || options.limit > kSpaceListLimitMax) {
    return Status(StatusCode::kInvalidArgument,
                  "limit must be 1 to " + std::to_string(kSpaceListLimitMax));
  }
  if (!options.below.empty()) HOLDFAST_TRY(memory::check_segments(options.below));
  search::ReaderSource source(reader);
  return memory::list_spaces_below(source, options.below, options.limit);
}

Result<Space> Store::space(std::string_view path) {
  HOLDFAST_ASSIGN(SpaceSegments segments, parse_space_path(path));
  return make_space(impl_, std::move(segments));
}

Result<Space> Store::space(const std::vector<std::string>& segments) {
  return make_space(impl_, segments);
}

Space::Space(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

const SpaceSegments& Space::segments() const {
  return impl_->segments();
}
const std::string& Space::path() const {
  return impl_->path();
}

Result<Space> Space::child(std::string_view segment) const {
  SpaceSegments segments = impl_->segments();
  segments.emplace_back(segment);
  return make_space(impl_->store_pointer(), std::move(segments));
}

Result<std::vector<Space>> Space::children(size_t limit) const {
  HOLDFAST_ASSIGN(Snapshot snapshot, impl_->store().snapshot());
  HOLDFAST_ASSIGN(const std::vector<SpaceSegments> below,
                  list_spaces(snapshot, {.below = impl_->segments(), .limit = limit}));
  std::vector<Space> spaces;
  spaces.reserve(below.size());
  for (const SpaceSegments& segments : below) {
    HOLDFAST_ASSIGN(Space space, make_space(impl_->store_pointer(), segments));
    spaces.push_back(std::move(space));
  }
  return spaces;
}

Kv Space::kv() const {
  return Kv(std::make_shared<StoreAccess>(impl_));
}
Kv Space::kv(Transaction& transaction) const {
  return Kv(std::make_shared<TransactionAccess>(impl_, transaction));
}
Kv Space::kv(Snapshot& snapshot) const {
  return Kv(std::make_shared<SnapshotAccess>(impl_, snapshot));
}

Claims Space::claims() const {
  return Claims(std::make_shared<StoreAccess>(impl_));
}
Claims Space::claims(Transaction& transaction) const {
  return Claims(std::make_shared<TransactionAccess>(impl_, transaction));
}
Claims Space::claims(Snapshot& snapshot) const {
  return Claims(std::make_shared<SnapshotAccess>(impl_, snapshot));
}

Queue Space::queue(std::string_view name) const {
  return Queue(std::make_shared<StoreAccess>(impl_), std::string(name));
}
Queue Space::queue(Transaction& transaction, std::string_view name) const {
  return Queue(std::make_shared<TransactionAccess>(impl_, transaction), std::string(name));
}
Queue Space::queue(Snapshot& snapshot, std::string_view name) const {
  return Queue(std::make_shared<SnapshotAccess>(impl_, snapshot), std::string(name));
}

Events Space::events() const {
  return Events(std::make_shared<StoreAccess>(impl_));
}
Events Space::events(Transaction& transaction) const {
  return Events(std::make_shared<TransactionAccess>(impl_, transaction));
}
Events Space::events(Snapshot& snapshot) const {
  return Events(std::make_shared<SnapshotAccess>(impl_, snapshot));
}

Cache Space::cache(std::string_view name) const {
  return Cache(std::make_shared<StoreAccess>(impl_), std::string(name));
}
Cache Space::cache(Transaction& transaction, std::string_view name) const {
  return Cache(std::make_shared<TransactionAccess>(impl_, transaction), std::string(name));
}
Cache Space::cache(Snapshot& snapshot, std::string_view name) const {
  return Cache(std::make_shared<SnapshotAccess>(impl_, snapshot), std::string(name));
}

Inbox Space::inbox(std::string_view name) const {
  return Inbox(std::make_shared<StoreAccess>(impl_), std::string(name));
}
Inbox Space::inbox(Transaction& transaction, std::string_view name) const {
  return Inbox(std::make_shared<TransactionAccess>(impl_, transaction), std::string(name));
}
Inbox Space::inbox(Snapshot& snapshot, std::string_view name) const {
  return Inbox(std::make_shared<SnapshotAccess>(impl_, snapshot), std::string(name));
}

Outbox Space::outbox(std::string_view name) const {
  return Outbox(std::make_shared<StoreAccess>(impl_), std::string(name));
}
Outbox Space::outbox(Transaction& transaction, std::string_view name) const {
  return Outbox(std::make_shared<TransactionAccess>(impl_, transaction), std::string(name));
}
Outbox Space::outbox(Snapshot& snapshot, std::string_view name) const {
  return Outbox(std::make_shared<SnapshotAccess>(impl_, snapshot), std::string(name));
}

Messages Space::messages() const {
  return Messages(std::make_shared<StoreAccess>(impl_));
}
Messages Space::messages(Transaction& transaction) const {
  return Messages(std::make_shared<TransactionAccess>(impl_, transaction));
}
Messages Space::messages(Snapshot& snapshot) const {
  return Messages(std::make_shared<SnapshotAccess>(impl_, snapshot));
}

Presence Space::presence() const {
  return Presence(std::make_shared<StoreAccess>(impl_));
}
Presence Space::presence(Transaction& transaction) const {
  return Presence(std::make_shared<TransactionAccess>(impl_, transaction));
}
Presence Space::presence(Snapshot& snapshot) const {
  return Presence(std::make_shared<SnapshotAccess>(impl_, snapshot));
}

Links Space::links() const {
  return Links(std::make_shared<StoreAccess>(impl_));
}
Links Space::links(Transaction& transaction) const {
  return Links(std::make_shared<TransactionAccess>(impl_, transaction));
}
Links Space::links(Snapshot& snapshot) const {
  return Links(std::make_shared<SnapshotAccess>(impl_, snapshot));
}

Runs Space::runs() const {
  return Runs(std::make_shared<StoreAccess>(impl_));
}
Runs Space::runs(Transaction& transaction) const {
  return Runs(std::make_shared<TransactionAccess>(impl_, transaction));
}
Runs Space::runs(Snapshot& snapshot) const {
  return Runs(std::make_shared<SnapshotAccess>(impl_, snapshot));
}

Artifacts Space::artifacts() const {
  return Artifacts(std::make_shared<StoreAccess>(impl_));
}
Artifacts Space::artifacts(Transaction& transaction) const {
  return Artifacts(std::make_shared<TransactionAccess>(impl_, transaction));
}
Artifacts Space::artifacts(Snapshot& snapshot) const {
  return Artifacts(std::make_shared<SnapshotAccess>(impl_, snapshot));
}

Registry Space::registry() const {
  return Registry(std::make_shared<StoreAccess>(impl_));
}
Registry Space::registry(Transaction& transaction) const {
  return Registry(std::make_shared<TransactionAccess>(impl_, transaction));
}
Registry Space::registry(Snapshot& snapshot) const {
  return Registry(std::make_shared<SnapshotAccess>(impl_, snapshot));
}

Records Space::records() const {
  return Records(std::make_shared<StoreAccess>(impl_));
}
Records Space::records(Transaction& transaction) const {
  return Records(std::make_shared<TransactionAccess>(impl_, transaction));
}
Records Space::records(Snapshot& snapshot) const {
  return Records(std::make_shared<SnapshotAccess>(impl_, snapshot));
}

Observations Space::observations() const {
  return Observations(std::make_shared<StoreAccess>(impl_));
}
Observations Space::observations(Transaction& transaction) const {
  return Observations(std::make_shared<TransactionAccess>(impl_, transaction));
}
Observations Space::observations(Snapshot& snapshot) const {
  return Observations(std::make_shared<SnapshotAccess>(impl_, snapshot));
}

Vectors Space::vectors() const {
  return Vectors(std::make_shared<StoreAccess>(impl_));
}
Vectors Space::vectors(Transaction& transaction) const {
  return Vectors(std::make_shared<TransactionAccess>(impl_, transaction));
}
Vectors Space::vectors(Snapshot& snapshot) const {
  return Vectors(std::make_shared<SnapshotAccess>(impl_, snapshot));
}

Result<std::vector<RecallHit>> Space::recall(const RecallQuery& query) const {
  StoreAccess access(impl_);
  return memory::recall(access, query);
}
Result<std::vector<RecallHit>> Space::recall(Transaction& transaction,
                                             const RecallQuery& query) const {
  TransactionAccess access(impl_, transaction);
  return memory::recall(access, query);
}
Result<std::vector<RecallHit>> Space::recall(Snapshot& snapshot, const RecallQuery& query) const {
  SnapshotAccess access(impl_, snapshot);
  return memory::recall(access, query);
}

Result<RecallVerdict> Space::why_not(const RecallQuery& query, std::string_view id) const {
  StoreAccess access(impl_);
  return memory::why_not(access, query, id);
}
Result<RecallVerdict> Space::why_not(Transaction& transaction, const RecallQuery& query,
                                     std::string_view id) const {
  TransactionAccess access(impl_, transaction);
  return memory::why_not(access, query, id);
}
Result<RecallVerdict> Space::why_not(Snapshot& snapshot, const RecallQuery& query,
                                     std::string_view id) const {
  SnapshotAccess access(impl_, snapshot);
  return memory::why_not(access, query, id);
}

}  // namespace holdfast
