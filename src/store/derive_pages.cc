#include "store/derive_pages.h"

#include <algorithm>
#include <tuple>

#include "store/page_allocation.h"
#include "store/superblock.h"

namespace holdfast::store {
namespace {

// Whether some page of the run is taken. All are, or none, unless the version is damaged: then the
// run is not its own any more.
bool is_known(const Context& context, const tree::VisitedRun& run) {
  const Shared<uint64_t>* words = bitmap_words(context);
  if (uint64_t{run.pgno} + run.count > context.pages->page_count()) return true;
  for (uint64_t pgno = run.pgno; pgno < uint64_t{run.pgno} + run.count; ++pgno) {
    const uint64_t word = words[pgno / 64].load(std::memory_order_relaxed);
    if ((word >> pgno % 64 & 1) == 0) return true;
  }
  return false;
}

Status mark_chosen(const Context& context, const tree::Root& root) {
  return tree::walk(*context.pages, root, false, [&](const tree::VisitedRun& run) -> Result<bool> {
    if (is_known(context, run)) return false;
    mark_taken(context, {run.pgno, run.count});
    return true;
  });
}

// Marks what only this version reaches, of all those not marked yet, and retires it. Returns the
// damage that was met.
Status mark_older(const Context& context, const PublishedRoot& root,
                  std::vector<RetiredRun>& retired) {
  return tree::walk_intact(
      *context.pages, root.root, [&](const tree::VisitedRun& run) -> Result<bool> {
        if (is_known(context, run)) return false;
        mark_taken(context, {run.pgno, run.count});
        retired.push_back({run.pgno, run.count, run.birth_version, root.version + 1});
        return true;
      });
}

// In the order of deaths, neighbours that share their interval as one entry.
void compact(std::vector<RetiredRun>& retired) {
  std::sort(retired.begin(), retired.end(), [](const RetiredRun& a, const RetiredRun& b) {
    return std::tie(a.death, a.pgno) < std::tie(b.death, b.pgno);
  });
  size_t kept = 0;
  for (const RetiredRun& run : retired) {
    RetiredRun* last = kept == 0 ? nullptr : &retired[kept - 1];
    if (last != nullptr && last->death == run.death && last->birth == run.birth &&
        last->pgno + last->count == run.pgno) {
      last->count += run.count;
    } else {
      retired[kept++] = run;
    }
  }
  retired.resize(kept);
}

}  // namespace

void add_named(const Context& context, KeptRoots& kept, RecoveryReport& report) {
  auto list = read_named(context, kept.chosen.root);
  if (list) {
    kept.named.insert(kept.named.end(), list->named.begin(), list->named.end());
    kept.named_unknown = list->damaged > 0;
  } else {
    kept.named_unknown = true;
  }
  if (!kept.named_unknown) return;
  report.warnings.push_back(
      "not every name of a snapshot can be read, so no page of the data file is used again: run "
      "holdfast check" +
      (list ? std::string() : " (" + list.status().to_string() + ")"));
}

Result<Reached> derive_pages(const Context& context, const KeptRoots& kept, uint64_t file_pages,
                             RecoveryReport& report) {
  AllocationLine& line = context.control().allocation;
  HOLDFAST_TRY(back_region(context, kBitmapRegion, line.bitmap_backed, (file_pages + 63) / 64 * 8));
  if (file_pages > kFirstPage) {
    mark_free(context, {kFirstPage, static_cast<uint32_t>(file_pages - kFirstPage)});
  }
  HOLDFAST_TRY(mark_chosen(context, kept.chosen.root));
  // The newest first: what a version reaches that no later one does has died right behind it.
  Reached reached;
  std::vector<const PublishedRoot*> roots;
  for (const Named& named : kept.named) roots.push_back(&named.root);
  if (kept.older) roots.push_back(&*kept.older);
  std::stable_sort(roots.begin(), roots.end(), [](const PublishedRoot* a, const PublishedRoot* b) {
    return a->version > b->version;
  });
  for (const PublishedRoot* root : roots) {
    const Status damage = mark_older(context, *root, reached.retired);
    if (damage) continue;
    if (kept.older && root == &*kept.older) {
      report.warnings.push_back("the older checkpoint is damaged and no fallback any more: " +
                                damage.to_string());
    } else {
      reached.damaged.emplace_back(root->version, damage);
    }
  }
  compact(reached.retired);
  line.file_pages.store(file_pages);
  if (kept.named_unknown) {
    line.leaked_pages.store(count_free(context));
    mark_taken(context, {kFirstPage, static_cast<uint32_t>(file_pages - kFirstPage)});
  }
  line.free_pages.store(count_free(context));
  line.hint.store(kFirstPage);
  return reached;
}

Status settle_recovered(const Context& context, const KeptRoots& kept, const Reached& reached,
                        RecoveryReport& report) {
  if (kept.named.empty() || kept.named_unknown) return Status::ok();
  const tree::Root root = read_latest_root(context.control()).root;
  HOLDFAST_TRY(unpin_unnamed(context, root));
  HOLDFAST_ASSIGN(const NamedList list, read_named(context, root));
  for (const auto& [version, damage] : reached.damaged) {
    for (const Named& named : list.named) {
      if (named.root.version != version) continue;
      report.warnings.push_back("snapshot \"" + named.name +
                                "\" is damaged and can be read in part: " + damage.to_string());
    }
  }
  return Status::ok();
}

}  // namespace holdfast::store
