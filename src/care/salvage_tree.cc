#include "care/salvage_tree.h"

#include <algorithm>

namespace holdfast::care {
namespace {

constexpr size_t kListMax = 1000;
constexpr size_t kUnnamedRootsMax = 8;

std::string page_text(uint32_t pgno) {
  return "data: page " + std::to_string(pgno);
}

// The span of that key alone.
KeySpan span_of(const std::string& key) {
  return {key, key + '\0'};
}

}  // namespace

void add_damage(SalvageReport& report, std::string place) {
  ++report.damage_count;
  if (report.damage.size() < kListMax) report.damage.push_back(std::move(place));
}

void add_doubt(SalvageReport& report, std::string doubt) {
  if (report.doubts.size() < kListMax) report.doubts.push_back(std::move(doubt));
}

std::optional<SalvageTarget::KeyValue> SalvageTree::read_cell(const tree::Page& page,
                                                              uint32_t index,
                                                              std::vector<KeySpan>* lost) {
  const std::string key = key_of(page, index);
  LoadedValue value = load_value(files_, page.value(index));
  if (value.problem.empty()) return SalvageTarget::KeyValue{key, std::move(value.bytes)};
  const std::string place = "data: the value of key \"" + key_text(key) + "\"";
  if (named_.insert(place).second) add_damage(report_, place + ": " + value.problem);
  if (lost != nullptr) lost->push_back(span_of(key));
  return std::nullopt;
}

Status SalvageTree::take_page(const PageView& view, const KeySpan& wanted,
                              std::vector<KeySpan>& lost) {
  if (!view.page) {
    if (named_.insert(page_text(view.pgno)).second) {
      add_damage(report_, page_text(view.pgno) + ", keys " + span_text(view.span) + ": " +
                              view.loaded.problem);
    }
    lost.push_back(view.span.intersection(wanted));
    return Status::ok();
  }
  if (!view.page->is_leaf()) return Status::ok();
  std::vector<SalvageTarget::KeyValue> rows;
  for (uint32_t i = 0; i < view.page->cell_count(); ++i) {
    if (!wanted.contains(key_of(*view.page, i))) continue;
    auto row = read_cell(*view.page, i, &lost);
    if (row) rows.push_back(std::move(*row));
  }
  return write(view.span.intersection(wanted), std::move(rows));
}

// What snapshots left there and is not in `rows` has to go.
Status SalvageTree::write(const KeySpan& span, std::vector<SalvageTarget::KeyValue> rows) {
  if (target_.replacing()) return target_.replace(span, std::move(rows));
  for (const SalvageTarget::KeyValue& row : rows) {
    HOLDFAST_TRY(target_.put(row.key, row.value));
  }
  return Status::ok();
}

// Everything that is unassigned and that this tree can tell gets its version.
Status SalvageTree::take_tree(const tree::Root& root, uint64_t version) {
  for (const KeySpan& wanted : spans_.unassigned()) {
    std::vector<KeySpan> lost;
    if (root.height == 0) HOLDFAST_TRY(write(wanted, {}));
    HOLDFAST_TRY(walk_tree(files_, root, wanted, [&](const PageView& view) -> Result<bool> {
      HOLDFAST_TRY(take_page(view, wanted, lost));
      return true;
    }));
    spans_.assign(wanted, version);
    for (const KeySpan& span : lost) spans_.assign(span, std::nullopt);
  }
  return Status::ok();
}

Status SalvageTree::take_trees(uint64_t horizon) {
  if (files_.data() == nullptr || files_.page_size() == 0) return Status::ok();
  const std::vector<store::Meta> metas = files_.valid_metas();
  for (const store::Meta& meta : metas) {
    const store::PublishedRoot root = store::root_of(meta);
    const uint32_t height = root.root.height;
    if (height > tree::kHeightMax) continue;
    HOLDFAST_TRY(take_tree(root.root, root.version));
    if (report_.base.empty()) {
      report_.base = "checkpoint " + std::to_string(meta.number) + " of version " +
                     std::to_string(meta.version);
    }
  }
  if (!metas.empty() || spans_.unassigned().empty()) return Status::ok();
  HOLDFAST_TRY(find_candidates(horizon));
  return take_unnamed_roots();
}

// Without metas: a root is a page of the highest level; the newest that was born no later than the
// log ends is that of a commit. Everything below it is proven by its checksums.
Status SalvageTree::take_unnamed_roots() {
  uint32_t level_max = 0;
  for (const Candidate& page : candidates_) level_max = std::max(level_max, page.level);
  size_t taken = 0;
  for (const Candidate& page : candidates_) {
    if (page.level != level_max || taken == kUnnamedRootsMax) continue;
    if (spans_.unassigned().empty()) break;
    ++taken;
    HOLDFAST_TRY(take_tree({{page.pgno, page.crc, true}, page.level + 1}, page.birth));
    if (!report_.base.empty()) continue;
    report_.base =
        "the tree of page " + std::to_string(page.pgno) + ", version " + std::to_string(page.birth);
    add_doubt(report_,
              "no checkpoint is readable, so the newest tree that looks whole was taken (" +
                  report_.base + "); nothing proves that it was the last");
  }
  return Status::ok();
}

Status SalvageTree::find_candidates(uint64_t horizon) {
  if (searched_) return Status::ok();
  searched_ = true;
  for (uint64_t pgno = store::kFirstPage; pgno < files_.page_count(); ++pgno) {
    const auto number = static_cast<uint32_t>(pgno);
    const LoadedPage loaded = load_page(files_, number, nullptr, std::nullopt);
    if (!loaded.problem.empty()) continue;
    const tree::Page page(loaded.bytes.data(), files_.page_size());
    if (page.birth_version() > horizon) continue;
    candidates_.push_back({page.birth_version(), number, page.level(), loaded.crc});
  }
  std::sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) {
    return a.birth != b.birth ? a.birth > b.birth : a.level > b.level;
  });
  return Status::ok();
}

Status SalvageTree::take_leaves(uint64_t horizon) {
  if (files_.data() == nullptr || files_.page_size() == 0) return Status::ok();
  if (spans_.unassigned().empty()) return Status::ok();
  HOLDFAST_TRY(find_candidates(horizon));
  // Any newer leaf that ever held a key of an interval knows it better than an older one.
  SpanMap claimed;
  for (const KeySpan& span : spans_.unassigned()) claimed.assign(span, 0);
  for (const Candidate& candidate : candidates_) {
    if (candidate.level != 0) continue;
    const LoadedPage loaded = load_page(files_, candidate.pgno, nullptr, 0);
    if (!loaded.problem.empty()) continue;
    const tree::Page page(loaded.bytes.data(), files_.page_size());
    const KeySpan interval{key_of(page, 0), key_of(page, page.cell_count() - 1) + '\0'};
    bool taken = false;
    for (uint32_t i = 0; i < page.cell_count(); ++i) {
      const auto wanted = claimed.at(key_of(page, i));
      if (!wanted) continue;
      taken = true;
      const auto row = read_cell(page, i, nullptr);
      if (row) HOLDFAST_TRY(target_.put(row->key, row->value));
    }
    if (taken) claimed.assign(interval, std::nullopt);
  }
  return Status::ok();
}

}  // namespace holdfast::care
