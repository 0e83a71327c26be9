// Random work of every kind in spaces of hostile names, which are moved, put into the trash, given
// back and removed meanwhile. All that is kept carries a mark that no other has; whatever any way
// of reading a space returns may hold the marks of what lies in that space now, and no others: none
// of another space, and none of what is gone. At the end all is taken away, kind by kind, and no
// byte of any mark is left in the store.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "isolation/readings.h"

namespace holdfast::isolation {
namespace {

// Where a thing of a kind is found, and must be.
const std::vector<std::string>& places_of(const std::string& kind) {
  static const std::map<std::string, std::vector<std::string>> places = {
      {"observations", {"listed", "recalled", "recalled then"}},
      {"superseded", {"listed", "recalled then"}},
      {"records", {"records", "listed"}}};
  static std::map<std::string, std::vector<std::string>> others;
  const auto found = places.find(kind);
  if (found != places.end()) return found->second;
  return others[kind] = {kind};
}

bool may_be_found(const std::string& kind, const std::string& place) {
  const auto& places = places_of(kind);
  if (place == "history" || std::find(places.begin(), places.end(), place) != places.end()) {
    return true;
  }
  return kind == "records" && place.starts_with("recalled");
}

struct Item {
  std::string kind;
  Kept kept;
};
// What a space holds, wherever it lies.
struct Content {
  std::map<std::string, Item> items;  // by mark
  std::set<std::string> past;         // marks that histories may hold
};

bool is_below(const SpaceSegments& path, const SpaceSegments& above) {
  return path.size() >= above.size() && std::equal(above.begin(), above.end(), path.begin());
}

class IsolationFuzzTest : public testing::TestWithParam<uint32_t> {
 protected:
  IsolationFuzzTest() {
    const std::vector<std::string> segments = {
        "acme", "acme-corp", "acme/corp",           "acm", "A", std::string("acme\0", 5),
        "\x01", "\xc3\xbf",  std::string(128, 'x'), "corp"};
    std::set<SpaceSegments> paths = {{"acme"}, {"acme", "corp"}, {"acme/corp"}};
    while (paths.size() < 9) {
      SpaceSegments path(1 + below(3));
      for (std::string& segment : path) segment = segments[below(segments.size())];
      paths.insert(path);
    }
    paths_ = {paths.begin(), paths.end()};
  }
  size_t below(size_t end) { return random_() % end; }
  const SpaceSegments& some_path() { return paths_[below(paths_.size())]; }
  bool exists(const SpaceSegments& path) const {
    return std::any_of(model_.begin(), model_.end(),
                       [&](const auto& entry) { return is_below(entry.first, path); });
  }

  void put(const SpaceSegments& path) {
    const Way& way = ways_[below(ways_.size())];
    const std::string mark = mark_of(++marks_);
    SCOPED_TRACE(way.kind + " " + mark);
    const Space space = *store_.space(path);
    Kept kept = way.put(space, hostile_names()[below(hostile_names().size())], mark);
    Content& content = model_[path];
    if (!kept.slot.empty() && !kept.goes_together) take_out(content, kept.slot);
    if (kept.has_history) content.past.insert(mark);
    content.items[mark] = {way.kind, std::move(kept)};
  }
  static void take_out(Content& content, const std::string& slot) {
    std::erase_if(content.items, [&](const auto& entry) { return entry.second.kept.slot == slot; });
  }
  void take_away(const SpaceSegments& path, Content& content) {
    if (content.items.empty()) return;
    const auto at =
        std::next(content.items.begin(), static_cast<ptrdiff_t>(below(content.items.size())));
    const Item item = at->second;
    SCOPED_TRACE("without " + item.kind + " " + at->first);
    expect_ok(item.kept.undo(*store_.space(path)));
    content.items.erase(at);
    if (item.kept.goes_together) take_out(content, item.kept.slot);
  }

  // Out of the model: what lies at a path and below it, by what follows the path.
  std::map<SpaceSegments, Content> lift(const SpaceSegments& above) {
    std::map<SpaceSegments, Content> lifted;
    for (auto at = model_.begin(); at != model_.end();) {
      if (!is_below(at->first, above)) {
        ++at;
        continue;
      }
      const auto rest = at->first.begin() + static_cast<ptrdiff_t>(above.size());
      lifted[SpaceSegments(rest, at->first.end())] = std::move(at->second);
      at = model_.erase(at);
    }
    return lifted;
  }
  void lay(const SpaceSegments& above, std::map<SpaceSegments, Content> lifted) {
    for (auto& [rest, content] : lifted) {
      SpaceSegments path = above;
      path.insert(path.end(), rest.begin(), rest.end());
      model_[path] = std::move(content);
    }
  }
  void move(const SpaceSegments& path, const SpaceSegments& other) {
    if (spaces_.rename(path, other)) lay(other, lift(path));
  }
  void use_trash(const SpaceSegments& path) {
    if (!bin_.empty() && below(2) == 0) {
      const auto at = bin_.begin();
      if (spaces_.restore(at->first)) {
        lay(at->second.first, std::move(at->second.second));
      } else {
        expect_ok(spaces_.purge(at->first));
      }
      bin_.erase(at);
    } else if (const auto id = spaces_.trash(path, SubSpaces::include)) {
      bin_[*id] = {path, lift(path)};
    }
  }
  void step() {
    const SpaceSegments path = some_path();
    const size_t choice = below(24);
    const auto at = model_.find(path);
    if (choice < 14) return put(path);
    if (choice < 19 && at != model_.end()) return take_away(path, at->second);
    if (choice == 19) expect_ok(store_.space(path)->observations().tier_step(kAllCold).status());
    if (choice == 20) return move(path, some_path());
    if (choice == 21) return use_trash(path);
    if (choice == 22 && spaces_.remove(path, SubSpaces::include)) lift(path);
    if (choice == 23 && at != model_.end()) {
      expect_ok(store_.space(path)->observations().reindex().status());
    }
  }

  void expect_own(const SpaceSegments& path, const Found& found) {
    SCOPED_TRACE(testing::PrintToString(path));
    static const Content nothing;
    const auto at = model_.find(path);
    const Content& own = at == model_.end() ? nothing : at->second;
    std::map<std::string, std::set<std::string>> marks;
    for (const auto& [place, text] : found.texts()) {
      marks[place] = marks_in(text);
      for (const std::string& mark : marks[place]) {
        if (mark == past_mark()) {
          EXPECT_EQ(place, "history") << "what was replaced";
          continue;
        }
        if (place == "history" && own.past.contains(mark)) continue;
        const auto item = own.items.find(mark);
        ASSERT_TRUE(item != own.items.end())
            << mark << " in " << place << ": a ghost, or another's";
        EXPECT_TRUE(may_be_found(item->second.kind, place)) << item->second.kind << " in " << place;
      }
    }
    for (const auto& [mark, item] : own.items) {
      for (const std::string& place : places_of(item.kind)) {
        EXPECT_TRUE(marks[place].contains(mark))
            << item.kind << " is not " << place << ": " << mark;
      }
    }
  }
  // Sub-spaces are those of the path, and no others.
  void expect_tree(const SpaceSegments& top) {
    SCOPED_TRACE(testing::PrintToString(top));
    const Space space = *store_.space(top);
    Found found;
    found.add_all("listed", space.observations().list({.limit = 1'000, .with_sub_spaces = true}));
    const auto hits = space.recall(
        {.text = "needle", .limit = 1'000, .as_of_us = 1'500, .with_sub_spaces = true});
    ASSERT_TRUE(hits) << hits.status().to_string();
    for (const RecallHit& hit : *hits) found.add("recalled then", hit.observation);
    std::map<std::string, std::set<std::string>> expected;
    for (const auto& [path, content] : model_) {
      if (!is_below(path, top)) continue;
      for (const auto& [mark, item] : content.items) {
        const auto& places = places_of(item.kind);
        for (const auto& [place, text] : found.texts()) {
          const bool is_there = std::find(places.begin(), places.end(), place) != places.end();
          if (is_there) expected[place].insert(mark);
        }
      }
    }
    for (const auto& [place, text] : found.texts()) EXPECT_EQ(marks_in(text), expected[place]);
  }
  // What is an id in one space is none in another.
  void expect_ids_apart() {
    for (const auto& [path, content] : model_) {
      const Space space = *store_.space(path);
      const auto observations = space.observations().list({.limit = 3});
      const auto runs = space.runs().list({.limit = 3});
      const auto records = space.records().list({.limit = 3});
      const auto artifacts = space.artifacts().list({.limit = 3});
      for (const SpaceSegments& other : paths_) {
        if (other == path) continue;
        const Space foreign = *store_.space(other);
        for (const Observation& one : *observations) {
          EXPECT_EQ(foreign.observations().get(one.id).status().code(), StatusCode::kNotFound);
          EXPECT_EQ(foreign.observations().forget(one.id).code(), StatusCode::kNotFound);
        }
        for (const RunInfo& one : *runs) {
          EXPECT_EQ(foreign.runs().get(one.id).status().code(), StatusCode::kNotFound);
        }
        for (const Record& one : *records) {
          EXPECT_EQ(foreign.records().get(one.id).status().code(), StatusCode::kNotFound);
        }
        for (const Artifact& one : *artifacts) {
          const auto found = foreign.artifacts().find_id(one.latest.id);
          EXPECT_EQ(found.status().code(), StatusCode::kNotFound);
        }
      }
    }
  }
  void expect_all_apart() {
    for (const SpaceSegments& path : paths_) {
      const Space space = *store_.space(path);
      expect_own(path, Readings<>(space).read_all());
      expect_tree(path);
    }
    expect_ids_apart();
    const SpaceSegments path = some_path();
    const Space space = *store_.space(path);
    Snapshot snapshot = std::move(*store_.snapshot());
    expect_own(path, Readings<Snapshot>(space, snapshot).read_all());
    Transaction transaction = std::move(*store_.begin());
    expect_own(path, Readings<Transaction>(space, transaction).read_all());
    transaction.abort();
  }

  // Keys and values of the whole store that hold a mark.
  std::vector<std::string> marked_rows() {
    std::vector<std::string> rows;
    Snapshot snapshot = std::move(*store_.snapshot());
    for (Cursor cursor = snapshot.scan({}); cursor.valid(); cursor.next()) {
      const std::string row = std::string(cursor.key()) + " = " + std::string(cursor.value());
      if (!marks_in(row).empty()) rows.push_back(row);
    }
    return rows;
  }
  void take_all_away() {
    for (auto& [path, content] : model_) {
      while (!content.items.empty() && !HasFailure()) take_away(path, content);
      const Space space = *store_.space(path);
      content.past.clear();
      const Status dropped = space.kv().drop_history(kHistory);
      EXPECT_TRUE(dropped || dropped.code() == StatusCode::kNotFound) << dropped.to_string();
      const auto told = [](const OutboxEntry&) { return Status::ok(); };
      expect_ok(space.outbox(kRecordOutbox).relay(told).status());
      expect_ok(space.observations().tier_step(kAllCold).status());
      expect_ok(space.observations().reindex().status());
    }
    for (const auto& [id, trashed] : bin_) expect_ok(spaces_.purge(id));
  }

  static constexpr TierOptions kAllCold{.warm_after_us = 0, .cold_after_us = 0};
  std::mt19937 random_{GetParam()};
  Store store_ = *Store::memory();
  Spaces spaces_{store_};
  const std::vector<Way> ways_ = all_ways();
  std::vector<SpaceSegments> paths_;
  std::map<SpaceSegments, Content> model_;
  std::map<uint64_t, std::pair<SpaceSegments, std::map<SpaceSegments, Content>>> bin_;
  int marks_ = 0;
};

TEST_P(IsolationFuzzTest, NothingIsFoundInAnotherSpaceOrWhenItIsGone) {
  for (int round = 0; round < 240 && !HasFailure(); ++round) {
    SCOPED_TRACE("step " + std::to_string(round));
    step();
    if (round % 60 == 59) expect_all_apart();
  }
  if (HasFailure()) return;
  take_all_away();
  expect_all_apart();
  EXPECT_EQ(marked_rows(), std::vector<std::string>());
}

INSTANTIATE_TEST_SUITE_P(Seeds, IsolationFuzzTest, testing::Range(1u, 7u));

}  // namespace
}  // namespace holdfast::isolation
