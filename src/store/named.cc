#include "store/named.h"

#include <algorithm>
#include <cstring>

#include "base/crc32c.h"
#include "store/intent.h"
#include "store/pins.h"
#include "store/reclaim.h"
#include "store/sync.h"
#include "tree/cursor.h"

namespace holdfast::store {
namespace {

constexpr std::string_view kPrefix("\x0fs", 2);

uint32_t crc_of(std::string_view key, const NamedValue& value) {
  std::string bytes(key);
  bytes.append(reinterpret_cast<const char*>(&value), offsetof(NamedValue, crc));
  return crc32c(bytes);
}

uint32_t pins_used(const ControlBlock& control) {
  return std::min(control.named.pins_used.load(std::memory_order_seq_cst), kNamedPins);
}

}  // namespace

std::string named_key(std::string_view name) {
  return std::string(kPrefix).append(name);
}

std::string_view named_prefix() {
  return kPrefix;
}

std::string named_value(const Named& named) {
  NamedValue value;
  value.version = named.root.version;
  value.lsn = named.root.lsn;
  value.commit_time_us = named.root.time_us;
  value.created_us = named.created_us;
  value.root_pgno = named.root.root.page.pgno;
  value.root_crc = named.root.root.page.crc;
  value.root_height = named.root.root.height;
  value.root_flags = named.root.root.page.has_overflow ? kRootHasOverflow : 0;
  value.prev_crc = named.root.prev_crc;
  value.epoch = named.root.epoch;
  value.crc = crc_of(named_key(named.name), value);
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

std::optional<Named> parse_named(std::string_view key, std::string_view bytes) {
  NamedValue value;
  if (key.substr(0, kPrefix.size()) != kPrefix || bytes.size() != sizeof(value)) {
    return std::nullopt;
  }
  std::memcpy(&value, bytes.data(), sizeof(value));
  if (value.crc != crc_of(key, value)) return std::nullopt;
  Named named;
  named.name = key.substr(kPrefix.size());
  named.created_us = value.created_us;
  named.root.version = value.version;
  named.root.lsn = value.lsn;
  named.root.time_us = value.commit_time_us;
  named.root.root.page = {value.root_pgno, value.root_crc,
                          (value.root_flags & kRootHasOverflow) != 0};
  named.root.root.height = value.root_height;
  named.root.prev_crc = value.prev_crc;
  named.root.epoch = value.epoch;
  return named;
}

Status check_snapshot_name(std::string_view name) {
  if (!name.empty() && name.size() <= kSnapshotNameSizeMax) return Status::ok();
  return Status(StatusCode::kInvalidArgument,
                "the name of a snapshot has 1 to " + std::to_string(kSnapshotNameSizeMax) +
                    " bytes; this one has " + std::to_string(name.size()));
}

Result<NamedList> read_named(const Context& context, const tree::Root& root) {
  NamedList list;
  tree::Cursor cursor(*context.pages, root);
  for (cursor.seek(kPrefix); cursor.valid(); cursor.next()) {
    if (cursor.key().substr(0, kPrefix.size()) != kPrefix) break;
    HOLDFAST_ASSIGN(const std::string_view value, cursor.value());
    auto named = parse_named(cursor.key(), value);
    if (named) {
      list.named.push_back(std::move(*named));
    } else {
      ++list.damaged;
    }
  }
  HOLDFAST_TRY(cursor.status());
  return list;
}

uint32_t named_count(const ControlBlock& control) {
  uint32_t count = 0;
  const uint32_t used = pins_used(control);
  for (uint32_t i = 0; i < used; ++i) count += control.named.pins[i].load() != 0;
  return count;
}

bool is_named(const ControlBlock& control, uint64_t version) {
  const uint32_t used = pins_used(control);
  for (uint32_t i = 0; i < used; ++i) {
    if (control.named.pins[i].load(std::memory_order_seq_cst) == version + 1) return true;
  }
  return false;
}

Status pin_name(ControlBlock& control, uint64_t version) {
  if (is_named(control, version)) return Status::ok();
  NamedLine& line = control.named;
  for (uint32_t i = 0; i < kNamedPins; ++i) {
    if (line.pins[i].load() != 0) continue;
    // Counted first: a reclaim that looks at fewer must not miss this one.
    if (line.pins_used.load() <= i) line.pins_used.store(i + 1, std::memory_order_seq_cst);
    line.pins[i].store(version + 1, std::memory_order_seq_cst);
    return Status::ok();
  }
  return Status(StatusCode::kTooLarge, "more versions are named than the store has room for");
}

void unpin_name(ControlBlock& control, uint64_t version) {
  const uint32_t used = pins_used(control);
  for (uint32_t i = 0; i < used; ++i) {
    if (control.named.pins[i].load() == version + 1) control.named.pins[i].store(0);
  }
}

Status settle_named(const Context& context, const Deadline& deadline) {
  NamedLine& line = context.control().named;
  if (line.unsettled.load() == 0) return Status::ok();
  // What a dead holder appended decides; it may still be voided.
  Status flushed = flush(context, deadline);
  if (flushed.code() == StatusCode::kAborted) flushed = flush(context, deadline);
  HOLDFAST_TRY(std::move(flushed));
  Pins pins(context);
  HOLDFAST_ASSIGN(const Pins::Pinned pinned, pins.pin(RootChoice::kDurable, false));
  const Status status = unpin_unnamed(context, pinned.root.root);
  pins.unpin(pinned.slot);
  return status;
}

Status unpin_unnamed(const Context& context, const tree::Root& root) {
  ControlBlock& control = context.control();
  HOLDFAST_ASSIGN(const NamedList list, read_named(context, root));
  if (list.damaged > 0) return Status::ok();  // nobody can tell what they pin: nothing is let go
  const uint32_t used = pins_used(control);
  for (uint32_t i = 0; i < used; ++i) {
    const uint64_t pin = control.named.pins[i].load();
    const bool named = std::any_of(list.named.begin(), list.named.end(),
                                   [&](const Named& each) { return each.root.version + 1 == pin; });
    if (pin != 0 && !named) control.named.pins[i].store(0);
  }
  control.named.unsettled.store(0);
  return Status::ok();
}

std::vector<uint64_t> pages_held_alone(const Context& context,
                                       const std::vector<uint64_t>& versions) {
  const ControlBlock& control = context.control();
  std::vector<uint64_t> pins = pinned_versions(control);
  pins.push_back(read_durable_root(control).version);
  std::sort(pins.begin(), pins.end());
  pins.erase(std::unique(pins.begin(), pins.end()), pins.end());
  std::vector<uint64_t> pages(versions.size());
  const auto count = [&](const RetiredRun& run) {
    const auto first = std::lower_bound(pins.begin(), pins.end(), run.birth);
    if (first == pins.end() || *first >= run.death) return;
    if (first + 1 != pins.end() && *(first + 1) < run.death) return;
    for (size_t i = 0; i < versions.size(); ++i) {
      if (versions[i] == *first) pages[i] += run.count;
    }
  };
  const AllocationLine& line = control.allocation;
  const uint64_t tail = line.retired_tail.load();
  for (uint64_t i = line.retired_head.load(); i < tail; ++i) count(load_retired(context, i));
  const uint64_t buffer = line.held_buffer.load();
  const uint64_t held = line.held_count.load();
  for (uint64_t i = 0; i < held; ++i) count(load_held(context, buffer, i));
  return pages;
}

}  // namespace holdfast::store
