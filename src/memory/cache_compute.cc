// One computation for all: a row says who computes an entry, its handle and until when. It is
// removed in the commit that puts the value; where its process dies or its time passes, the next
// who looks puts its own in its place.
#include <algorithm>

#include "memory/cache_state.h"
#include "memory/change_waiter.h"
#include "memory/lease.h"

namespace holdfast {
namespace {

using memory::CacheComputer;
using memory::CacheCounter;
using memory::CacheRows;

// A holder's death is no commit, so nobody is woken by it: it is looked for so often.
constexpr int64_t kLookEveryUs = 20'000;

// What one look at an entry finds.
struct Look {
  bool is_fresh = false;   // somebody has put it meanwhile
  bool is_taken = false;   // another computes it
  KeyRange computer = {};  // where that stands
  uint64_t version = 0;    // that was looked at
};

Status look_at(memory::Access& access, search::KeySource& source, const CacheRows& rows,
               std::string_view key, Look& look) {
  const int64_t now_us = access.now_us();
  look = {};
  const std::string computer_key = rows.computer_key(key);
  look.computer = {computer_key, computer_key + '\0'};
  look.version = source.version();
  HOLDFAST_ASSIGN(const auto row, rows.read(source, key));
  look.is_fresh = row && row->is_fresh(now_us);
  HOLDFAST_ASSIGN(const auto computer, rows.read_computer(source, key));
  look.is_taken =
      computer && computer->expires_us > now_us && access.handle_alive(computer->handle);
  return Status::ok();
}

Status busy(std::string_view name, std::string_view key) {
  return Status(StatusCode::kBusy, "another process still computes \"" +
                                       std::string(key.substr(0, 80)) + "\" of cache " +
                                       std::string(name) +
                                       "; wait longer, or take a stale value (take_stale)");
}

}  // namespace

Result<Computed> Cache::get_or_compute(std::string_view key, const Compute& compute,
                                       const ComputeOptions& options) const {
  HOLDFAST_TRY(memory::check_cache(name_, key));
  HOLDFAST_TRY(memory::check_put({}, options.put));
  if (!access_->is_own_commit()) {
    return Status(StatusCode::kInvalidArgument,
                  "a computation is not part of a transaction; use the space's own cache");
  }
  if (options.lease.count() <= 0 || options.lease > kCacheTtlMax || options.wait.count() < 0) {
    return Status(StatusCode::kInvalidArgument, "lease must be 1 ms to 366 days, wait 0 or more");
  }
  const int64_t give_up_us = memory::later(access_->now_us(), options.wait);
  const std::string id = access_->next_stamp().id.to_text();
  memory::ChangeWaiter waiter(*access_);
  for (bool is_first = true;; is_first = false) {
    HOLDFAST_ASSIGN(auto entry,
                    is_first ? find(key, options.take_stale) : read(key, options.take_stale));
    if (entry && !entry->is_stale) return Computed{std::move(entry->value), false, false};
    Look look;
    HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) {
      return look_at(*access_, source, CacheRows(space_id, name_), key, look);
    }));
    if (!look.is_taken && !look.is_fresh) {
      HOLDFAST_TRY(access_->write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
        const CacheRows rows(space_id, name_);
        HOLDFAST_TRY(look_at(*access_, target, rows, key, look));
        if (look.is_taken || look.is_fresh) return Status::ok();
        return rows.write_computer(
            target, key,
            {id, access_->handle_id(), memory::later(access_->now_us(), options.lease)});
      }));
      if (!look.is_taken && !look.is_fresh) return compute_now(key, compute, options.put, id);
    }
    if (look.is_fresh) continue;
    if (entry) return Computed{std::move(entry->value), false, true};
    const int64_t left_us = give_up_us - access_->now_us();
    if (left_us <= 0) return busy(name_, key);
    HOLDFAST_TRY(
        waiter.wait(look.computer, look.version, std::min(left_us, kLookEveryUs)).status());
  }
}

Result<Computed> Cache::compute_now(std::string_view key, const Compute& compute,
                                    const CachePut& options, const std::string& id) const {
  // Takes this computer's row away, if it is still there.
  const auto end = [&](search::KeyTarget& target, const CacheRows& rows) -> Status {
    HOLDFAST_ASSIGN(const auto computer, rows.read_computer(target, key));
    return computer && computer->id == id ? target.del(rows.computer_key(key)) : Status::ok();
  };
  Result<std::string> value = compute();
  Status status = value.status();
  if (status) status = memory::check_put(*value, options);
  if (status) {
    CachePut put = options;
    put.only_absent = false;
    const std::string stored = state_->compress(*value);
    int run = 0;
    status = access_->write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
      const CacheRows rows(space_id, name_);
      const size_t aside = run++ == 0 ? 0 : access_->next_stamp().id.bytes[15] % 64;
      const memory::CacheItem item{key, stored, value->size(), &put};
      HOLDFAST_TRY(memory::put_item(target, rows, item, access_->now_us(), aside).status());
      HOLDFAST_TRY(rows.count(target, CacheCounter::kComputations, 1));
      return end(target, rows);
    });
    if (status) return Computed{std::move(*value), true, false};
  }
  HOLDFAST_TRY(access_->write([&](search::KeyTarget& target, uint32_t space_id) {
    return end(target, CacheRows(space_id, name_));
  }));
  return status;
}

}  // namespace holdfast
