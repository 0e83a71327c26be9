#include "store/check.h"

#include <algorithm>

#include "base/check.h"
#include "log/record.h"
#include "store/apply.h"
#include "store/fresh_pages.h"
#include "store/named.h"
#include "store/reclaim.h"
#include "store/superblock.h"
#include "store/void_tail.h"

namespace holdfast::store {
namespace {

constexpr size_t kProblemsMax = 100;

// Which of the exclusive classes a page belongs to.
enum class PageUse : uint8_t { kNone, kFree, kReachable, kRetired };

// Two bits a page: 16 MiB for the largest store.
class PageUses {
 public:
  void assign(uint64_t count) {
    count_ = count;
    words_.assign((count + 31) / 32, 0);
  }
  uint64_t size() const { return count_; }
  PageUse operator[](uint64_t page) const {
    return static_cast<PageUse>(words_[page / 32] >> page % 32 * 2 & 3);
  }
  // REQUIRES: it belongs to nothing yet.
  void set(uint64_t page, PageUse use) {
    words_[page / 32] |= static_cast<uint64_t>(use) << page % 32 * 2;
  }

 private:
  uint64_t count_ = 0;
  std::vector<uint64_t> words_;
};

const char* name_of(PageUse use) {
  switch (use) {
    case PageUse::kNone:
      return "nothing";
    case PageUse::kFree:
      return "the free pages";
    case PageUse::kReachable:
      return "the tree";
    case PageUse::kRetired:
      return "the retired pages";
  }
  return "";
}

class Checker {
 public:
  Checker(const Context& context, const CheckOptions& options, CheckReport& report)
      : context_(context), options_(options), report_(report) {}

  // The allocator and a root that fit together, copied under APPLY. Pins the root.
  Status copy_allocator(Pins& pins, Pins::Pinned& pinned);
  void check_tree(const Pins::Pinned& pinned);
  // Every page of a named snapshot is of the tree too, or waits for it.
  Status check_named(Pins& pins, const Pins::Pinned& pinned);
  void check_partition();
  Status check_log();

 private:
  Status read_metas(std::vector<Meta>& metas);
  std::string follow_log(const Meta& meta);
  void problem(std::string text) {
    ++report_.problems_count;
    if (report_.problems.size() < kProblemsMax) report_.problems.push_back(std::move(text));
  }
  void proceed(std::string_view what, uint64_t done, uint64_t total) {
    constexpr uint64_t kInterval = 1024;
    if (options_.progress && done % kInterval == 0) options_.progress(what, done, total);
  }
  void use(uint64_t pgno, uint64_t count, PageUse use);
  void check_named_tree(const Named& named);

  const Context& context_;
  const CheckOptions& options_;
  CheckReport& report_;
  PageUses uses_;
  std::unique_ptr<tree::PageSource> pages_;  // whatever this process has verified before
};

void Checker::use(uint64_t pgno, uint64_t count, PageUse use) {
  for (uint64_t page = pgno; page < pgno + count; ++page) {
    if (page >= uses_.size()) {
      problem("data: page " + std::to_string(page) + " of " + name_of(use) +
              " lies behind the end of the file");
      return;
    }
    const bool fixed = page < kFirstPage;
    if (fixed || uses_[page] != PageUse::kNone) {
      problem("data: page " + std::to_string(page) + " belongs to " +
              (fixed ? "superblock and metas" : name_of(uses_[page])) + " and to " + name_of(use));
      return;
    }
    uses_.set(page, use);
  }
}

Status Checker::copy_allocator(Pins& pins, Pins::Pinned& pinned) {
  HOLDFAST_TRY(lock_apply(context_, context_.deadline()));
  const LockGuard guard(context_.locks->apply);
  HOLDFAST_ASSIGN(pinned, pins.pin(RootChoice::kLatest, false));
  const AllocationLine& line = context_.control().allocation;
  HOLDFAST_ASSIGN(pages_, fresh_pages(context_));
  report_.file_pages = line.file_pages.load();
  report_.leaked_pages = line.leaked_pages.load();
  uses_.assign(report_.file_pages);
  const Shared<uint64_t>* words = bitmap_words(context_);
  for (uint64_t page = 0; page < uses_.size(); ++page) {
    if ((words[page / 64].load(std::memory_order_relaxed) >> page % 64 & 1) == 0) continue;
    use(page, 1, PageUse::kFree);
    ++report_.free_pages;
  }
  if (report_.free_pages != line.free_pages.load()) {
    problem("shm: the count of free pages is " + std::to_string(line.free_pages.load()) + ", but " +
            std::to_string(report_.free_pages) + " are free");
  }
  const auto retire = [&](const RetiredRun& run) {
    use(run.pgno, run.count, PageUse::kRetired);
    report_.retired_pages += run.count;
  };
  for (uint64_t i = line.retired_head.load(); i < line.retired_tail.load(); ++i) {
    retire(load_retired(context_, i));
  }
  for (uint64_t i = 0; i < line.held_count.load(); ++i) {
    retire(load_held(context_, line.held_buffer.load(), i));
  }
  return Status::ok();
}

void Checker::check_tree(const Pins::Pinned& pinned) {
  const PublishedRoot& root = pinned.root;
  report_.version = root.version;
  if (root.root.height == 0) return;
  const uint64_t total = report_.file_pages - std::min(report_.file_pages, report_.free_pages);
  uint64_t visited = 0;
  const tree::TreeCounts counts = tree::verify(
      *pages_, root.root, root.version,
      [&](const tree::VisitedRun& run) {
        use(run.pgno, run.count, PageUse::kReachable);
        proceed("pages", ++visited, total);
      },
      [&](std::string text) { problem("data: " + std::move(text)); });
  report_.keys = counts.keys;
  report_.key_bytes = counts.key_bytes;
  report_.value_bytes = counts.value_bytes;
  report_.leaf_pages = counts.leaf_pages;
  report_.branch_pages = counts.branch_pages;
  report_.overflow_pages = counts.overflow_pages;
}

void Checker::check_named_tree(const Named& named) {
  const auto visit = [&](const tree::VisitedRun& run) -> Result<bool> {
    const PageUse found = run.pgno < uses_.size() ? uses_[run.pgno] : PageUse::kNone;
    if (found == PageUse::kReachable) return false;  // looked at already
    if (found != PageUse::kRetired) {
      problem("data: page " + std::to_string(run.pgno) + " of snapshot \"" + named.name +
              "\" belongs to " + name_of(found));
    }
    Status damage;
    if (run.overflow != nullptr && pages_->load_run(*run.overflow, &damage) == nullptr) {
      problem("snapshot \"" + named.name + "\": " + damage.to_string());
    }
    return true;
  };
  const Status status = tree::walk_intact(*pages_, named.root.root, visit);
  if (!status) problem("snapshot \"" + named.name + "\": " + status.to_string());
}

Status Checker::check_named(Pins& pins, const Pins::Pinned& pinned) {
  const auto list = read_named(context_, pinned.root.root);
  if (!list) {
    problem("the names of the snapshots cannot be read: " + list.status().to_string());
    return Status::ok();
  }
  if (list->damaged > 0) {
    problem("data: the records of " + std::to_string(list->damaged) + " snapshots are damaged");
  }
  for (const Named& named : list->named) {
    HOLDFAST_ASSIGN(const auto held, pins.pin_named(named.root));
    if (!held) continue;  // dropped meanwhile
    ++report_.snapshots;
    check_named_tree(named);
    pins.unpin(held->slot);
  }
  return Status::ok();
}

void Checker::check_partition() {
  uint64_t lost = 0;
  uint64_t first = 0;
  for (uint64_t page = kFirstPage; page < uses_.size(); ++page) {
    if (uses_[page] != PageUse::kNone) continue;
    if (lost++ == 0) first = page;
  }
  if (lost == report_.leaked_pages) return;
  problem("data: " + std::to_string(lost) + " pages, the first of them " + std::to_string(first) +
          ", belong to nothing; " + std::to_string(report_.leaked_pages) + " are accounted for");
}

Status Checker::read_metas(std::vector<Meta>& metas) {
  HOLDFAST_ASSIGN(const Superblock superblock,
                  read_superblock(*context_.data_file, context_.data_path()));
  metas.clear();
  for (int slot = 0; slot < 2; ++slot) {
    HOLDFAST_ASSIGN(const auto meta, read_meta(*context_.data_file, superblock, slot));
    if (meta) metas.push_back(*meta);
  }
  std::sort(metas.begin(), metas.end(),
            [](const Meta& a, const Meta& b) { return a.number > b.number; });
  return Status::ok();
}

// The log is kept from the older checkpoint on, but only what follows the newest is needed: a cold
// start leaves the log as it is, and what the disk had lost of it stays lost. Where checkpoints
// came while it was read, it may have gone, and reading begins again at those.
Status Checker::check_log() {
  constexpr int kAttempts = 5;
  std::vector<Meta> metas;
  HOLDFAST_TRY(read_metas(metas));
  for (int attempt = 1; !metas.empty(); ++attempt) {
    report_.log_records = 0;
    report_.log_segments = 0;
    std::string reserve = follow_log(metas.back());
    std::string needed;
    if (!reserve.empty() && metas.size() > 1) needed = follow_log(metas.front());
    if (metas.size() == 1) std::swap(reserve, needed);
    const uint64_t number = metas.front().number;
    HOLDFAST_TRY(read_metas(metas));
    const bool moved = !metas.empty() && metas.front().number != number;
    if (moved && attempt < kAttempts && !(reserve.empty() && needed.empty())) continue;
    if (!needed.empty()) {
      problem("log: " + needed);
    } else if (!reserve.empty()) {
      report_.warnings.push_back("log: " + reserve +
                                 "; the newest checkpoint stands, but there is no going back to "
                                 "the one before it");
    }
    return Status::ok();
  }
  problem("data: neither of the two metas is intact");
  return Status::ok();
}

// Empty, or what is wrong.
std::string Checker::follow_log(const Meta& meta) {
  const Tail tail = read_tail(context_.control().tail);
  log::Reader reader(*context_.segments, context_.store_id, root_of(meta).position(),
                     log::Trust::kUnproven);
  uint64_t segment = 0;
  while (true) {
    const auto record = reader.next(tail.lsn);
    if (!record) return record.status().to_string();
    if (!*record) break;
    const log::RecordHeader& header = (*record)->header;
    proceed("log records", ++report_.log_records, 0);
    const uint64_t number = log::lsn_segment(header.lsn);
    if (number != segment) ++report_.log_segments;
    segment = number;
    if (header.type != static_cast<uint16_t>(log::RecordType::kCommit)) continue;
    log::PayloadReader payload((*record)->payload);
    while (payload.next()) {
    }
    if (!payload.status()) {
      problem("log: the record at offset " + std::to_string(log::lsn_offset(header.lsn)) + " of " +
              context_.segments->path(number) + " cannot be taken apart");
    }
  }
  const log::Lsn end = reader.position().lsn;
  if (end == tail.lsn || read_tail(context_.control().tail).epoch != tail.epoch) return {};
  return "the chain ends at offset " + std::to_string(log::lsn_offset(end)) + " of " +
         context_.segments->path(log::lsn_segment(end)) + ", before the tail";
}

}  // namespace

Result<CheckReport> check_store(const Context& context, Pins& pins, const CheckOptions& options) {
  // A void that its process did not live to finish is finished first, as any call would.
  if (engine_state(context.control()) == EngineState::kVoiding) {
    HOLDFAST_TRY(void_tail(context, context.deadline()));
  }
  CheckReport report;
  Checker checker(context, options, report);
  Pins::Pinned pinned;
  HOLDFAST_TRY(checker.copy_allocator(pins, pinned));
  checker.check_tree(pinned);
  const Status named = checker.check_named(pins, pinned);
  pins.unpin(pinned.slot);
  HOLDFAST_TRY(named);
  checker.check_partition();
  HOLDFAST_TRY(checker.check_log());
  return report;
}

}  // namespace holdfast::store
