#include "memory/relay.h"

#include <algorithm>

#include "memory/change_waiter.h"
#include "memory/lease.h"
#include "memory/outbox_rows.h"
#include "memory/text_check.h"

namespace holdfast::memory {
namespace {

constexpr std::chrono::milliseconds kSpanMax{7LL * 24 * 3600 * 1000};
constexpr size_t kErrorSizeMax = 4096;

Status check_options(const RelayOptions& options) {
  HOLDFAST_TRY(check_limit(options.limit, kOutboxListMax));
  HOLDFAST_TRY(check_limit(options.batch, kOutboxListMax));
  const auto is_span = [](std::chrono::milliseconds span) {
    return span.count() >= 0 && span <= kSpanMax;
  };
  if (options.attempts_max > 0 && options.lease.count() > 0 && is_span(options.lease) &&
      is_span(options.backoff_first) && is_span(options.backoff_max) && is_span(options.wait)) {
    return Status::ok();
  }
  return Status(StatusCode::kInvalidArgument,
                "attempts_max and lease must be at least 1, and no time over 7 days");
}

class RelayRun {
 public:
  RelayRun(Access& access, std::string_view name, const Outbox::Deliver& deliver,
           const RelayOptions& options)
      : access_(access), name_(name), deliver_(deliver), options_(options), waiter_(access) {
    id_ = access_.next_stamp().id.to_text();
  }

  Result<RelayResult> run() {
    Status status = work();
    const Status ended = end();
    if (status) status = ended;
    if (!status) return status;
    return result_;
  }

 private:
  Status work() {
    const int64_t give_up_us = later(access_.now_us(), options_.wait);
    while (result_.delivered < options_.limit) {
      std::vector<OutboxRow> rows;
      int64_t due_us = 0;
      HOLDFAST_TRY(begin_batch(rows, due_us));
      if (!rows.empty()) {
        HOLDFAST_TRY(deliver_batch(rows));
        continue;
      }
      const int64_t now_us = access_.now_us();
      if (now_us >= give_up_us) return Status::ok();
      // Until the first entry's next attempt, or until one is added.
      int64_t left_us = give_up_us - now_us;
      if (due_us > now_us) left_us = std::min(left_us, due_us - now_us);
      left_us = std::min(left_us, static_cast<int64_t>(options_.lease.count()) * 500);
      HOLDFAST_ASSIGN(const bool may_change, waiter_.wait(range_, version_, left_us));
      if (!may_change) return Status::ok();
    }
    return Status::ok();
  }

  // Takes or renews the lease, and looks at the entries that are due.
  Status begin_batch(std::vector<OutboxRow>& rows, int64_t& due_us) {
    const size_t limit = std::min<size_t>(options_.batch, options_.limit - result_.delivered);
    bool found_space = false;
    HOLDFAST_TRY(access_.write_existing([&](search::KeyTarget& target,
                                            uint32_t space_id) -> Status {
      found_space = true;
      const OutboxRows outbox(space_id, name_);
      const int64_t now_us = access_.now_us();
      HOLDFAST_TRY(check_lease(target, outbox, now_us));
      HOLDFAST_ASSIGN(rows, outbox.first(target, limit));
      range_ = search::prefix_range(outbox.entry_prefix());
      version_ = target.version();
      due_us = rows.empty() ? 0 : rows.front().due_us;
      if (due_us > now_us) rows.clear();
      const bool is_idle = rows.empty() && options_.wait.count() == 0;
      if (is_idle && !has_lease_) return Status::ok();
      return outbox.write_relay(target, {id_, access_.handle_id(), later(now_us, options_.lease)});
    }));
    has_lease_ = has_lease_ || (found_space && (!rows.empty() || options_.wait.count() > 0));
    return Status::ok();
  }

  Status check_lease(search::KeySource& source, const OutboxRows& outbox, int64_t now_us) const {
    HOLDFAST_ASSIGN(const auto relay, outbox.read_relay(source));
    if (relay && relay->id == id_) return Status::ok();
    if (has_lease_) {
      return Status(StatusCode::kFenced, "another relay has taken over outbox " +
                                             std::string(name_) +
                                             ", for this one took longer than its lease; what it "
                                             "delivered last is delivered again");
    }
    if (!relay || relay->expires_us <= now_us || !access_.handle_alive(relay->handle)) {
      return Status::ok();
    }
    return Status(StatusCode::kBusy, "another relay works on outbox " + std::string(name_) +
                                         "; it does what there is to do");
  }

  Status deliver_batch(std::vector<OutboxRow>& rows) {
    std::vector<OutboxRow> delivered;
    std::optional<OutboxRow> failed;
    for (OutboxRow& row : rows) {
      const Status status = deliver_(row.entry);
      if (status) {
        delivered.push_back(std::move(row));
        continue;
      }
      ++row.entry.attempts;
      row.entry.error = status.to_string().substr(0, kErrorSizeMax);
      failed = std::move(row);
      break;
    }
    const bool is_dead = failed && failed->entry.attempts >= options_.attempts_max;
    HOLDFAST_TRY(
        access_.write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
          const OutboxRows outbox(space_id, name_);
          HOLDFAST_TRY(check_lease(target, outbox, access_.now_us()));
          for (const OutboxRow& row : delivered) HOLDFAST_TRY(outbox.erase(target, row));
          if (!failed) return Status::ok();
          if (is_dead) return outbox.bury(target, *failed);
          failed->due_us = later(access_.now_us(), backoff(failed->entry.attempts));
          return outbox.fail(target, *failed);
        }));
    result_.delivered += delivered.size();
    result_.failed += failed ? 1 : 0;
    result_.dead += is_dead ? 1 : 0;
    return Status::ok();
  }

  std::chrono::milliseconds backoff(uint32_t attempts) const {
    std::chrono::milliseconds pause = options_.backoff_first;
    for (uint32_t i = 1; i < attempts && pause < options_.backoff_max; ++i) pause *= 2;
    return std::min(pause, options_.backoff_max);
  }

  // Gives the lease back.
  Status end() {
    if (!has_lease_) return Status::ok();
    return access_.write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
      const OutboxRows outbox(space_id, name_);
      HOLDFAST_ASSIGN(const auto relay, outbox.read_relay(target));
      return relay && relay->id == id_ ? target.del(outbox.relay_key()) : Status::ok();
    });
  }

  Access& access_;
  const std::string_view name_;
  const Outbox::Deliver& deliver_;
  const RelayOptions& options_;
  ChangeWaiter waiter_;
  std::string id_;
  bool has_lease_ = false;
  KeyRange range_;  // of the entries
  uint64_t version_ = 0;
  RelayResult result_;
};

}  // namespace

Result<RelayResult> run_relay(Access& access, std::string_view name, const Outbox::Deliver& deliver,
                              const RelayOptions& options) {
  HOLDFAST_TRY(check_options(options));
  if (access.is_own_commit()) return RelayRun(access, name, deliver, options).run();
  return Status(StatusCode::kInvalidArgument,
                "a relay is not part of a transaction; use the space's own outbox");
}

}  // namespace holdfast::memory
