#include <algorithm>

#include "care/copy_blobs.h"
#include "care/salvage_log.h"
#include "care/salvage_place.h"
#include "care/salvage_snapshots.h"
#include "care/salvage_tree.h"

namespace holdfast::care {
namespace {

constexpr size_t kRangesMax = 1000;

class Salvage {
 public:
  Salvage(os::Os& os, StoreFiles& files, std::string to, const SalvageOptions& options)
      : os_(os), files_(files), to_(std::move(to)), options_(options) {}

  Status run(SalvageReport& report);

 private:
  Status require_closed();
  StoreOptions format() const;
  uint64_t version_max();
  void judge_end(SalvageReport& report);
  uint64_t newest_birth();
  Status take(SalvageTarget& target, SalvageReport& report);
  Status take_blobs(const std::string& to, SalvageTarget& target, SalvageReport& report);
  Status count(SalvageTarget& target, const std::vector<KeySpan>& damaged, SalvageReport& report);
  void say(std::string_view what) {
    if (options_.progress) options_.progress(what, 0, 0);
  }

  os::Os& os_;
  StoreFiles& files_;
  const std::string to_;
  const SalvageOptions& options_;
  LogSurvey survey_;
};

Status Salvage::require_closed() {
  if (options_.while_open || !files_.in_use()) return Status::ok();
  std::string who;
  for (uint32_t slot = 0; slot < store::kProcessSlots; ++slot) {
    if (files_.alive(slot).value_or(false))
      who += (who.empty() ? "" : ", ") + files_.describe_slot(slot);
  }
  return Status(StatusCode::kBusy,
                "the store is open in " + (who.empty() ? "another process" : who) +
                    "; end these processes first, or salvage what is there while they write "
                    "(--while-open)")
      .with_path(files_.path());
}

StoreOptions Salvage::format() const {
  StoreOptions options;
  if (files_.page_size() != 0) options.page_size_bytes = files_.page_size();
  if (files_.superblock()) {
    options.segment_size_bytes = static_cast<uint32_t>(files_.superblock()->segment_capacity_max);
  }
  options.durability = Durability::batched;
  options.actor = "holdfast salvage";
  return options;
}

// The last version that anything of the old store knows.
uint64_t Salvage::version_max() {
  uint64_t version = survey_.version_any;
  for (const store::Meta& meta : files_.valid_metas()) version = std::max(version, meta.version);
  return version;
}

uint64_t Salvage::newest_birth() {
  uint64_t birth = 0;
  for (uint64_t pgno = store::kFirstPage; pgno < files_.page_count(); ++pgno) {
    const LoadedPage loaded = load_page(files_, static_cast<uint32_t>(pgno), nullptr, std::nullopt);
    if (!loaded.problem.empty()) continue;
    birth = std::max(birth, tree::Page(loaded.bytes.data(), files_.page_size()).birth_version());
  }
  return birth;
}

// What else says that there were more commits than were found.
void Salvage::judge_end(SalvageReport& report) {
  const std::vector<store::Meta> metas = files_.valid_metas();
  const auto& numbers = files_.segment_numbers();
  if (!metas.empty() && (numbers.empty() || numbers.back() < log::lsn_segment(metas[0].lsn))) {
    add_doubt(report, "log segment " + std::to_string(log::lsn_segment(metas[0].lsn)) +
                          " and what followed it are missing: commits after version " +
                          std::to_string(report.version) + " are lost");
  }
  for (size_t i = 1; i < numbers.size(); ++i) {
    if (numbers[i] == numbers[i - 1] + 1) continue;
    add_doubt(report, "log segments " + std::to_string(numbers[i - 1] + 1) + " to " +
                          std::to_string(numbers[i] - 1) + " are missing");
  }
  if (!files_.control_valid()) return;
  const uint64_t version = store::read_tail(files_.control()->tail).version;
  if (version <= report.version) return;
  add_doubt(report, "the control block knows of commits up to version " + std::to_string(version) +
                        ", found were those up to " + std::to_string(report.version));
}

Status Salvage::take(SalvageTarget& target, SalvageReport& report) {
  SpanMap spans;
  SalvageTree tree(files_, target, spans, report);
  uint64_t horizon = version_max();
  if (horizon == 0) horizon = ~0ull;  // nothing is left that could say
  say("reading the tree");
  HOLDFAST_TRY(tree.take_trees(horizon));
  // A log from the first commit on tells everything by itself.
  if (survey_.complete) {
    for (const KeySpan& span : spans.unassigned()) {
      HOLDFAST_TRY(tree.take_nothing(span));
      spans.assign(span, 0);
    }
    if (report.base.empty()) report.base = "the log alone, from the first commit on";
  }
  const std::vector<KeySpan> damaged = spans.unassigned();
  if (!damaged.empty()) {
    say("searching pages that name themselves");
    HOLDFAST_TRY(tree.take_leaves(horizon));
  }
  say("following the log");
  SalvageLog log(files_, survey_, target, spans, report);
  const uint64_t first = survey_.first_start_version;
  // Where the tree is lost, whatever the log still has is more than nothing.
  const uint64_t base = spans.version_min().value_or(first);
  HOLDFAST_TRY(log.replay(damaged.empty() ? base : std::min(base, first)));
  judge_end(report);
  HOLDFAST_TRY(target.flush());
  return count(target, damaged, report);
}

Status Salvage::count(SalvageTarget& target, const std::vector<KeySpan>& damaged,
                      SalvageReport& report) {
  say("counting");
  for (const KeySpan& span : damaged) {
    KeyRange range{span.lower, span.upper.value_or("")};
    HOLDFAST_ASSIGN(const auto counts, target.count(range));
    ++report.damaged_ranges_count;
    report.keys_uncertain += counts.keys;
    if (report.damaged_ranges.size() == kRangesMax) continue;
    report.damaged_ranges.push_back({span.lower, span.upper, counts.keys});
  }
  HOLDFAST_ASSIGN(const auto counts, target.count(KeyRange::all()));
  report.keys = counts.keys;
  report.key_bytes = counts.key_bytes;
  report.value_bytes = counts.value_bytes;
  report.version_new = counts.version;
  return Status::ok();
}

Status Salvage::take_blobs(const std::string& to, SalvageTarget& target, SalvageReport& report) {
  say("copying blobs");
  HOLDFAST_TRY(copy_blobs(files_.os(), files_.path(), os_, to, report));
  HOLDFAST_ASSIGN(const BlobCheck check, target.check_blobs());
  for (const std::string& problem : check.problems) {
    add_damage(report, problem);
    add_doubt(report, problem);
  }
  return Status::ok();
}

Status Salvage::run(SalvageReport& report) {
  if (files_.superblock_status().code() == StatusCode::kUnsupported) {
    return files_.superblock_status();
  }
  HOLDFAST_TRY(require_closed());
  HOLDFAST_ASSIGN(SalvagePlace place, SalvagePlace::claim(os_, files_.path(), to_));
  say("reading the log");
  HOLDFAST_ASSIGN(survey_, survey_log(files_));
  // Pages may be of commits that nothing else knows any more.
  const uint64_t version = std::max(version_max(), newest_birth());
  // The same store: its blobs carry its name.
  const store::Beginning beginning{version + 1, survey_.time_max_us, files_.store_id()};
  HOLDFAST_ASSIGN(auto target, SalvageTarget::create(os_, place.store_path(), format(), beginning));
  say("carrying snapshots over");
  SalvageSnapshots snapshots(files_, *target, report);
  HOLDFAST_TRY(snapshots.carry());
  HOLDFAST_TRY(take(*target, report));
  for (const Unreadable& piece : files_.unreadable()) {
    add_damage(report, piece.path + ": " + std::to_string(piece.size) + " bytes at offset " +
                           std::to_string(piece.offset) + " cannot be read: " + piece.message);
  }
  if (!files_.superblock()) add_damage(report, files_.superblock_status().to_string());
  if (files_.in_use()) {
    add_doubt(report, "processes had the store open meanwhile; what they wrote may be missing");
  }
  HOLDFAST_TRY(take_blobs(place.store_path(), *target, report));
  HOLDFAST_TRY(snapshots.settle());
  HOLDFAST_TRY(target->close());
  target.reset();
  return place.finish();
}

}  // namespace

Result<SalvageReport> salvage(os::Os& os, const std::string& from, const std::string& to,
                              const SalvageOptions& options) {
  HOLDFAST_ASSIGN(const auto files, StoreFiles::open(os, from));
  SalvageReport report;
  HOLDFAST_TRY(Salvage(os, *files, to, options).run(report));
  return report;
}

}  // namespace holdfast::care
