// Key-values and observations against plain models, by random calls.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "holdfast/kv.h"
#include "holdfast/observation.h"
#include "memory/map_access.h"
#include "memory/recall.h"

namespace holdfast::memory {
namespace {

using std::chrono::milliseconds;

class MemoryModelTest : public testing::TestWithParam<uint32_t> {
 protected:
  size_t below(size_t end) { return random_() % end; }
  std::shared_ptr<MapAccess> access() {
    return std::make_shared<MapAccess>(keys_, clock_, SpaceSegments{"a"});
  }

  std::mt19937 random_{GetParam()};
  search::MapKeyspace keys_;
  MapClock clock_;
};

// --- Key-values

class KvModelTest : public MemoryModelTest {
 protected:
  struct Value {
    std::string value;
    uint64_t version;
    int64_t expires_us;  // 0: never
  };
  Kv kv() { return Kv(access()); }
  std::string some_key() {
    static const std::vector<std::string> keys = {"a",  "a/b", std::string("a\0", 2),
                                                  "ab", "b",   "\xff"};
    return keys[below(keys.size())];
  }
  // nullptr: it has no value now.
  const Value* find(const std::string& key) const {
    const auto found = model_.find(key);
    const bool is_there = found != model_.end() && (found->second.expires_us == 0 ||
                                                    found->second.expires_us > clock_.now_us);
    return is_there ? &found->second : nullptr;
  }
  void put_some() {
    const std::string key = some_key();
    const Value* before = find(key);
    const uint64_t version = before != nullptr ? before->version : kKvNoVersion;
    KvPutOptions options;
    options.ttl = milliseconds(below(2) * below(50));
    if (below(3) == 0) options.if_version = version + below(2);
    const std::string value(below(20), static_cast<char>('a' + below(26)));
    const Status put = kv().put(key, value, options);
    const bool is_allowed = !options.if_version || options.if_version == version;
    EXPECT_EQ(put.code(), is_allowed ? StatusCode::kOk : StatusCode::kConditionFalse);
    if (!put) return;
    const int64_t ends_us = clock_.now_us + options.ttl.count() * 1000;
    model_[key] = {value, (*kv().find(key))->version, options.ttl.count() == 0 ? 0 : ends_us};
  }
  void expect_same() {
    KvListOptions options;
    options.prefix = below(2) == 0 ? "" : "a";
    options.limit = 1 + below(3);
    std::map<std::string, std::string> listed;
    while (true) {
      const auto page = kv().list(options);
      for (const KvEntry& entry : *page) {
        if (!entry.key.starts_with("json/")) listed[entry.key] = entry.value;
      }
      if (page->empty()) break;
      options.after = page->back().key;
    }
    std::map<std::string, std::string> expected;
    for (const auto& [key, value] : model_) {
      const Value* there = find(key);
      EXPECT_EQ(*kv().get(key),
                there != nullptr ? std::optional<std::string>(there->value) : std::nullopt);
      if (there != nullptr && key.starts_with(options.prefix)) expected[key] = there->value;
    }
    EXPECT_EQ(listed, expected);
  }

  // Some writes in one commit, or, where a condition of one does not hold, none of them.
  void apply_some() {
    std::vector<KvWrite> batch;
    auto next = model_;
    bool may = true;
    for (size_t i = 1 + below(4); i > 0; --i) {
      KvWrite write{.key = some_key(), .value = std::to_string(below(100))};
      if (below(3) == 0) write.value.reset();
      const Value* before = find(write.key);
      const bool is_first = std::none_of(batch.begin(), batch.end(),
                                         [&](const KvWrite& one) { return one.key == write.key; });
      if (is_first && below(4) == 0) {
        const bool holds = below(4) > 0;
        const uint64_t version = before != nullptr ? before->version : kKvNoVersion;
        write.options.if_version = holds ? version : version + 1;
        may = may && holds;
      }
      next.erase(write.key);
      if (write.value) next[write.key] = {*write.value, 0, 0};
      batch.push_back(std::move(write));
    }
    const auto before = keys_.entries;
    const Status applied = kv().apply(batch);
    ASSERT_EQ(applied.code(), may ? StatusCode::kOk : StatusCode::kConditionFalse);
    if (!may) {
      EXPECT_EQ(keys_.entries, before) << "a part of it was done";
      return;
    }
    model_ = std::move(next);
    for (const KvWrite& write : batch) {
      if (model_.contains(write.key)) model_[write.key].version = (*kv().find(write.key))->version;
    }
  }
  // Members of JSON objects under keys of their own.
  void merge_some() {
    const std::string key = "json/" + std::to_string(below(3));
    const std::string member = "m" + std::to_string(below(4));
    const bool removes = below(3) == 0;
    const std::string value = removes ? "null" : std::to_string(below(100));
    ASSERT_TRUE(kv().merge_json(key, "{\"" + member + "\":" + value + "}"));
    if (removes) {
      objects_[key].erase(member);
    } else {
      objects_[key][member] = value;
    }
    for (size_t i = 0; i < 4; ++i) {
      const std::string name = "m" + std::to_string(i);
      const auto found = objects_[key].find(name);
      const auto expected =
          found == objects_[key].end() ? std::nullopt : std::optional(found->second);
      EXPECT_EQ(*kv().get_json(key, "/" + name), expected);
    }
  }
  void count_some() {
    const std::string name = some_key();
    if (below(6) == 0) {
      ASSERT_TRUE(kv().remove_counter(name));
      counters_.erase(name);
    } else {
      const auto delta = static_cast<int64_t>(below(200)) - 100;
      ASSERT_TRUE(kv().add(name, delta));
      counters_[name] += delta;
    }
    EXPECT_EQ(*kv().count(name), counters_.contains(name) ? counters_[name] : 0);
    std::map<std::string, int64_t> listed;
    const auto all = kv().counters();
    for (const KvEntry& entry : *all) listed[entry.key] = std::stoll(entry.value);
    EXPECT_EQ(listed, counters_);
  }

  std::map<std::string, Value> model_;
  std::map<std::string, std::map<std::string, std::string>> objects_;
  std::map<std::string, int64_t> counters_;
};

TEST_P(KvModelTest, BehavesAsAMapWithVersionsAndEnds) {
  for (int step = 0; step < 300; ++step) {
    const size_t choice = below(11);
    if (choice < 4) put_some();
    if (choice == 4) {
      const std::string key = some_key();
      EXPECT_TRUE(kv().del(key));
      model_.erase(key);
    }
    if (choice == 5) {
      EXPECT_TRUE(kv().sweep(1 + below(3)));
    }
    if (choice == 6 || choice == 7) clock_.now_us += static_cast<int64_t>(below(20'000));
    if (choice == 8) apply_some();
    if (choice == 9) merge_some();
    if (choice == 10) count_some();
    if (HasFatalFailure()) return;
    expect_same();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, KvModelTest, testing::Range(1u, 5u));

// --- Observations

class ObservationModelTest : public MemoryModelTest {
 protected:
  struct Known {
    std::string word;  // of its content; no other has it
    std::string kind;
    std::set<std::string> tags;
    bool is_forgotten = false;
    std::vector<std::string> words_before;  // of its history
    uint64_t reinforced[3] = {};            // by kind of Reinforcement
    int64_t renewed_us = 0;
  };
  using Model = std::map<std::string, Known, std::greater<>>;  // newest first
  Observations observations() { return Observations(access()); }
  // Letters only, so that no other word has a part of it.
  std::string new_word() {
    std::string word = "xq";
    for (const char digit : std::to_string(++words_)) word += "bcdfghjkmp"[digit - '0'];
    return word;
  }
  std::string some_kind() { return "kind" + std::to_string(below(3)); }
  std::vector<std::string> some_tags() {
    std::vector<std::string> tags;
    for (const char* tag : {"t0", "t1", "t2"}) {
      if (below(2) == 0) tags.push_back(tag);
    }
    return tags;
  }
  Model::iterator some() {
    return std::next(model_.begin(), static_cast<ptrdiff_t>(below(model_.size())));
  }

  void add() {
    clock_.now_us += 1'000;
    Known known{new_word(), some_kind(), {}, false, {}, {}, clock_.now_us};
    const auto tags = some_tags();
    known.tags = {tags.begin(), tags.end()};
    const auto id =
        observations().add({.content = "common " + known.word, .kind = known.kind, .tags = tags});
    ASSERT_TRUE(id) << id.status().to_string();
    model_[*id] = known;
  }
  void edit() {
    auto& [id, known] = *some();
    const std::string word = new_word();
    const std::string kind = some_kind();
    const auto tags = some_tags();
    const auto edited =
        observations().edit(id, {.content = "common " + word, .kind = kind, .tags = tags});
    EXPECT_EQ(edited.is_ok(), !known.is_forgotten);
    if (!edited) return;
    known.words_before.push_back(std::exchange(known.word, word));
    known.kind = kind;
    known.tags = {tags.begin(), tags.end()};
  }
  void forget_or_restore() {
    auto& [id, known] = *some();
    if (below(2) == 0) {
      EXPECT_TRUE(observations().forget(id));
      known.is_forgotten = true;
    } else {
      EXPECT_EQ(observations().restore(id).is_ok(), known.is_forgotten);
      known.is_forgotten = false;
    }
  }
  // Several at once, or, where one of them is forgotten, none.
  void reinforce() {
    clock_.now_us += 1'000;
    std::set<std::string> ids;
    for (size_t i = 1 + below(3); i > 0; --i) ids.insert(some()->first);
    const bool may = std::none_of(ids.begin(), ids.end(),
                                  [&](const auto& id) { return model_[id].is_forgotten; });
    const auto kind = static_cast<Reinforcement>(below(3));
    const std::vector<std::string> several(ids.begin(), ids.end());
    ASSERT_EQ(observations().reinforce(several, kind).is_ok(), may);
    for (const std::string& id : ids) {
      if (!may) break;
      ++model_[id].reinforced[static_cast<size_t>(kind)];
      if (kind != Reinforcement::contradiction) model_[id].renewed_us = clock_.now_us;
    }
  }
  void expect_strength(const std::string& id, const Known& known) {
    const auto strength = observations().strength(id);
    ASSERT_TRUE(strength) << strength.status().to_string();
    const auto& [accesses, confirmations, contradictions] = known.reinforced;
    EXPECT_EQ(strength->accesses, accesses);
    EXPECT_EQ(strength->confirmations, confirmations);
    EXPECT_EQ(strength->contradictions, contradictions);
    EXPECT_EQ(strength->renewed_us, known.renewed_us);
    const auto in_favour = static_cast<double>(1 + confirmations);
    EXPECT_DOUBLE_EQ(strength->confidence,
                     in_favour / static_cast<double>(2 + confirmations + contradictions));
  }
  void remove() {
    const auto one = some();
    gone_.push_back(one->second.word);
    EXPECT_TRUE(observations().remove(one->first));
    EXPECT_EQ(observations().get(one->first).status().code(), StatusCode::kNotFound);
    model_.erase(one);
  }
  void purge() {
    clock_.now_us += 1'000;
    size_t expected = 0;
    for (auto one = model_.begin(); one != model_.end();) {
      expected += one->second.is_forgotten;
      one = one->second.is_forgotten ? model_.erase(one) : std::next(one);
    }
    EXPECT_EQ(*observations().purge(clock_.now_us), expected);
  }

  template <typename Wanted>
  void expect_list(ObservationListOptions options, const Wanted& is_wanted) {
    options.limit = kObservationListLimitMax;
    std::vector<std::string> expected;
    for (const auto& [id, known] : model_) {
      if (is_wanted(known)) expected.push_back(id);
    }
    std::vector<std::string> listed;
    const auto list = observations().list(options);
    ASSERT_TRUE(list) << list.status().to_string();
    for (const Observation& one : *list) listed.push_back(one.id);
    EXPECT_EQ(listed, expected);
  }
  size_t found(const std::string& word) {
    MapAccess view(keys_, clock_, {"a"});
    const auto hits = recall(view, {.text = word, .as_typed = true});
    return hits ? hits->size() : SIZE_MAX;
  }
  void expect_same() {
    const std::string kind = some_kind();
    expect_list({}, [](const Known& one) { return !one.is_forgotten; });
    expect_list({.kind = kind},
                [&](const Known& one) { return !one.is_forgotten && one.kind == kind; });
    expect_list({.tags = {"t1"}},
                [](const Known& one) { return !one.is_forgotten && one.tags.contains("t1"); });
    expect_list({.where = "NOT tag = t0 AND kind != " + kind}, [&](const Known& one) {
      return !one.is_forgotten && !one.tags.contains("t0") && one.kind != kind;
    });
    EXPECT_EQ(*observations().count(),
              static_cast<size_t>(std::count_if(model_.begin(), model_.end(), [](const auto& one) {
                return !one.second.is_forgotten;
              })));
    if (!gone_.empty()) {
      EXPECT_EQ(found(gone_[below(gone_.size())]), 0u) << "a ghost";
    }
    if (model_.empty()) return;
    const auto& [id, known] = *some();
    EXPECT_EQ(found(known.word), known.is_forgotten ? 0u : 1u);
    expect_strength(id, known);
    const auto history = observations().history(id);
    ASSERT_EQ(history->size(), known.words_before.size());
    for (size_t i = 0; i < history->size(); ++i) {
      EXPECT_EQ((*history)[i].content, "common " + known.words_before[i]);
      EXPECT_EQ(found(known.words_before[i]), 0u) << "what it does not say any more";
    }
  }

  size_t words_ = 0;
  Model model_;
  std::vector<std::string> gone_;
};

TEST_P(ObservationModelTest, ListsSearchAndHistoryAreThoseOfAPlainMap) {
  for (int step = 0; step < 200 && !HasFatalFailure(); ++step) {
    const size_t choice = model_.empty() ? 0 : below(12);
    if (choice < 4) add();
    if (choice == 4 || choice == 5) edit();
    if (choice == 6 || choice == 7) forget_or_restore();
    if (choice == 8) remove();
    if (choice == 9 && below(4) == 0) purge();
    if (choice > 9) reinforce();
    expect_same();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ObservationModelTest, testing::Range(1u, 5u));

}  // namespace
}  // namespace holdfast::memory
