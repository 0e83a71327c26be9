#include "memory/event_rows.h"

#include <algorithm>
#include <limits>

#include "base/coding.h"
#include "base/ordered_key.h"
#include "memory/fields.h"

namespace holdfast::memory {
namespace {

constexpr uint64_t kOwnVersion =
    std::numeric_limits<uint64_t>::max();  // of own, unnumbered appends

enum EventField : uint32_t { kType = 1, kData = 2, kSource = 3 };
enum MarkField : uint32_t { kNumber = 1, kVersion = 2, kId = 3, kHash = 4, kWritten = 5 };
enum RetentionField : uint32_t { kAge = 1, kCount = 2, kDropUnread = 3 };

template <typename Bytes>
void copy_into(std::string_view from, Bytes& to) {
  std::copy(from.begin(), from.end(), reinterpret_cast<char*>(to.data()));
}

}  // namespace

int64_t StoredEvent::time_us() const {
  return bytes.size() < sizeof(int64_t) ? 0 : load_le<int64_t>(bytes.data());
}

blob::Hash chain_hash(const blob::Hash& before, uint64_t number, std::string_view bytes) {
  blob::Sha256 sum;
  char number_bytes[sizeof(number)];
  store_le(number_bytes, number);
  sum.update({before.data(), before.size()});
  sum.update({number_bytes, sizeof(number_bytes)});
  sum.update(bytes);
  return sum.finish();
}

std::string encode_event(const NewEvent& event) {
  FieldWriter fields;
  if (!event.type.empty()) fields.text(kType, event.type);
  fields.text(kData, event.data);
  if (!event.source.empty()) fields.text(kSource, event.source);
  return fields.bytes();
}

Result<Event> decode_event(const StoredEvent& stored, std::string_view stream) {
  const std::string what =
      "event " + std::to_string(stored.number) + " of stream " + std::string(stream);
  if (stored.bytes.size() < sizeof(uint64_t)) {
    return Status(StatusCode::kCorruption, "the row of " + what + " is cut short");
  }
  HOLDFAST_ASSIGN(const FieldReader fields,
                  FieldReader::parse(stored.bytes.substr(sizeof(uint64_t)), what));
  Event event;
  event.number = stored.number;
  event.id = stored.id.to_text();
  event.version = stored.version;
  event.time_us = stored.time_us();
  event.type = fields.text_or_empty(kType);
  event.data = fields.text_or_empty(kData);
  event.source = fields.text_or_empty(kSource);
  return event;
}

EventRows::EventRows(uint32_t space_id, std::string_view stream)
    : space_id_(space_id), stream_(stream) {
  append_ordered_string(ordered_, stream);
}

std::string EventRows::key(KeyKind kind, std::string_view rest) const {
  return space_key(kind, space_id_, ordered_).append(rest);
}

std::string EventRows::event_key(uint64_t version, const Uuid& id) const {
  std::string rest;
  append_ordered_u64(rest, version);
  return key(KeyKind::kEvent, rest.append(id.view()));
}

std::string EventRows::seal_key(uint64_t number) const {
  std::string rest;
  append_ordered_u64(rest, ~number);
  return key(KeyKind::kEventSeal, rest);
}

std::vector<KeyRange> EventRows::all() const {
  std::vector<KeyRange> ranges;
  for (const KeyKind kind : {KeyKind::kEvent, KeyKind::kEventSeal, KeyKind::kEventFloor,
                             KeyKind::kEventConsumer, KeyKind::kEventRetention}) {
    ranges.push_back(search::prefix_range(key(kind, {})));
  }
  return ranges;
}

std::string EventRows::encode_mark(const Mark& mark, int64_t written_us) {
  FieldWriter fields;
  fields.number(kNumber, mark.number).number(kVersion, mark.version).text(kId, mark.id.view());
  if (mark.hash != blob::Hash{}) fields.text(kHash, {mark.hash.data(), mark.hash.size()});
  if (written_us != 0) fields.integer(kWritten, written_us);
  return fields.bytes();
}

Result<EventRows::MarkRow> EventRows::decode_mark(std::string_view bytes) const {
  HOLDFAST_ASSIGN(const FieldReader fields,
                  FieldReader::parse(bytes, "a mark of stream " + stream_));
  MarkRow row;
  row.mark.number = fields.number_or(kNumber, 0);
  row.mark.version = fields.number_or(kVersion, 0);
  row.written_us = fields.integer_or(kWritten, 0);
  const std::string id = fields.text_or_empty(kId);
  const std::string hash = fields.text_or_empty(kHash);
  if (id.size() != row.mark.id.bytes.size() ||
      (!hash.empty() && hash.size() != row.mark.hash.size())) {
    return Status(StatusCode::kCorruption,
                  "a mark of stream " + stream_ + " is malformed; run `holdfast check`");
  }
  copy_into(id, row.mark.id.bytes);
  copy_into(hash, row.mark.hash);
  return row;
}

Result<Mark> EventRows::mark_in(const std::optional<std::string>& bytes) const {
  if (!bytes) return Mark{};
  HOLDFAST_ASSIGN(const MarkRow row, decode_mark(*bytes));
  return row.mark;
}

Result<Mark> EventRows::floor(search::KeySource& source) const {
  HOLDFAST_ASSIGN(const auto bytes, source.get(floor_key()));
  return mark_in(bytes);
}

Result<Mark> EventRows::peek_floor(search::KeySource& source) const {
  HOLDFAST_ASSIGN(const auto bytes, source.peek(floor_key()));
  return mark_in(bytes);
}

Result<Mark> EventRows::seal_at(search::KeySource& source, uint64_t number_max) const {
  HOLDFAST_ASSIGN(const Mark floor, peek_floor(source));
  KeyRange range = search::prefix_range(key(KeyKind::kEventSeal, {}));
  range.begin = seal_key(number_max);
  std::optional<std::string> newest;
  HOLDFAST_TRY(source.peek_scan(range, [&](std::string_view, std::string_view value) {
    newest.emplace(value);
    return false;
  }));
  HOLDFAST_ASSIGN(const Mark seal, mark_in(newest));
  return seal.number > floor.number ? seal : floor;
}

Result<Mark> EventRows::seal_before(search::KeySource& source, uint64_t version) const {
  HOLDFAST_ASSIGN(Mark best, peek_floor(source));
  Status damage;
  const KeyRange range = search::prefix_range(key(KeyKind::kEventSeal, {}));
  HOLDFAST_TRY(source.peek_scan(range, [&](std::string_view, std::string_view value) {
    const auto row = decode_mark(value);
    damage = row.status();
    if (!row) return false;
    if (row->mark.version >= version) return true;
    if (row->mark.number > best.number) best = row->mark;
    return false;
  }));
  HOLDFAST_TRY(damage);
  return best;
}

Result<std::vector<Mark>> EventRows::seals(search::KeySource& source, uint64_t number,
                                           uint64_t number_max) const {
  std::vector<Mark> marks;
  Status damage;
  const KeyRange range{seal_key(number_max), seal_key(number)};
  HOLDFAST_TRY(source.peek_scan(range, [&](std::string_view, std::string_view value) {
    const auto row = decode_mark(value);
    damage = row.status();
    if (row) marks.push_back(row->mark);
    return row.is_ok();
  }));
  HOLDFAST_TRY(damage);
  std::reverse(marks.begin(), marks.end());
  return marks;
}

Status EventRows::walk(search::KeySource& source, const Mark& from, const Visit& visit) const {
  const std::string prefix = event_prefix();
  KeyRange range = search::prefix_range(prefix);
  if (from.number > 0) range.begin = event_key(from.version, from.id) + '\0';
  StoredEvent event;
  event.number = from.number;
  Status damage;
  HOLDFAST_TRY(source.peek_scan(range, [&](std::string_view key, std::string_view value) {
    std::string_view rest = key.substr(prefix.size());
    const auto version = take_ordered_u64(rest);
    if (!version || rest.size() != event.id.bytes.size()) {
      damage = Status(StatusCode::kCorruption,
                      "a key of stream " + stream_ + " is malformed; run `holdfast check`");
      return false;
    }
    if (*version == kOwnVersion) return false;
    ++event.number;
    event.version = *version;
    copy_into(rest, event.id.bytes);
    event.bytes = value;
    return visit(event);
  }));
  return damage;
}

Result<Mark> EventRows::find(search::KeySource& source, uint64_t number) const {
  HOLDFAST_ASSIGN(Mark mark, seal_at(source, number));
  if (mark.number >= number) return mark;
  HOLDFAST_TRY(walk(source, mark, [&](const StoredEvent& event) {
    mark = event.mark();
    return event.number < number;
  }));
  return mark;
}

Result<Mark> EventRows::last(search::KeySource& source) const {
  return find(source, std::numeric_limits<uint64_t>::max());
}

Result<StreamRetention> EventRows::read_retention(search::KeySource& source) const {
  StreamRetention retention;
  HOLDFAST_ASSIGN(const auto bytes, source.peek(retention_key()));
  if (!bytes) return retention;
  HOLDFAST_ASSIGN(const FieldReader fields,
                  FieldReader::parse(*bytes, "the retention of stream " + stream_));
  retention.age = std::chrono::milliseconds(fields.integer_or(kAge, 0));
  retention.count = fields.number_or(kCount, 0);
  retention.keep_unread = fields.number_or(kDropUnread, 0) == 0;
  return retention;
}

std::string EventRows::encode_retention(const StreamRetention& retention) {
  FieldWriter fields;
  fields.integer(kAge, retention.age.count()).number(kCount, retention.count);
  if (!retention.keep_unread) fields.number(kDropUnread, 1);
  return fields.bytes();
}

}  // namespace holdfast::memory
