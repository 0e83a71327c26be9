#include "holdfast/outbox.h"

#include "memory/access.h"
#include "memory/outbox_rows.h"
#include "memory/relay.h"
#include "memory/text_check.h"

namespace holdfast {
namespace {

using memory::OutboxRows;

Status check_outbox(std::string_view name) {
  return memory::check_name("an outbox's name", name, kOutboxNameSizeMax);
}

Result<Uuid> parse_id(std::string_view id) {
  if (const auto uuid = Uuid::parse(id)) return *uuid;
  return Status(StatusCode::kInvalidArgument,
                "\"" + std::string(id) + "\" is not an entry's id; ids have 36 characters");
}

Status no_dead(std::string_view id, std::string_view name) {
  return Status(StatusCode::kNotFound,
                "outbox " + std::string(name) + " has no dead letter " + std::string(id));
}

}  // namespace

Outbox::Outbox(std::shared_ptr<memory::Access> access, std::string name)
    : access_(std::move(access)), name_(std::move(name)) {}

Result<std::string> Outbox::add(std::string_view topic, std::string_view payload) const {
  HOLDFAST_TRY(check_outbox(name_));
  HOLDFAST_TRY(memory::check_text("topic", topic, kOutboxTopicSizeMax));
  if (payload.size() > kOutboxPayloadSizeMax) {
    return Status(StatusCode::kTooLarge,
                  "the payload has " + std::to_string(payload.size()) + " bytes; at most " +
                      std::to_string(kOutboxPayloadSizeMax) +
                      " are allowed: store it as a value or an artifact and add its name");
  }
  const Uuid id = access_->next_stamp().id;
  HOLDFAST_TRY(access_->write([&](search::KeyTarget& target, uint32_t space_id) {
    return OutboxRows(space_id, name_).add(target, id, topic, payload);
  }));
  return id.to_text();
}

Result<RelayResult> Outbox::relay(const Deliver& deliver, const RelayOptions& options) const {
  HOLDFAST_TRY(check_outbox(name_));
  return memory::run_relay(*access_, name_, deliver, options);
}

Result<std::vector<OutboxEntry>> Outbox::waiting(size_t limit) const {
  HOLDFAST_TRY(check_outbox(name_));
  HOLDFAST_TRY(memory::check_limit(limit, kOutboxListMax));
  std::vector<OutboxEntry> entries;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(auto rows, OutboxRows(space_id, name_).first(source, limit));
    for (memory::OutboxRow& row : rows) entries.push_back(std::move(row.entry));
    return Status::ok();
  }));
  return entries;
}

Result<std::vector<OutboxEntry>> Outbox::dead(size_t limit) const {
  HOLDFAST_TRY(check_outbox(name_));
  HOLDFAST_TRY(memory::check_limit(limit, kOutboxListMax));
  std::vector<OutboxEntry> entries;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(entries, OutboxRows(space_id, name_).dead(source, limit));
    return Status::ok();
  }));
  return entries;
}

Result<OutboxStats> Outbox::stats() const {
  HOLDFAST_TRY(check_outbox(name_));
  OutboxStats stats;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    const OutboxRows rows(space_id, name_);
    HOLDFAST_ASSIGN(stats.waiting, rows.counted(source, OutboxRows::Counter::kWaiting));
    HOLDFAST_ASSIGN(stats.dead, rows.counted(source, OutboxRows::Counter::kDead));
    return Status::ok();
  }));
  return stats;
}

Status Outbox::requeue(std::string_view id_text) const {
  HOLDFAST_TRY(check_outbox(name_));
  HOLDFAST_ASSIGN(const Uuid id, parse_id(id_text));
  bool found = false;
  HOLDFAST_TRY(access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    const OutboxRows rows(space_id, name_);
    HOLDFAST_ASSIGN(const auto entry, rows.find_dead(target, id));
    found = entry.has_value();
    if (!found) return Status::ok();
    HOLDFAST_TRY(rows.erase_dead(target, id));
    return rows.add(target, id, entry->topic, entry->payload);
  }));
  return found ? Status::ok() : no_dead(id_text, name_);
}

Status Outbox::remove_dead(std::string_view id_text) const {
  HOLDFAST_TRY(check_outbox(name_));
  HOLDFAST_ASSIGN(const Uuid id, parse_id(id_text));
  bool found = false;
  HOLDFAST_TRY(access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    const OutboxRows rows(space_id, name_);
    HOLDFAST_ASSIGN(const auto entry, rows.find_dead(target, id));
    found = entry.has_value();
    return found ? rows.erase_dead(target, id) : Status::ok();
  }));
  return found ? Status::ok() : no_dead(id_text, name_);
}

}  // namespace holdfast
