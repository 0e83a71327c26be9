// Presence: one row for each who entered, under its id. Rows of the dead are passed over, and
// removed, a few at a time, by whoever enters.
#include "holdfast/presence.h"

#include "memory/access.h"
#include "memory/fields.h"
#include "memory/keys.h"
#include "memory/lease.h"
#include "memory/text_check.h"

namespace holdfast {
namespace {

using memory::FieldReader;
using memory::FieldWriter;
using memory::KeyKind;

// Of one who enters: rows that are removed, and that are looked at for them.
constexpr size_t kSweptMax = 64;
constexpr size_t kLookedAtMax = 1000;
enum PresentField : uint32_t {
  kIncarnation = 1,
  kOwner = 2,
  kSince = 3,
  kChanged = 4,
  kAgent = 5,
  kProcess = 6,
  kRun = 7,
  kStep = 8,
  kActivity = 9,
};

struct Row {
  Present present;
  HandleId handle;
};

Status check_occupation(const Occupation& occupation) {
  HOLDFAST_TRY(memory::check_name("the agent's name", occupation.agent, kPresenceTextSizeMax));
  HOLDFAST_TRY(memory::check_text("process", occupation.process, kPresenceTextSizeMax));
  HOLDFAST_TRY(memory::check_text("run", occupation.run, kPresenceTextSizeMax));
  HOLDFAST_TRY(memory::check_text("step", occupation.step, kPresenceTextSizeMax));
  return memory::check_text("activity", occupation.activity, kPresenceTextSizeMax);
}

Result<Uuid> parse_presence_id(std::string_view id) {
  if (const auto uuid = Uuid::parse(id)) return *uuid;
  return Status(
      StatusCode::kInvalidArgument,
      "\"" + std::string(id) + "\" is not the id of who is there; ids have 36 characters");
}

std::string row_key(uint32_t space_id, const Uuid& id) {
  return memory::space_key(KeyKind::kPresence, space_id, id.view());
}

std::string encode(const Row& row) {
  FieldWriter fields;
  fields.number(kIncarnation, row.handle.incarnation)
      .number(kOwner, row.handle.owner)
      .integer(kSince, row.present.since_us)
      .integer(kChanged, row.present.changed_us)
      .text(kAgent, row.present.occupation.agent);
  const Occupation& occupation = row.present.occupation;
  if (!occupation.process.empty()) fields.text(kProcess, occupation.process);
  if (!occupation.run.empty()) fields.text(kRun, occupation.run);
  if (!occupation.step.empty()) fields.text(kStep, occupation.step);
  if (!occupation.activity.empty()) fields.text(kActivity, occupation.activity);
  return fields.bytes();
}

Result<Row> decode(std::string_view id_bytes, std::string_view bytes) {
  HOLDFAST_ASSIGN(const FieldReader fields, FieldReader::parse(bytes, "who is there"));
  Row row;
  Uuid id;
  if (id_bytes.size() != id.bytes.size()) {
    return memory::malformed("an entry of who is there");
  }
  std::copy(id_bytes.begin(), id_bytes.end(), reinterpret_cast<char*>(id.bytes.data()));
  row.present.id = id.to_text();
  row.handle = {fields.number_or(kIncarnation, 0),
                static_cast<uint32_t>(fields.number_or(kOwner, 0))};
  row.present.since_us = fields.integer_or(kSince, 0);
  row.present.changed_us = fields.integer_or(kChanged, 0);
  row.present.occupation = {fields.text_or_empty(kAgent), fields.text_or_empty(kProcess),
                            fields.text_or_empty(kRun), fields.text_or_empty(kStep),
                            fields.text_or_empty(kActivity)};
  return row;
}

// Visits rows without their being remembered.
Status visit(search::KeySource& source, uint32_t space_id,
             const std::function<bool(std::string_view key, Row&&)>& visit_row) {
  const std::string prefix = memory::space_prefix(KeyKind::kPresence, space_id);
  Status damage;
  HOLDFAST_TRY(source.peek_scan(search::prefix_range(prefix),
                                [&](std::string_view key, std::string_view value) {
                                  auto row = decode(key.substr(prefix.size()), value);
                                  damage = row.status();
                                  return row.is_ok() && visit_row(key, std::move(*row));
                                }));
  return damage;
}

Status remove_dead(memory::Access& access, search::KeyTarget& target, uint32_t space_id) {
  memory::HandleLiveness liveness(access);
  std::vector<std::string> dead;
  size_t seen = 0;
  HOLDFAST_TRY(visit(target, space_id, [&](std::string_view key, Row&& row) {
    if (!liveness.alive(row.handle)) dead.emplace_back(key);
    return ++seen < kLookedAtMax && dead.size() < kSweptMax;
  }));
  // A dead handle never comes back, so nobody else changes its row but to remove it.
  for (const std::string& key : dead) HOLDFAST_TRY(target.del(key));
  return Status::ok();
}

}  // namespace

Presence::Presence(std::shared_ptr<memory::Access> access) : access_(std::move(access)) {}

Result<std::string> Presence::enter(const Occupation& occupation) const {
  HOLDFAST_TRY(check_occupation(occupation));
  const Uuid id = access_->next_stamp().id;
  HOLDFAST_TRY(access_->write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    HOLDFAST_TRY(remove_dead(*access_, target, space_id));
    const int64_t now_us = access_->now_us();
    return target.put(row_key(space_id, id),
                      encode({{{}, occupation, now_us, now_us}, access_->handle_id()}));
  }));
  return id.to_text();
}

Status Presence::change(std::string_view id_text, const Occupation& occupation) const {
  HOLDFAST_TRY(check_occupation(occupation));
  HOLDFAST_ASSIGN(const Uuid id, parse_presence_id(id_text));
  bool found = false;
  HOLDFAST_TRY(access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    const std::string key = row_key(space_id, id);
    HOLDFAST_ASSIGN(const auto bytes, target.get(key));
    found = bytes.has_value();
    if (!found) return Status::ok();
    HOLDFAST_ASSIGN(Row row, decode(id.view(), *bytes));
    found = access_->handle_alive(row.handle);
    if (!found) return Status::ok();
    row.present.occupation = occupation;
    row.present.changed_us = access_->now_us();
    return target.put(key, encode(row));
  }));
  if (found) return Status::ok();
  return Status(StatusCode::kNotFound, std::string(id_text) + " is not there; enter again");
}

Status Presence::leave(std::string_view id_text) const {
  HOLDFAST_ASSIGN(const Uuid id, parse_presence_id(id_text));
  return access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) {
    return target.del(row_key(space_id, id));
  });
}

Result<std::vector<Present>> Presence::list(size_t limit) const {
  HOLDFAST_TRY(memory::check_limit(limit, kPresenceListMax));
  std::vector<Present> present;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) {
    return visit(source, space_id, [&](std::string_view, Row&& row) {
      if (access_->handle_alive(row.handle)) present.push_back(std::move(row.present));
      return present.size() < limit;
    });
  }));
  return present;
}

}  // namespace holdfast
