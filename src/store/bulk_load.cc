// The public load: sorts rows, writes them into the tree of a store that it has alone, and makes
// that tree the store's by a checkpoint.
//
// A kill or a power cut at any point leaves the store as it was: whoever has it alone works on a
// private control block, so the next opening starts cold from the newest meta, and pages that no
// meta reaches are free. The meta's sector is the point from which the rows are there.
#include "holdfast/load.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "base/check.h"
#include "store/append.h"
#include "store/apply.h"
#include "store/early_sync.h"
#include "store/engine.h"
#include "store/key_sort.h"
#include "store/new_pages.h"
#include "store/reclaim.h"
#include "store/spilled_rows.h"
#include "store/transaction_impl.h"

namespace holdfast {
namespace {

constexpr uint64_t kMemoryBytesMin = 4u << 10;
constexpr uint64_t kRowBytesMax = 2u << 20;
// Rows that need no sorting are written while they are in the processor's cache.
constexpr uint64_t kAscendingBytes = 2u << 20;

}  // namespace

class Load::Impl {
 public:
  Impl(std::shared_ptr<Store::Impl> engine, const LoadOptions& options)
      : engine_(std::move(engine)),
        context_(engine_->context()),
        memory_bytes_(std::max(options.memory_bytes, kMemoryBytesMin)),
        early_sync_(context_.os, *context_.data_file),
        spilled_(context_.os, context_.path + "/load.tmp") {}

  Status begin();
  Status put(std::string_view key, std::string_view value);
  Result<uint64_t> commit();
  bool is_forked() const { return engine_->usable().code() == StatusCode::kForked; }

 private:
  Status write_out();
  Status write(std::span<const tree::Operation> rows);
  Status write_spilled();
  void add(std::string_view key, std::string_view value);
  void sort();
  bool has_room(uint64_t size) const;
  Result<uint64_t> append_empty();
  Status publish();
  Status make_durable();

  const std::shared_ptr<Store::Impl> engine_;
  const store::Context& context_;
  const uint64_t memory_bytes_;
  Status failed_;
  bool finished_ = false;

  // The tree that is to be: `root_` and what differs from `base_`.
  std::optional<store::ApplyGuard> applying_;
  std::optional<store::PageAllocation> allocation_;
  std::optional<store::NewPages> pages_;
  store::EarlySync early_sync_;
  store::PublishedRoot base_;
  uint64_t version_ = 0;
  tree::Root root_;
  std::vector<store::RetiredRun> retired_;

  // Rows that are not in it yet.
  os::LargeBytes bytes_;
  uint64_t used_ = 0;
  std::vector<tree::Operation> rows_;  // views into bytes_
  bool is_ascending_ = true;           // since the load began
  std::string last_key_;               // of what was written while it was
  store::SpilledRows spilled_;
};

Status Load::Impl::begin() {
  HOLDFAST_TRY(engine_->flush());
  HOLDFAST_TRY(store::lock_apply(context_, context_.deadline()));
  applying_.emplace(context_);
  HOLDFAST_TRY(store::data_whole(context_));
  HOLDFAST_TRY(store::reclaim(context_, store::ReclaimEffort::kThorough));
  base_ = store::read_latest_root(context_.control());
  CHECK(base_.version == store::read_tail(context_.control().tail).version);
  version_ = base_.version + 1;
  root_ = base_.root;
  allocation_.emplace(context_);
  pages_.emplace(context_);
  bytes_ = os::LargeBytes(memory_bytes_ + kRowBytesMax);
  return Status::ok();
}

bool Load::Impl::has_room(uint64_t size) const {
  if (rows_.empty()) return true;
  const bool direct = is_ascending_ && spilled_.empty();
  const uint64_t limit = direct ? std::min(memory_bytes_, kAscendingBytes) : memory_bytes_;
  return used_ + size + (rows_.size() + 1) * sizeof(tree::Operation) <= limit;
}

void Load::Impl::add(std::string_view key, std::string_view value) {
  CHECK(used_ + key.size() + value.size() <= bytes_.size());
  char* const to = bytes_.data() + used_;
  key.copy(to, key.size());
  value.copy(to + key.size(), value.size());
  used_ += key.size() + value.size();
  rows_.push_back({{to, key.size()}, std::string_view(to + key.size(), value.size())});
}

Status Load::Impl::put(std::string_view key, std::string_view value) {
  HOLDFAST_TRY(failed_);
  if (finished_) {
    return Status(StatusCode::kInvalidArgument, "the load is finished; open another one");
  }
  HOLDFAST_TRY(engine_->check_key(key));
  HOLDFAST_TRY(check_value_size(value.size()));
  if (is_ascending_) is_ascending_ = (rows_.empty() ? last_key_ : rows_.back().key) < key;
  if (!has_room(key.size() + value.size())) {
    failed_ = write_out();
    HOLDFAST_TRY(failed_);
  }
  add(key, value);
  return Status::ok();
}

// In the order of the keys, of each key the last row.
void Load::Impl::sort() {
  store::sort_by_key(rows_);
  size_t kept = 0;
  for (size_t i = 0; i < rows_.size(); ++i) {
    if (i + 1 < rows_.size() && rows_[i].key == rows_[i + 1].key) continue;
    rows_[kept++] = rows_[i];
  }
  rows_.resize(kept);
}

// Makes the memory free for other rows.
Status Load::Impl::write_out() {
  HOLDFAST_TRY(engine_->usable());
  if (rows_.empty()) return Status::ok();
  if (is_ascending_) {
    last_key_ = rows_.back().key;
    HOLDFAST_TRY(write(rows_));
  } else {
    sort();
    HOLDFAST_TRY(spilled_.add(rows_));
  }
  rows_.clear();
  used_ = 0;
  return Status::ok();
}

Status Load::Impl::write(std::span<const tree::Operation> rows) {
  HOLDFAST_ASSIGN(const tree::ApplyResult result,
                  tree::apply(*context_.pages, root_, rows, version_, *allocation_, &*pages_));
  HOLDFAST_TRY(pages_->finish());
  early_sync_.wrote(used_);
  root_ = result.root;
  for (const tree::RetiredRun& run : result.retired) {
    if (run.birth_version == version_) {
      allocation_->release(run.pgno, run.count);  // of this load: nobody has seen it
    } else {
      retired_.push_back({run.pgno, run.count, run.birth_version, version_});
    }
  }
  return Status::ok();
}

Status Load::Impl::write_spilled() {
  while (true) {
    HOLDFAST_ASSIGN(const std::optional<tree::Operation> row, spilled_.next());
    if (!row) break;
    if (!has_room(row->key.size() + row->value->size())) {
      HOLDFAST_TRY(write(rows_));
      rows_.clear();
      used_ = 0;
    }
    add(row->key, *row->value);
  }
  return write(rows_);
}

// A commit without operations.
Result<uint64_t> Load::Impl::append_empty() {
  log::PayloadBuilder payload(context_.options.actor);
  HOLDFAST_ASSIGN(const store::Appended appended,
                  store::append(context_, payload, {}, {}, context_.deadline()));
  return appended.version;
}

// The record in the log gives the version its time and its actor; were it all that is left, it
// would change nothing.
Status Load::Impl::publish() {
  HOLDFAST_ASSIGN(const uint64_t version, append_empty());
  CHECK(version == version_);
  const store::Tail tail = store::read_tail(context_.control().tail);
  store::PublishPlan plan;
  plan.root = base_;
  plan.root.sequence = base_.sequence + 1;
  plan.root.root = root_;
  plan.root.version = version;
  plan.root.lsn = tail.lsn;
  plan.root.time_us = tail.time_us;
  plan.root.prev_crc = tail.prev_crc;
  plan.root.epoch = tail.epoch;
  plan.root.pages_needed = tail.pages_needed;
  plan.taken = allocation_->extents();
  plan.pages_taken = allocation_->pages_taken();
  plan.hint = allocation_->hint();
  plan.retired = std::move(retired_);
  HOLDFAST_TRY(store::carry_out(context_, plan));
  applying_.reset();
  return Status::ok();
}

// Two checkpoints: the log does not have the rows, so both metas must.
Status Load::Impl::make_durable() {
  HOLDFAST_TRY(engine_->checkpoint());
  HOLDFAST_TRY(append_empty().status());
  return engine_->checkpoint();
}

Result<uint64_t> Load::Impl::commit() {
  HOLDFAST_TRY(failed_);
  HOLDFAST_TRY(engine_->usable());
  if (finished_) {
    return Status(StatusCode::kInvalidArgument, "the load is finished; open another one");
  }
  finished_ = true;
  if (!is_ascending_ && spilled_.empty()) {
    sort();
    HOLDFAST_TRY(write(rows_));
  } else {
    HOLDFAST_TRY(write_out());
    if (!spilled_.empty()) HOLDFAST_TRY(write_spilled());
  }
  HOLDFAST_TRY(early_sync_.finish());
  HOLDFAST_TRY(publish());
  const Status status = make_durable();
  if (status) return version_;
  // Whatever it says of itself is not true of the load: NoSpace, say, behind the first meta.
  return Status(StatusCode::kIoError,
                "whether the rows are in the store is not known; open it again and look: " +
                    status.to_string());
}

// --- Load

Load::Load(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Load::Load(Load&&) noexcept = default;

Load& Load::operator=(Load&& other) noexcept {
  impl_.swap(other.impl_);
  return *this;
}

Load::~Load() {
  // In a child the thread is not there, and the file with the rows is the parent's: forget them.
  if (impl_ != nullptr && impl_->is_forked()) (void)impl_.release();
}

Result<Load> Load::open(const std::string& path, const StoreOptions& options,
                        const LoadOptions& load_options) {
  return Load::open(os::posix_os(), path, options, load_options);
}

Result<Load> Load::open(os::Os& os, const std::string& path, const StoreOptions& options,
                        const LoadOptions& load_options) {
  StoreOptions alone = options;
  alone.sharing = Sharing::exclusive;
  alone.durability = Durability::batched;
  alone.helper_thread = false;
  HOLDFAST_ASSIGN(auto engine, Store::Impl::open(os, path, alone, nullptr));
  auto impl = std::make_unique<Impl>(std::move(engine), load_options);
  HOLDFAST_TRY(impl->begin());
  return Load(std::move(impl));
}

Status Load::put(std::string_view key, std::string_view value) {
  return impl_->put(key, value);
}
Result<uint64_t> Load::commit() {
  return impl_->commit();
}

}  // namespace holdfast
