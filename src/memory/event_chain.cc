#include "memory/event_chain.h"

#include <algorithm>
#include <limits>

#include "base/hex.h"

namespace holdfast::memory {
namespace {

constexpr uint64_t kAll = std::numeric_limits<uint64_t>::max();

std::string hex(const blob::Hash& hash) {
  return hex_text({hash.data(), hash.size()});
}

Status broken(const EventRows& rows, uint64_t intact, uint64_t number) {
  return Status(StatusCode::kCorruption,
                "stream " + rows.stream() + ": the hash of event " + std::to_string(number) +
                    " is not the one that was sealed; an event from " + std::to_string(intact + 1) +
                    " to " + std::to_string(number) +
                    " was changed, removed or added: compare with a backup");
}

// Extends `mark` by the next event.
void extend(Mark& mark, const StoredEvent& event) {
  const blob::Hash hash = chain_hash(mark.hash, event.number, event.bytes);
  mark = event.mark();
  mark.hash = hash;
}

// How far the stream must be kept; events up to it may go, if they are old or many enough.
Result<uint64_t> unread_from(search::KeySource& source, const EventRows& rows) {
  uint64_t least = kAll;
  Status damage;
  HOLDFAST_TRY(source.peek_scan(search::prefix_range(rows.consumer_prefix()),
                                [&](std::string_view, std::string_view value) {
                                  const auto row = rows.decode_mark(value);
                                  damage = row.status();
                                  if (row) least = std::min(least, row->mark.number);
                                  return row.is_ok();
                                }));
  HOLDFAST_TRY(damage);
  return least;
}

// Compares the chain with seals as it passes them.
class SealCheck {
 public:
  SealCheck(const EventRows& rows, std::vector<Mark> seals, uint64_t intact)
      : rows_(rows), seals_(std::move(seals)), intact_(intact) {}

  Status pass(const Mark& mark) {
    if (next_ == seals_.size() || mark.number < seals_[next_].number) return Status::ok();
    const Mark& seal = seals_[next_];
    if (seal.version != mark.version || seal.id != mark.id || seal.hash != mark.hash) {
      return broken(rows_, intact_, mark.number);
    }
    intact_ = mark.number;
    ++next_;
    return Status::ok();
  }
  // Seals behind the last event say that some were removed.
  Status end() const {
    return next_ == seals_.size() ? Status::ok() : broken(rows_, intact_, seals_[next_].number);
  }
  size_t passed() const { return next_; }
  uint64_t intact() const { return intact_; }

 private:
  const EventRows& rows_;
  std::vector<Mark> seals_;
  uint64_t intact_;
  size_t next_ = 0;
};

}  // namespace

StreamSeal seal_of(const Mark& mark) {
  return {mark.number, hex(mark.hash)};
}

Status seal_due(search::KeyTarget& target, const EventRows& rows, uint64_t events_max) {
  HOLDFAST_ASSIGN(const Mark floor, rows.floor(target));
  HOLDFAST_ASSIGN(Mark mark, rows.seal_at(target, kAll));
  if (mark.number < floor.number) mark = floor;
  // Counting first: hashing costs more, and most of the time nothing is due.
  uint64_t count = 0;
  HOLDFAST_TRY(rows.walk(target, mark, [&](const StoredEvent&) { return ++count < events_max; }));
  if (count < kSealInterval) return Status::ok();
  std::vector<Mark> seals;
  const uint64_t end = mark.number + count / kSealInterval * kSealInterval;
  uint64_t due = mark.number + kSealInterval;
  HOLDFAST_TRY(rows.walk(target, mark, [&](const StoredEvent& event) {
    extend(mark, event);
    if (mark.number == due) {
      seals.push_back(mark);
      due += kSealInterval;
    }
    return mark.number < end;
  }));
  for (const Mark& seal : seals) {
    HOLDFAST_TRY(target.put(rows.seal_key(seal.number), EventRows::encode_mark(seal)));
  }
  return Status::ok();
}

Result<Mark> seal_all(search::KeyTarget& target, const EventRows& rows) {
  HOLDFAST_ASSIGN(const Mark floor, rows.floor(target));
  HOLDFAST_ASSIGN(Mark mark, rows.seal_at(target, kAll));
  if (mark.number < floor.number) mark = floor;
  const uint64_t begin = mark.number;
  std::vector<Mark> seals;
  HOLDFAST_TRY(rows.walk(target, mark, [&](const StoredEvent& event) {
    extend(mark, event);
    if ((mark.number - begin) % kSealInterval == 0) seals.push_back(mark);
    return true;
  }));
  if (mark.number > begin && (seals.empty() || seals.back().number != mark.number)) {
    seals.push_back(mark);
  }
  for (const Mark& seal : seals) {
    HOLDFAST_TRY(target.put(rows.seal_key(seal.number), EventRows::encode_mark(seal)));
  }
  return mark;
}

Result<uint64_t> trim_events(search::KeyTarget& target, const EventRows& rows, int64_t now_us,
                             uint64_t least, uint64_t limit) {
  HOLDFAST_ASSIGN(const StreamRetention retention, rows.read_retention(target));
  if (retention.age.count() == 0 && retention.count == 0) return uint64_t{0};
  HOLDFAST_ASSIGN(const Mark floor, rows.floor(target));
  uint64_t by_count = 0;  // events up to this number are too many
  if (retention.count > 0) {
    HOLDFAST_ASSIGN(const Mark last, rows.last(target));
    by_count = last.number > retention.count ? last.number - retention.count : 0;
  }
  uint64_t read_by_all = kAll;
  if (retention.keep_unread) {
    HOLDFAST_ASSIGN(read_by_all, unread_from(target, rows));
  }
  const int64_t oldest_us =
      retention.age.count() > 0 ? now_us - static_cast<int64_t>(retention.age.count()) * 1000 : 0;
  const uint64_t end = std::min(read_by_all, floor.number + limit);
  HOLDFAST_ASSIGN(auto seals, rows.seals(target, floor.number, std::max(end, floor.number)));
  SealCheck check(rows, std::move(seals), floor.number);
  Mark mark = floor;
  Status damage;
  HOLDFAST_TRY(rows.walk(target, floor, [&](const StoredEvent& event) {
    if (event.number > end) return false;
    if (event.number > by_count && event.time_us() >= oldest_us) return false;
    extend(mark, event);
    damage = check.pass(mark);
    return damage.is_ok();
  }));
  HOLDFAST_TRY(damage);
  const uint64_t count = mark.number - floor.number;
  if (count < std::max<uint64_t>(least, 1)) return uint64_t{0};
  const KeyRange seals_below{rows.seal_key(mark.number), rows.seal_key(0) + '\0'};
  const KeyRange events{rows.event_prefix(), rows.event_key(mark.version, mark.id) + '\0'};
  HOLDFAST_TRY(target.del_range(events));
  HOLDFAST_TRY(target.del_range(seals_below));
  HOLDFAST_TRY(target.put(rows.floor_key(), EventRows::encode_mark(mark, now_us)));
  return count;
}

Result<StreamVerification> verify_chain(search::KeySource& source, const EventRows& rows,
                                        const std::optional<StreamSeal>& expected) {
  HOLDFAST_ASSIGN(const Mark floor, rows.floor(source));
  if (expected && expected->number < floor.number) {
    return Status(StatusCode::kInvalidArgument,
                  "stream " + rows.stream() + " has let go of its events up to " +
                      std::to_string(floor.number) + "; verify with a newer seal");
  }
  HOLDFAST_ASSIGN(auto seals, rows.seals(source, floor.number, kAll));
  SealCheck check(rows, std::move(seals), floor.number);
  StreamVerification result;
  Mark mark = floor;
  Status damage;
  const auto compare = [&] {
    if (expected && expected->number == mark.number && expected->hash != hex(mark.hash)) {
      damage = broken(rows, check.intact(), mark.number);
    }
  };
  compare();
  HOLDFAST_TRY(damage);
  HOLDFAST_TRY(rows.walk(source, floor, [&](const StoredEvent& event) {
    extend(mark, event);
    ++result.events;
    compare();
    if (damage) damage = check.pass(mark);
    return damage.is_ok();
  }));
  HOLDFAST_TRY(damage);
  HOLDFAST_TRY(check.end());
  if (expected && expected->number > mark.number) {
    return Status(StatusCode::kCorruption,
                  "stream " + rows.stream() + " ends with event " + std::to_string(mark.number) +
                      ", but " + std::to_string(expected->number) +
                      " was sealed: events were removed; compare with a backup");
  }
  result.seals = check.passed();
  result.head = seal_of(mark);
  return result;
}

}  // namespace holdfast::memory
