#include <algorithm>

#include "base/check.h"
#include "tree/page.h"

namespace holdfast::tree {
namespace {

class Verifier {
 public:
  using Visit = std::function<void(const VisitedRun&)>;

  using Report = std::function<void(std::string)>;

  Verifier(const PageSource& source, const Visit& visit, const Report& problem)
      : source_(source), visit_(visit), problem_(problem) {}

  const TreeCounts& counts() const { return counts_; }

  // Keys below `ref` must lie in [lower, upper); no upper: no limit.
  void verify_page(const PageRef& ref, uint32_t level, std::string_view lower,
                   std::optional<std::string_view> upper, uint64_t birth_max);

 private:
  void report(uint32_t pgno, const std::string& what) {
    problem_("page " + std::to_string(pgno) + ": " + what);
  }
  std::vector<std::string> keys_of(const Page& page) const;
  void verify_header(const Page& page, const PageRef& ref, uint64_t birth_max);
  void verify_heap(const Page& page);
  void verify_keys(const Page& page, const std::vector<std::string>& keys, std::string_view lower,
                   std::optional<std::string_view> upper);
  void verify_values(const Page& page, const std::vector<std::string>& keys);
  void verify_run(const Page& page, const OverflowRef& run);

  const PageSource& source_;
  const Visit& visit_;
  const Report& problem_;
  TreeCounts counts_;
  bool gave_up_ = false;
};

void Verifier::verify_page(const PageRef& ref, uint32_t level, std::string_view lower,
                           std::optional<std::string_view> upper, uint64_t birth_max) {
  if (gave_up_) return;
  // A damaged tree could lead to the same pages again and again.
  if (counts_.leaf_pages + counts_.branch_pages >= source_.page_count()) {
    gave_up_ = true;
    return report(ref.pgno, "more pages are reachable than exist; the check ends here");
  }
  Status error;
  const char* bytes = load_at_level(source_, ref, level, &error);
  const auto kind = level == 0 ? VisitedRun::Kind::kLeaf : VisitedRun::Kind::kBranch;
  if (bytes == nullptr) {
    // It is a page of the tree all the same.
    if (ref.pgno < source_.page_count()) visit_({ref.pgno, 1, birth_max, kind});
    return report(ref.pgno, error.to_string());
  }
  const Page page(bytes, source_.page_size_bytes());
  ++(level == 0 ? counts_.leaf_pages : counts_.branch_pages);
  visit_({ref.pgno, 1, page.birth_version(), kind});
  const std::vector<std::string> keys = keys_of(page);
  verify_header(page, ref, birth_max);
  verify_heap(page);
  verify_keys(page, keys, lower, upper);
  if (level == 0) return verify_values(page, keys);
  for (uint32_t i = 0; i < page.cell_count(); ++i) {
    const std::string_view child_lower = i == 0 ? lower : std::string_view(keys[i]);
    const auto child_upper =
        i + 1 < page.cell_count() ? std::optional<std::string_view>(keys[i + 1]) : upper;
    verify_page(page.child(i), level - 1, child_lower, child_upper, page.birth_version());
  }
}

std::vector<std::string> Verifier::keys_of(const Page& page) const {
  std::vector<std::string> keys;
  for (uint32_t i = 0; i < page.cell_count(); ++i) {
    keys.emplace_back(!page.is_leaf() && i == 0 ? std::string_view() : page.prefix());
    keys.back().append(page.suffix(i));
  }
  return keys;
}

void Verifier::verify_header(const Page& page, const PageRef& ref, uint64_t birth_max) {
  if (page.birth_version() > birth_max) {
    report(ref.pgno, "born at version " + std::to_string(page.birth_version()) +
                         ", after its parent at " + std::to_string(birth_max));
  }
  bool has_overflow = false;
  for (uint32_t i = 0; i < page.cell_count(); ++i) {
    has_overflow |= page.is_leaf() ? page.body(i)[0] == kBodyOverflow : page.child(i).has_overflow;
  }
  if (page.has_overflow() != has_overflow) {
    report(ref.pgno, "its overflow flag does not fit its cells");
  }
  if (ref.has_overflow != has_overflow) {
    report(ref.pgno, "its parent's overflow flag does not fit it");
  }
}

// Cells do not overlap and make up the heap.
void Verifier::verify_heap(const Page& page) {
  std::vector<std::pair<uint32_t, uint32_t>> extents;
  uint32_t used = 0;
  for (uint32_t i = 0; i < page.cell_count(); ++i) {
    const Slot slot = page.slot(i);
    const auto rest = page.is_leaf() ? static_cast<uint32_t>(page.body(i).size())
                                     : static_cast<uint32_t>(sizeof(ChildCell));
    extents.emplace_back(slot.cell_offset, slot.cell_offset + slot.key_size + rest);
    used += slot.key_size + rest;
  }
  std::sort(extents.begin(), extents.end());
  const uint32_t pgno = page.header().pgno;
  for (size_t i = 1; i < extents.size(); ++i) {
    if (extents[i].first < extents[i - 1].second) return report(pgno, "its cells overlap");
  }
  if (used != page.header().heap_used) report(pgno, "its heap size does not fit its cells");
}

void Verifier::verify_keys(const Page& page, const std::vector<std::string>& keys,
                           std::string_view lower, std::optional<std::string_view> upper) {
  const uint32_t pgno = page.header().pgno;
  for (uint32_t i = 0; i < keys.size(); ++i) {
    if (page.slot(i).head != head_of(page.suffix(i))) {
      report(pgno, "the head of cell " + std::to_string(i) + " does not fit its key");
    }
    if (!page.is_leaf() && i == 0) continue;
    const bool ascends = i == 0 || keys[i - 1] < keys[i];
    if (!ascends) report(pgno, "the key of cell " + std::to_string(i) + " is out of order");
    // A separator equal to the lower fence would leave the child before it without keys.
    const bool above_lower = page.is_leaf() ? keys[i] >= lower : keys[i] > lower;
    if (!above_lower || (upper && keys[i] >= *upper)) {
      report(pgno, "the key of cell " + std::to_string(i) + " lies outside of the page's range");
    }
  }
}

void Verifier::verify_values(const Page& page, const std::vector<std::string>& keys) {
  counts_.keys += keys.size();
  for (uint32_t i = 0; i < page.cell_count(); ++i) {
    counts_.key_bytes += keys[i].size();
    const FoundValue value = page.value(i);
    if (value.overflow.page_count == 0) {
      counts_.value_bytes += value.inline_bytes.size();
    } else {
      verify_run(page, value.overflow);
    }
  }
}

void Verifier::verify_run(const Page& page, const OverflowRef& run) {
  counts_.overflow_pages += run.page_count;
  counts_.value_bytes += run.size_bytes;
  visit_({run.pgno, run.page_count, run.birth_version, VisitedRun::Kind::kOverflow});
  if (run.birth_version > page.birth_version()) {
    report(run.pgno, "this overflow run was born after the leaf that refers to it");
  }
  const uint64_t room = uint64_t{run.page_count} * page.size();
  if (run.size_bytes == 0 || run.size_bytes > room || room - run.size_bytes >= page.size()) {
    report(run.pgno, "the size of this overflow run does not fit its value");
  }
  Status error;
  const char* bytes = source_.load_run(run, &error);
  if (bytes == nullptr) return report(run.pgno, error.to_string());
  if (std::any_of(bytes + run.size_bytes, bytes + room, [](char byte) { return byte != 0; })) {
    report(run.pgno, "the rest of this overflow run is not zero");
  }
}

}  // namespace

TreeCounts verify(const PageSource& source, const Root& root, uint64_t version,
                  const std::function<void(const VisitedRun&)>& visit,
                  const std::function<void(std::string)>& problem) {
  if (root.height == 0) return {};
  if (root.height > kHeightMax) {
    problem("the root claims " + std::to_string(root.height) + " levels");
    return {};
  }
  Verifier verifier(source, visit, problem);
  verifier.verify_page(root.page, root.height - 1, {}, std::nullopt, version);
  return verifier.counts();
}

}  // namespace holdfast::tree
