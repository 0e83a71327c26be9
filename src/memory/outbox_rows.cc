#include "memory/outbox_rows.h"

#include <algorithm>

#include "base/coding.h"
#include "base/ordered_key.h"
#include "memory/fields.h"

namespace holdfast::memory {
namespace {

constexpr uint64_t kOwnVersion = ~uint64_t{0};
enum EntryField : uint32_t {
  kTopic = 1,
  kPayload = 2,
  kAttempts = 3,
  kError = 4,
  kAdded = 5,
  kDue = 6,
};
enum RelayField : uint32_t { kId = 1, kIncarnation = 2, kOwner = 3, kExpires = 4 };

Status damaged_item() {
  return malformed("an entry of an outbox");
}

Status decode_into(std::string_view bytes, OutboxRow& row) {
  HOLDFAST_ASSIGN(const FieldReader fields, FieldReader::parse(bytes, "an outbox's entry"));
  if (const auto topic = fields.text(kTopic)) row.entry.topic = *topic;
  if (const auto payload = fields.text(kPayload)) row.entry.payload = *payload;
  row.entry.attempts = static_cast<uint32_t>(fields.number_or(kAttempts, 0));
  row.entry.error = fields.text_or_empty(kError);
  row.entry.added_us = fields.integer_or(kAdded, row.entry.added_us);
  row.due_us = fields.integer_or(kDue, 0);
  return Status::ok();
}

}  // namespace

OutboxRows::OutboxRows(uint32_t space_id, std::string_view name) : space_id_(space_id) {
  append_ordered_string(ordered_, name);
}

std::string OutboxRows::key(KeyKind kind, std::string_view rest) const {
  return space_key(kind, space_id_, ordered_).append(rest);
}

Status OutboxRows::count(search::KeyTarget& target, Counter counter, int64_t by) const {
  return target.add(key(KeyKind::kOutboxCounter, std::string(1, static_cast<char>(counter))), by);
}

Result<uint64_t> OutboxRows::counted(search::KeySource& source, Counter counter) const {
  HOLDFAST_ASSIGN(const auto bytes, source.peek(key(KeyKind::kOutboxCounter,
                                                    std::string(1, static_cast<char>(counter)))));
  const int64_t number = bytes ? decode_number(*bytes).value_or(0) : 0;
  return static_cast<uint64_t>(std::max<int64_t>(number, 0));
}

Status OutboxRows::add(search::KeyTarget& target, const Uuid& id, std::string_view topic,
                       std::string_view payload) const {
  FieldWriter fields;
  fields.text(kTopic, topic).text(kPayload, payload);
  HOLDFAST_TRY(target.put_stamped(entry_prefix(), id.view(), fields.bytes(), {.has_time = true}));
  return count(target, Counter::kWaiting, 1);
}

Result<std::vector<OutboxRow>> OutboxRows::first(search::KeySource& source, size_t limit) const {
  std::vector<OutboxRow> rows;
  const std::string prefix = entry_prefix();
  Status damage;
  HOLDFAST_TRY(source.peek_scan(
      search::prefix_range(prefix), [&](std::string_view key, std::string_view value) {
        std::string_view rest = key.substr(prefix.size());
        OutboxRow row;
        const auto version = take_ordered_u64(rest);
        if (version == kOwnVersion) return false;
        if (!version || rest.size() != row.id.bytes.size() || value.size() < sizeof(int64_t)) {
          damage = damaged_item();
          return false;
        }
        row.key = key;
        std::copy(rest.begin(), rest.end(), reinterpret_cast<char*>(row.id.bytes.data()));
        row.entry.id = row.id.to_text();
        row.entry.added_us = load_le<int64_t>(value.data());
        damage = decode_into(value.substr(sizeof(int64_t)), row);
        if (damage) rows.push_back(std::move(row));
        return damage.is_ok() && rows.size() < limit;
      }));
  HOLDFAST_TRY(damage);
  // Failed attempts stand apart. Only the first entry can have some: it holds up the others.
  for (OutboxRow& row : rows) {
    HOLDFAST_ASSIGN(const auto bytes, source.get(failed_key(row.id)));
    if (!bytes) break;
    HOLDFAST_TRY(decode_into(*bytes, row));
  }
  return rows;
}

Status OutboxRows::erase(search::KeyTarget& target, const OutboxRow& row) const {
  HOLDFAST_TRY(target.del(row.key));
  if (row.entry.attempts > 0) HOLDFAST_TRY(target.del(failed_key(row.id)));
  return count(target, Counter::kWaiting, -1);
}

Status OutboxRows::fail(search::KeyTarget& target, const OutboxRow& row) const {
  FieldWriter fields;
  fields.number(kAttempts, row.entry.attempts)
      .text(kError, row.entry.error)
      .integer(kDue, row.due_us);
  return target.put(failed_key(row.id), fields.bytes());
}

Status OutboxRows::bury(search::KeyTarget& target, const OutboxRow& row) const {
  HOLDFAST_TRY(erase(target, row));
  FieldWriter fields;
  fields.text(kTopic, row.entry.topic)
      .text(kPayload, row.entry.payload)
      .number(kAttempts, row.entry.attempts)
      .text(kError, row.entry.error)
      .integer(kAdded, row.entry.added_us);
  HOLDFAST_TRY(target.put(dead_key(row.id), fields.bytes()));
  return count(target, Counter::kDead, 1);
}

Result<std::vector<OutboxEntry>> OutboxRows::dead(search::KeySource& source, size_t limit) const {
  std::vector<OutboxEntry> entries;
  const std::string prefix = dead_prefix();
  Status damage;
  HOLDFAST_TRY(
      source.scan(search::prefix_range(prefix), [&](std::string_view key, std::string_view value) {
        OutboxRow row;
        const std::string_view rest = key.substr(prefix.size());
        if (rest.size() != row.id.bytes.size()) {
          damage = damaged_item();
          return false;
        }
        std::copy(rest.begin(), rest.end(), reinterpret_cast<char*>(row.id.bytes.data()));
        row.entry.id = row.id.to_text();
        damage = decode_into(value, row);
        if (damage) entries.push_back(std::move(row.entry));
        return damage.is_ok() && entries.size() < limit;
      }));
  HOLDFAST_TRY(damage);
  return entries;
}

Result<std::optional<OutboxEntry>> OutboxRows::find_dead(search::KeySource& source,
                                                         const Uuid& id) const {
  HOLDFAST_ASSIGN(const auto bytes, source.get(dead_key(id)));
  if (!bytes) return std::optional<OutboxEntry>();
  OutboxRow row;
  HOLDFAST_TRY(decode_into(*bytes, row));
  return std::optional<OutboxEntry>(std::move(row.entry));
}

Status OutboxRows::erase_dead(search::KeyTarget& target, const Uuid& id) const {
  HOLDFAST_TRY(target.del(dead_key(id)));
  return count(target, Counter::kDead, -1);
}

Result<std::optional<Relay>> OutboxRows::read_relay(search::KeySource& source) const {
  HOLDFAST_ASSIGN(const auto bytes, source.get(relay_key()));
  if (!bytes) return std::optional<Relay>();
  HOLDFAST_ASSIGN(const FieldReader fields, FieldReader::parse(*bytes, "an outbox's relay"));
  Relay relay;
  relay.id = fields.text_or_empty(kId);
  relay.handle = {fields.number_or(kIncarnation, 0),
                  static_cast<uint32_t>(fields.number_or(kOwner, 0))};
  relay.expires_us = fields.integer_or(kExpires, 0);
  return std::optional<Relay>(std::move(relay));
}

Status OutboxRows::write_relay(search::KeyTarget& target, const Relay& relay) const {
  FieldWriter fields;
  fields.text(kId, relay.id)
      .number(kIncarnation, relay.handle.incarnation)
      .number(kOwner, relay.handle.owner)
      .integer(kExpires, relay.expires_us);
  return target.put(relay_key(), fields.bytes());
}

}  // namespace holdfast::memory
