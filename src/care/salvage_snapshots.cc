#include "care/salvage_snapshots.h"

#include <algorithm>

#include "care/log_walk.h"
#include "care/salvage_tree.h"
#include "log/record.h"

namespace holdfast::care {
namespace {

using Names = std::map<std::string, store::Named>;

KeySpan span_of_names() {
  const std::string prefix(store::named_prefix());
  std::string end = prefix;
  ++end.back();
  return {prefix, end};
}

std::optional<std::string> name_of(std::string_view key) {
  if (!key.starts_with(store::named_prefix())) return std::nullopt;
  return std::string(key.substr(store::named_prefix().size()));
}

// What the log does to the names that a tree of version `base` has.
class NamesOfLog final : public LogVisitor {
 public:
  NamesOfLog(uint64_t base, Names& names) : base_(base), names_(names) {}

  Status segment(const SegmentView&) override { return Status::ok(); }
  Status gap(const GapView&) override { return Status::ok(); }
  Status record(const RecordView& view) override {
    const bool commit = view.header.type == static_cast<uint16_t>(log::RecordType::kCommit);
    if (view.is_void || !commit || view.header.version <= base_) return Status::ok();
    log::PayloadReader payload(view.payload);
    while (const auto operation = payload.next()) apply(*operation);
    return Status::ok();
  }

 private:
  void apply(const log::Operation& operation) {
    if (operation.kind == log::OperationKind::kDeleteRange) {
      std::erase_if(names_, [&](const auto& entry) {
        const std::string whole = store::named_key(entry.first);
        const std::string_view key = whole;
        return key >= operation.key && (operation.value.empty() || key < operation.value);
      });
      return;
    }
    const auto name = name_of(operation.key);
    if (!name) return;
    names_.erase(*name);
    if (operation.kind != log::OperationKind::kPut) return;
    if (auto named = store::parse_named(operation.key, operation.value)) {
      names_.emplace(*name, std::move(*named));
    }
  }

  const uint64_t base_;
  Names& names_;
};

std::string quoted(const std::string& name) {
  return "the snapshot \"" + key_text(name) + "\"";
}

}  // namespace

// Those that the newest checkpoint has, then those of the log behind it. What cannot be read here
// is missed by settle().
Status SalvageSnapshots::find_names() {
  uint64_t base = 0;
  const std::vector<store::Meta> metas = files_.valid_metas();
  if (!metas.empty()) {
    const store::PublishedRoot root = store::root_of(metas.front());
    base = root.version;
    const KeySpan wanted = span_of_names();
    HOLDFAST_TRY(walk_tree(files_, root.root, wanted, [&](const PageView& view) -> Result<bool> {
      if (!view.page || !view.page->is_leaf()) return true;
      for (uint32_t i = 0; i < view.page->cell_count(); ++i) {
        const std::string key = key_of(*view.page, i);
        const auto name = name_of(key);
        if (!name) continue;
        auto named = store::parse_named(key, load_value(files_, view.page->value(i)).bytes);
        if (named) names_.insert_or_assign(*name, std::move(*named));
      }
      return true;
    }));
  }
  NamesOfLog log(base, names_);
  return LogWalk(files_).walk(0, log);
}

Result<std::string> SalvageSnapshots::write(const store::Named& named) {
  HOLDFAST_TRY(target_.begin_replacing());
  const tree::Root& root = named.root.root;
  if (root.height > tree::kHeightMax) return std::string("its record is damaged");
  if (root.height == 0) HOLDFAST_TRY(target_.replace({}, {}));
  std::string problem;
  const Status status = walk_tree(files_, root, {}, [&](const PageView& view) -> Result<bool> {
    if (!problem.empty()) return false;
    if (!view.page) problem = "page " + std::to_string(view.pgno) + ": " + view.loaded.problem;
    if (!view.page || !view.page->is_leaf()) return problem.empty();
    std::vector<SalvageTarget::KeyValue> rows;
    for (uint32_t i = 0; i < view.page->cell_count() && problem.empty(); ++i) {
      LoadedValue value = load_value(files_, view.page->value(i));
      problem = value.problem;
      rows.push_back({key_of(*view.page, i), std::move(value.bytes)});
    }
    if (!problem.empty()) return false;
    HOLDFAST_TRY(target_.replace(view.span, std::move(rows)));
    return true;
  });
  HOLDFAST_TRY(status);
  HOLDFAST_TRY(target_.flush());
  return problem;
}

Status SalvageSnapshots::carry(const store::Named& named) {
  HOLDFAST_ASSIGN(const std::string problem, write(named));
  if (!problem.empty()) {
    add_damage(report_, quoted(named.name) + ": " + problem);
    return Status::ok();
  }
  HOLDFAST_ASSIGN(const NamedSnapshot made, target_.name_snapshot(named.name));
  report_.snapshots.push_back({named.name, named.root.version, made.version});
  return Status::ok();
}

Status SalvageSnapshots::carry() {
  HOLDFAST_TRY(find_names());
  if (files_.data() == nullptr || files_.page_size() == 0) return Status::ok();
  std::vector<const store::Named*> ascending;
  for (const auto& [name, named] : names_) ascending.push_back(&named);
  std::stable_sort(ascending.begin(), ascending.end(),
                   [](const auto* a, const auto* b) { return a->root.version < b->root.version; });
  for (const store::Named* named : ascending) HOLDFAST_TRY(carry(*named));
  return ascending.empty() ? Status::ok() : target_.begin_replacing();
}

Status SalvageSnapshots::settle() {
  const auto& wanted = target_.snapshot_names();
  std::vector<SalvagedSnapshot>& carried = report_.snapshots;
  for (const std::string& name : wanted) {
    const bool there = std::any_of(carried.begin(), carried.end(),
                                   [&](const SalvagedSnapshot& each) { return each.name == name; });
    if (there) continue;
    add_doubt(report_, quoted(name) +
                           " is not carried over: a page that it needs, or its record, is damaged; "
                           "the old store may still have some of it");
  }
  for (const SalvagedSnapshot& each : carried) {
    if (wanted.count(each.name) == 0) HOLDFAST_TRY(target_.drop_snapshot(each.name));
  }
  std::erase_if(carried, [&](const auto& each) { return wanted.count(each.name) == 0; });
  return Status::ok();
}

}  // namespace holdfast::care
