#include <algorithm>

#include "holdfast/event.h"
#include "memory/access.h"
#include "memory/event_chain.h"
#include "memory/event_tail.h"
#include "memory/text_check.h"

namespace holdfast {
namespace {

using memory::Access;
using memory::EventRows;
using memory::KeyKind;
using memory::Mark;
using memory::StoredEvent;

constexpr unsigned kUpkeepEvery = 64;          // appends; by chance
constexpr uint64_t kUpkeepSealMax = 16 * 256;  // events that one append seals
constexpr uint64_t kUpkeepTrimMin = 64;
constexpr uint64_t kUpkeepTrimMax = 512;
constexpr std::chrono::milliseconds kAgeMax{100LL * 366 * 24 * 3600 * 1000};

Status check_stream(std::string_view name) {
  return memory::check_name("a stream's name", name, kStreamNameSizeMax);
}

Status check_consumer(std::string_view name) {
  return memory::check_name("a consumer's name", name, kConsumerNameSizeMax);
}

Status check_event(const NewEvent& event) {
  HOLDFAST_TRY(memory::check_text("an event's type", event.type, kEventTypeSizeMax));
  HOLDFAST_TRY(memory::check_text("an event's source", event.source, kEventSourceSizeMax));
  if (event.data.size() <= kEventDataSizeMax) return Status::ok();
  return Status(StatusCode::kTooLarge,
                "the event has " + std::to_string(event.data.size()) + " bytes; at most " +
                    std::to_string(kEventDataSizeMax) +
                    " are allowed: store them as a value or an artifact and append its name");
}

// Whether an append also seals and trims: now and then, so that it is done in small steps by
// whoever writes, and nobody waits for it.
bool is_upkeep_due(const std::vector<std::string>& bytes_of_ids) {
  for (const std::string& bytes : bytes_of_ids) {
    if (static_cast<uint8_t>(bytes.back()) % kUpkeepEvery == 0) return true;
  }
  return false;
}

Status do_upkeep(Access& access, search::KeyTarget& target, const EventRows& rows) {
  HOLDFAST_TRY(memory::seal_due(target, rows, kUpkeepSealMax));
  const auto trimmed =
      memory::trim_events(target, rows, access.now_us(), kUpkeepTrimMin, kUpkeepTrimMax);
  // A damaged chain keeps its events, and goes on: verify and trim say what is wrong.
  return trimmed.status().code() == StatusCode::kCorruption ? Status::ok() : trimmed.status();
}

Result<StreamInfo> read_info(search::KeySource& source, const EventRows& rows) {
  StreamInfo info;
  info.name = rows.stream();
  HOLDFAST_ASSIGN(const Mark floor, rows.peek_floor(source));
  HOLDFAST_ASSIGN(const Mark seal, rows.seal_at(source, std::numeric_limits<uint64_t>::max()));
  HOLDFAST_ASSIGN(const Mark last, rows.last(source));
  info.first = floor.number + 1;
  info.next = last.number + 1;
  info.sealed = seal.number;
  HOLDFAST_TRY(source.scan(search::prefix_range(rows.consumer_prefix()),
                           [&](std::string_view, std::string_view) {
                             ++info.consumers;
                             return true;
                           }));
  return info;
}

}  // namespace

EventStream::EventStream(std::shared_ptr<memory::Access> access, std::string name)
    : access_(std::move(access)), name_(std::move(name)) {}

Result<std::string> EventStream::append(const NewEvent& event) const {
  HOLDFAST_ASSIGN(const auto ids, append_all(std::span(&event, 1)));
  return ids.front();
}

Result<std::vector<std::string>> EventStream::append_all(std::span<const NewEvent> events) const {
  HOLDFAST_TRY(check_stream(name_));
  for (const NewEvent& event : events) HOLDFAST_TRY(check_event(event));
  std::vector<std::string> ids;  // 16 bytes each
  for (size_t i = 0; i < events.size(); ++i) ids.emplace_back(access_->next_stamp().id.view());
  std::sort(ids.begin(), ids.end());  // their order is the events' order
  if (events.empty()) return ids;
  HOLDFAST_TRY(access_->write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    const EventRows rows(space_id, name_);
    if (is_upkeep_due(ids)) HOLDFAST_TRY(do_upkeep(*access_, target, rows));
    for (size_t i = 0; i < events.size(); ++i) {
      HOLDFAST_TRY(target.put_stamped(rows.event_prefix(), ids[i], memory::encode_event(events[i]),
                                      {.has_time = true}));
    }
    return Status::ok();
  }));
  for (std::string& id : ids) {
    Uuid uuid;
    std::copy(id.begin(), id.end(), reinterpret_cast<char*>(uuid.bytes.data()));
    id = uuid.to_text();
  }
  return ids;
}

Result<uint64_t> EventStream::first_of(uint64_t version) const {
  HOLDFAST_TRY(check_stream(name_));
  std::optional<uint64_t> number;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    const EventRows rows(space_id, name_);
    HOLDFAST_ASSIGN(const Mark mark, rows.seal_before(source, version));
    return rows.walk(source, mark, [&](const StoredEvent& event) {
      if (event.version == version) number = event.number;
      return event.version < version;
    });
  }));
  if (number) return *number;
  return Status(StatusCode::kNotFound, "commit " + std::to_string(version) +
                                           " appended nothing to stream " + name_ +
                                           ", or that is no longer kept");
}

Result<EventPage> EventStream::read(const EventReadOptions& options) const {
  HOLDFAST_TRY(check_stream(name_));
  HOLDFAST_TRY(memory::check_limit(options.limit, kEventReadMax));
  const uint64_t from = std::max<uint64_t>(options.from, 1);
  EventPage page;
  page.next = from;
  uint64_t end = 1;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    const EventRows rows(space_id, name_);
    HOLDFAST_ASSIGN(Mark mark, rows.find(source, from - 1));
    end = mark.number + 1;
    if (end < from) return Status::ok();
    page.missed = end - from;
    return memory::read_page(source, rows, mark, options, page);
  }));
  if (end >= from) return page;
  return memory::invalid("stream " + name_ + " ends with event " + std::to_string(end - 1) +
                         "; read from at most " + std::to_string(end));
}

Result<StreamInfo> EventStream::info() const {
  HOLDFAST_TRY(check_stream(name_));
  StreamInfo info;
  info.name = name_;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(info, read_info(source, EventRows(space_id, name_)));
    return Status::ok();
  }));
  return info;
}

Result<EventPage> EventStream::consume(std::string_view consumer, size_t limit) const {
  HOLDFAST_TRY(check_stream(name_));
  HOLDFAST_TRY(check_consumer(consumer));
  HOLDFAST_TRY(memory::check_limit(limit, kEventReadMax));
  EventPage page;
  HOLDFAST_TRY(access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    page = {};
    const EventRows rows(space_id, name_);
    HOLDFAST_ASSIGN(const auto bytes, target.get(rows.consumer_key(consumer)));
    HOLDFAST_ASSIGN(Mark mark, rows.peek_floor(target));
    if (bytes) {
      HOLDFAST_ASSIGN(const EventRows::MarkRow row, rows.decode_mark(*bytes));
      if (row.mark.number < mark.number) page.missed = mark.number - row.mark.number;
      if (row.mark.number >= mark.number) mark = row.mark;
    }
    const uint64_t begin = mark.number;
    HOLDFAST_TRY(memory::read_page(target, rows, mark, {.limit = limit}, page));
    if (mark.number == begin && page.missed == 0) return Status::ok();
    if (mark.number - begin >= memory::kSealInterval) {
      HOLDFAST_TRY(memory::seal_due(target, rows, kUpkeepSealMax));
    }
    mark.hash = {};
    return target.put(rows.consumer_key(consumer), EventRows::encode_mark(mark, access_->now_us()));
  }));
  return page;
}

Status EventStream::seek(std::string_view consumer, uint64_t next) const {
  HOLDFAST_TRY(check_stream(name_));
  HOLDFAST_TRY(check_consumer(consumer));
  const auto refuse = [&](uint64_t first, uint64_t end) {
    return memory::invalid("stream " + name_ + " has events from " + std::to_string(first) +
                           "; a consumer can be set to " + std::to_string(first) + " to " +
                           std::to_string(end));
  };
  return access_->write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    const EventRows rows(space_id, name_);
    HOLDFAST_ASSIGN(const Mark floor, rows.floor(target));
    if (next <= floor.number || next == 0) {
      HOLDFAST_ASSIGN(const Mark last, rows.last(target));
      return refuse(floor.number + 1, last.number + 1);
    }
    HOLDFAST_ASSIGN(Mark mark, rows.find(target, next - 1));
    if (mark.number != next - 1) return refuse(floor.number + 1, mark.number + 1);
    mark.hash = {};
    return target.put(rows.consumer_key(consumer), EventRows::encode_mark(mark, access_->now_us()));
  });
}

Result<std::vector<ConsumerInfo>> EventStream::consumers() const {
  HOLDFAST_TRY(check_stream(name_));
  std::vector<ConsumerInfo> consumers;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    const EventRows rows(space_id, name_);
    HOLDFAST_ASSIGN(const Mark floor, rows.peek_floor(source));
    HOLDFAST_ASSIGN(const Mark last, rows.last(source));
    const std::string prefix = rows.consumer_prefix();
    Status damage;
    HOLDFAST_TRY(source.scan(
        search::prefix_range(prefix), [&](std::string_view key, std::string_view value) {
          const auto row = rows.decode_mark(value);
          damage = row.status();
          if (!row) return false;
          const uint64_t read = row->mark.number;
          consumers.push_back({std::string(key.substr(prefix.size())), read + 1,
                               last.number - std::min(std::max(read, floor.number), last.number),
                               row->written_us});
          return true;
        }));
    return damage;
  }));
  return consumers;
}

Status EventStream::remove_consumer(std::string_view consumer) const {
  HOLDFAST_TRY(check_stream(name_));
  HOLDFAST_TRY(check_consumer(consumer));
  bool found = false;
  HOLDFAST_TRY(access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    const std::string key = EventRows(space_id, name_).consumer_key(consumer);
    HOLDFAST_ASSIGN(const auto row, target.get(key));
    found = row.has_value();
    return found ? target.del(key) : Status::ok();
  }));
  if (found) return Status::ok();
  return Status(StatusCode::kNotFound,
                "stream " + name_ + " has no consumer " + std::string(consumer));
}

Status EventStream::retain(const StreamRetention& retention) const {
  HOLDFAST_TRY(check_stream(name_));
  if (retention.age.count() < 0 || retention.age > kAgeMax) {
    return memory::invalid("age must be 0 (no limit) to 100 years");
  }
  return access_->write([&](search::KeyTarget& target, uint32_t space_id) {
    return target.put(EventRows(space_id, name_).retention_key(),
                      EventRows::encode_retention(retention));
  });
}

Result<StreamRetention> EventStream::retention() const {
  HOLDFAST_TRY(check_stream(name_));
  StreamRetention retention;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(retention, EventRows(space_id, name_).read_retention(source));
    return Status::ok();
  }));
  return retention;
}

Result<uint64_t> EventStream::trim(size_t limit) const {
  HOLDFAST_TRY(check_stream(name_));
  HOLDFAST_TRY(memory::check_limit(limit, kEventTrimMax));
  uint64_t trimmed = 0;
  HOLDFAST_TRY(access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(trimmed, memory::trim_events(target, EventRows(space_id, name_),
                                                 access_->now_us(), 1, limit));
    return Status::ok();
  }));
  return trimmed;
}

Result<StreamSeal> EventStream::seal() const {
  HOLDFAST_TRY(check_stream(name_));
  Mark mark;
  HOLDFAST_TRY(access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(mark, memory::seal_all(target, EventRows(space_id, name_)));
    return Status::ok();
  }));
  if (mark.number > 0) return memory::seal_of(mark);
  return Status(StatusCode::kNotFound, "stream " + name_ + " is empty; append an event first");
}

Result<StreamVerification> EventStream::verify(const std::optional<StreamSeal>& expected) const {
  HOLDFAST_TRY(check_stream(name_));
  StreamVerification result;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(result, memory::verify_chain(source, EventRows(space_id, name_), expected));
    return Status::ok();
  }));
  return result;
}

Status EventStream::remove() const {
  HOLDFAST_TRY(check_stream(name_));
  return access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    for (const KeyRange& range : EventRows(space_id, name_).all()) {
      HOLDFAST_TRY(target.del_range(range));
    }
    return Status::ok();
  });
}

Events::Events(std::shared_ptr<memory::Access> access) : access_(std::move(access)) {}

EventStream Events::stream(std::string_view name) const {
  return {access_, std::string(name)};
}

Result<std::vector<StreamInfo>> Events::list(std::string_view after, size_t limit) const {
  constexpr size_t kListMax = 10'000;
  HOLDFAST_TRY(memory::check_limit(limit, kListMax));
  std::vector<StreamInfo> streams;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    // From stream to stream: those with events, and those that have let go of all of them.
    std::string name(after);
    bool is_first = name.empty();
    while (streams.size() < limit) {
      std::optional<std::string> next;
      for (const KeyKind kind : {KeyKind::kEvent, KeyKind::kEventFloor}) {
        const std::string space = memory::space_prefix(kind, space_id);
        KeyRange range = search::prefix_range(space);
        if (!is_first) {
          std::string ordered = space;
          append_ordered_string(ordered, name);
          range.begin = ordered_prefix_end(ordered);
        }
        HOLDFAST_TRY(source.peek_scan(range, [&](std::string_view key, std::string_view) {
          key.remove_prefix(space.size());
          const auto found = take_ordered_string(key);
          if (found && (!next || *found < *next)) next = *found;
          return false;
        }));
      }
      if (!next) break;
      name = std::move(*next);
      is_first = false;
      HOLDFAST_ASSIGN(StreamInfo info, read_info(source, EventRows(space_id, name)));
      if (info.next > 1) streams.push_back(std::move(info));
    }
    return Status::ok();
  }));
  return streams;
}

}  // namespace holdfast
