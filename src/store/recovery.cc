#include "store/recovery.h"

#include <algorithm>

#include "base/check.h"
#include "log/record.h"
#include "log/scan.h"
#include "store/apply.h"
#include "store/checkpoint.h"
#include "store/derive_pages.h"
#include "store/replay.h"
#include "store/roll.h"

namespace holdfast::store {
namespace {

struct Metas {
  Meta chosen;
  std::optional<Meta> older;
  bool fallback = false;     // a newer one is damaged
  log::Lsn durable_lsn = 0;  // of the newest that is whole, wherever it leads: the log reached it
};

// The newest meta whose root page is intact, else the other one, which is also what `from_older`
// asks for.
Result<Metas> choose_meta(const Context& context, const Superblock& superblock, bool from_older,
                          RecoveryReport& report) {
  std::vector<Meta> valid;
  for (int slot = 0; slot < 2; ++slot) {
    HOLDFAST_ASSIGN(const auto meta, read_meta(*context.data_file, superblock, slot));
    if (meta) valid.push_back(*meta);
  }
  std::sort(valid.begin(), valid.end(),
            [](const Meta& a, const Meta& b) { return a.number > b.number; });
  Status damage;
  if (from_older && valid.size() < 2) {
    return Status(StatusCode::kCorruption, "there is no older checkpoint");
  }
  for (size_t i = from_older ? 1 : 0; i < valid.size(); ++i) {
    const PublishedRoot root = root_of(valid[i]);
    if (root.root.height > 0 && context.pages->load(root.root.page, &damage) == nullptr) {
      report.warnings.push_back("checkpoint " + std::to_string(valid[i].number) +
                                " cannot be used: " + damage.to_string());
      continue;
    }
    Metas metas{valid[i], std::nullopt, i > 0, valid[0].lsn};
    if (i + 1 < valid.size()) metas.older = valid[i + 1];
    return metas;
  }
  return Status(StatusCode::kCorruption,
                valid.empty() ? "neither of the two metas is intact; restore a backup"
                              : "the root of every checkpoint is damaged; restore a backup (" +
                                    damage.to_string() + ")")
      .with_path(context.data_path())
      .with_offset(1ull << context.page_shift);
}

// The cache may show a meta whose sync failed, while the disk still holds the one before it in that
// slot. Written again before anything relies on it: the pages that only the one before needs will
// be re-used. The older meta survives should the power be cut here.
Status secure_meta(const Context& context, const Metas& metas) {
  if (!metas.older) return Status::ok();
  HOLDFAST_TRY(write_meta(*context.data_file, context.page_shift, metas.chosen));
  return context.data_file->sync_data();
}

// What replay found: where history ends, and what lies behind it.
struct Replayed {
  log::Position end;
  log::TailScan scan;
  uint64_t pages_needed = 0;
  std::vector<Named> named;         // every version that was given a name on the way
  std::vector<uint64_t> undurable;  // segments with records that no later one calls durable
};

// Puts as much as `first` takes into it, too.
Result<Replayed> read_history(const Context& context, const Meta& meta, Stretch& first,
                              RecoveryReport& report) {
  Replayed history;
  log::Reader reader(*context.segments, context.store_id, root_of(meta).position(),
                     log::Trust::kUnproven);
  while (true) {
    HOLDFAST_ASSIGN(const std::optional<log::Record> record, reader.next(~0ull));
    if (!record) break;
    const uint64_t segment = log::lsn_segment(record->header.lsn);
    std::vector<uint64_t>& undurable = history.undurable;
    if (undurable.empty() || undurable.back() != segment) {
      std::erase_if(undurable, [&](uint64_t before) {
        return before < log::lsn_segment(record->header.durable_lsn);
      });
      undurable.push_back(segment);
    }
    if (record->header.type != static_cast<uint16_t>(log::RecordType::kCommit)) continue;
    history.pages_needed += record->header.pages_max;
    ++report.transactions_applied;
    const bool is_first = !first.full();
    log::PayloadReader payload(record->payload);
    std::string_view rest = payload.rest();
    while (const auto operation = payload.next()) {
      if (is_first) {
        first.add(*record, *operation, rest.substr(0, rest.size() - payload.rest().size()));
      }
      rest = payload.rest();
      const bool is_put = operation->kind == log::OperationKind::kPut;
      if (is_put && operation->key.starts_with(named_prefix())) {
        if (auto named = parse_named(operation->key, operation->value)) {
          history.named.push_back(std::move(*named));
        }
      }
      const bool is_deletion = operation->kind == log::OperationKind::kDelete ||
                               operation->kind == log::OperationKind::kDeleteRange;
      ++(is_deletion ? report.deletes_applied : report.writes_applied);
    }
    // Before anything is changed: the program that understands it must find all as it left it.
    if (Status status = payload.status(); !status) {
      return std::move(status)
          .with_path(context.segments->path(log::lsn_segment(record->header.lsn)))
          .with_offset(log::lsn_offset(record->header.lsn));
    }
    if (is_first) first.end_record(record->header, reader.position());
  }
  history.end = reader.position();
  if (!first.full()) first.end_at(history.end);
  HOLDFAST_ASSIGN(history.scan, log::scan_tail(*context.segments, context.store_id, history.end));
  return history;
}

// Segments are made one after another, each when the one before is durable, and go from the lowest
// on: where a later one is prepared, the next one was there, and may have been history.
Status require_next_segment(const Context& context, const Replayed& history) {
  const uint64_t next = log::lsn_segment(history.end.lsn) + 1;
  if (history.scan.segment_max <= next) return Status::ok();
  HOLDFAST_ASSIGN(const std::vector<uint64_t> numbers, context.segments->list());
  if (std::binary_search(numbers.begin(), numbers.end(), next)) return Status::ok();
  return Status(StatusCode::kCorruption,
                "log segment " + std::to_string(next) +
                    " is missing, and segments behind it are there; bring it back from a backup or "
                    "run holdfast salvage. Nothing was changed")
      .with_path(context.segments->path(next));
}

// Torn tail or rot? See log/scan.h. A checkpoint is a witness too: its log was durable before it.
Status judge_tail(const Context& context, const Metas& metas, const Replayed& history,
                  RecoveryReport& report) {
  const log::TailScan& scan = history.scan;
  if (scan.headless_segment != 0) {
    return Status(StatusCode::kCorruption,
                  "the header of a log segment that was once durable is damaged; restore this "
                  "segment from a backup or run holdfast salvage. Nothing was changed")
        .with_path(context.segments->path(scan.headless_segment))
        .with_offset(0);
  }
  if (std::max(scan.durable_lsn_max, metas.durable_lsn) > history.end.lsn) {
    return Status(StatusCode::kCorruption,
                  "the log is damaged in the middle: a record that was once durable cannot be "
                  "read; restore this segment from a backup or run holdfast salvage. Nothing was "
                  "changed")
        .with_path(context.segments->path(log::lsn_segment(history.end.lsn)))
        .with_offset(log::lsn_offset(history.end.lsn));
  }
  HOLDFAST_TRY(require_next_segment(context, history));
  report.transactions_discarded = scan.torn_record ? 1 : 0;
  report.orphaned_entries = scan.orphaned_entries;
  report.bytes_discarded = scan.bytes_discarded;
  if (scan.torn_record) {
    report.warnings.push_back("discarded one incomplete transaction at the end of the log");
  }
  if (scan.cut_segment != 0) {
    report.warnings.push_back("log segment " + context.segments->path(scan.cut_segment) +
                              " is shorter than when it was made; what stood behind its end is "
                              "lost");
  }
  if (scan.orphaned_entries > 0) {
    report.warnings.push_back("ignored " + std::to_string(scan.orphaned_entries) +
                              " log entries that belong to no transaction in history");
  }
  return Status::ok();
}

// What is accepted may so far be in the page cache alone. The checkpoint that recovery ends with
// does not depend on it, but the one before does, and the next cold start writes the newest meta
// again: should the power be cut in that moment, it goes back to the one before. A sync that fails
// leaves things as they were; nothing else believes it.
void sync_history(const Context& context, const Replayed& history) {
  for (const uint64_t number : history.undurable) {
    if (auto segment = context.segments->open(number)) (void)(*segment)->file().sync_data();
  }
}

// All free pages, which are then taken. While a store goes back to its older checkpoint nothing
// that the damaged one reaches is overwritten: should this fail too, salvage finds both as they
// are.
std::vector<Extent> withhold_free(const Context& context) {
  AllocationLine& line = context.control().allocation;
  const uint64_t file_pages = line.file_pages.load();
  const Shared<uint64_t>* words = bitmap_words(context);
  std::vector<Extent> withheld;
  for (uint64_t pgno = kFirstPage; pgno < file_pages; ++pgno) {
    if ((words[pgno / 64].load(std::memory_order_relaxed) >> pgno % 64 & 1) == 0) continue;
    const auto page = static_cast<uint32_t>(pgno);
    if (!withheld.empty() && withheld.back().pgno + withheld.back().count == page) {
      ++withheld.back().count;
    } else {
      withheld.push_back({page, 1});
    }
  }
  for (const Extent& extent : withheld) mark_taken(context, extent);
  line.free_pages.store(0);
  return withheld;
}

void give_back(const Context& context, const std::vector<Extent>& withheld) {
  AllocationLine& line = context.control().allocation;
  for (const Extent& extent : withheld) mark_free(context, extent);
  line.free_pages.store(count_free(context));
  line.hint.store(kFirstPage);
}

// The segment that new commits go to: a new one in a new epoch, whose header cuts history where it
// ended. Never the old one: what the page cache shows of it, even its header, may not be on the
// disk. Only the first segment of a store just created was synced by this very process.
Result<Tail> open_tail(const Context& context, const Replayed& history, bool created) {
  Tail tail;
  tail.version = history.end.version;
  tail.time_us = history.end.time_us;
  tail.pages_needed = history.pages_needed;
  const log::TailScan& scan = history.scan;
  if (created) {
    tail.lsn = history.end.lsn;
    tail.prev_crc = history.end.prev_crc;
    tail.epoch = history.end.epoch;
    return tail;
  }
  SegmentStart start;
  start.number = scan.started_max + 1;
  start.epoch = std::max(scan.epoch_max, history.end.epoch) + 1;
  start.prev_end_lsn = history.end.lsn;
  start.prev_crc = history.end.prev_crc;
  start.start_version = history.end.version;
  HOLDFAST_ASSIGN(auto segment, start_segment(context, start));
  HOLDFAST_TRY(segment->file().sync_data());
  HOLDFAST_TRY(context.os.sync_directory(context.segments->directory()));
  tail.lsn = log::make_lsn(start.number, log::kSegmentHeaderSize);
  tail.prev_crc = start.prev_crc;
  tail.epoch = start.epoch;
  return tail;
}

void fill_control(const Context& context, const Metas& metas, const Tail& tail,
                  uint64_t segment_max) {
  ControlBlock& control = context.control();
  PublishedRoot root = root_of(metas.chosen);
  root.sequence = 1;
  publish_root(control, root);
  control.roots.durable.store(1);
  publish_tail(control.tail, tail);
  control.synced.lsn.store(tail.lsn);
  control.synced.version.store(tail.version);
  control.synced.synced_us.store(context.os.monotonic_time_us());
  control.state.epoch.store(tail.epoch);
  control.state.prepared_segment.store(std::max(segment_max, log::lsn_segment(tail.lsn)));
  CheckpointLine& line = control.checkpoint;
  const Meta& older = metas.older ? *metas.older : metas.chosen;
  line.number.store(metas.chosen.number);
  line.last_pin.store(metas.chosen.version + 1);
  line.last_lsn.store(metas.chosen.lsn);
  line.prev_pin.store(older.version + 1);
  line.prev_lsn.store(older.lsn);
  line.finished_us.store(context.os.monotonic_time_us());
}

// Publishes the recovered tree once more at the place where the log goes on, so that
// transactions validate in the new epoch.
void publish_at_tail(const Context& context, const Tail& tail) {
  ControlBlock& control = context.control();
  PublishedRoot root = read_latest_root(control);
  root.sequence += 1;
  root.lsn = tail.lsn;
  root.prev_crc = tail.prev_crc;
  root.epoch = tail.epoch;
  root.pages_needed = tail.pages_needed;
  publish_root(control, root);
  advance_durable(context);
}

}  // namespace

Status recover(Context& context, const Superblock& superblock, bool from_older,
               RecoveryReport& report) {
  const uint64_t started_us = context.os.monotonic_time_us();
  report.cold = true;
  HOLDFAST_ASSIGN(const os::FileInfo info, context.data_file->info());
  const uint64_t file_pages = info.size_bytes >> context.page_shift;
  context.pages->set_page_count(static_cast<uint32_t>(file_pages));
  HOLDFAST_ASSIGN(const Metas metas, choose_meta(context, superblock, from_older, report));
  Stretch first(root_of(metas.chosen).position(), replay_limits(context));
  HOLDFAST_ASSIGN(Replayed history, read_history(context, metas.chosen, first, report));
  HOLDFAST_TRY(judge_tail(context, metas, history, report));
  sync_history(context, history);
  HOLDFAST_TRY(secure_meta(context, metas));

  KeptRoots kept;
  kept.chosen = root_of(metas.chosen);
  if (metas.older) kept.older = root_of(*metas.older);
  kept.named = history.named;
  if (metas.chosen.named_count > 0) add_named(context, kept, report);
  HOLDFAST_ASSIGN(const Reached reached, derive_pages(context, kept, file_pages, report));
  std::vector<Extent> withheld;
  if (metas.fallback) withheld = withhold_free(context);
  HOLDFAST_ASSIGN(context.attachment,
                  Attachment::attach(context.os, context.attach_file(), context.control()));
  context.locks = std::make_unique<Locks>(context.os, *context.attachment, context.control());
  HOLDFAST_ASSIGN(const Tail tail, open_tail(context, history, report.created));
  fill_control(context, metas, tail, history.scan.segment_max);
  for (const Named& named : kept.named) {
    HOLDFAST_TRY(pin_name(context.control(), named.root.version));
  }

  PublishPlan older_pages;  // an empty change that retires what only older versions reach
  older_pages.root = read_latest_root(context.control());
  older_pages.hint = context.control().allocation.hint.load();
  older_pages.retired = reached.retired;
  HOLDFAST_TRY(carry_out(context, older_pages));
  // Ran under the attach lock: the lock words are taken only because apply asks for them.
  HOLDFAST_TRY(replay_through(context, tail.version, std::move(first)));
  publish_at_tail(context, tail);
  report.version = tail.version;
  if (!report.created) HOLDFAST_TRY(checkpoint(context, context.deadline()));
  give_back(context, withheld);
  HOLDFAST_TRY(settle_recovered(context, kept, reached, report));
  report.duration_us = context.os.monotonic_time_us() - started_us;
  return Status::ok();
}

}  // namespace holdfast::store
