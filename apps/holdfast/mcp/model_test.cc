// Random calls of the tools, through the dispatch of servers, against a model of plain maps: two
// servers of one space take turns, and a third, of another space, sees nothing of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "mcp/memory_tools.h"
#include "mcp/server.h"
#include "mcp/work_tools.h"
#include "support/temporary_directory.h"

namespace holdfast::mcp {
namespace {

// No two begin alike, so none is taken for another misspelt; none has an ending to be cut off.
constexpr const char* kModelWords[] = {"alkor", "bromup", "clivag", "drunta", "elphox", "fjorm"};
constexpr const char* kModelTags[] = {"gnolt", "hraxid"};
constexpr const char* kModelKinds[] = {"note", "fact"};
constexpr size_t kTokensMany = 100'000;

class ServedSpace {
 public:
  ServedSpace(const std::string& store, const std::string& space)
      : options_{.store = store, .space = space} {
    add_memory_tools(catalogue_, memory_);
    add_history_tool(catalogue_, memory_);
    add_value_tool(catalogue_, memory_);
    add_status_tool(catalogue_, memory_);
  }
  cli::Context& context() { return context_; }

  // What the tool answers; null: it says that it failed.
  Json call(const std::string& tool, Json arguments) {
    const Json params = {{"name", tool}, {"arguments", std::move(arguments)}};
    const Message message{Message::Kind::kRequest, ++requests_, "tools/call", params, Json()};
    const auto answer = server_.handle(session_, message, [](const Json&) { return true; });
    EXPECT_TRUE(answer && (*answer)["id"] == requests_ && answer->contains("result")) << params;
    if (!answer || !answer->contains("result")) return nullptr;
    const Json& result = (*answer)["result"];
    return result.value("isError", false) ? Json() : result["structuredContent"];
  }

 private:
  cli::GlobalOptions options_;
  cli::Context context_{options_, *cli::Surroundings::of_process()};
  Memory memory_{context_};
  Catalogue catalogue_;
  Server server_{catalogue_};
  Session session_;
  int requests_ = 0;
};

struct Remembered {
  Json arguments;  // as they were given
  std::set<std::string> words = {};
};

class ToolModelTest : public testing::TestWithParam<unsigned> {
 protected:
  ToolModelTest() { EXPECT_TRUE(one_.context().make_store(directory_.path_of("store"))); }

  size_t below(size_t end) { return random_() % end; }
  template <typename Container>
  std::string one_of(const Container& container) {
    return container[below(std::size(container))];
  }
  ServedSpace& any() { return below(2) == 0 ? one_ : other_; }
  // Of one that is there or, at times, was; an id that never was where there is none.
  std::string some_id() {
    if (given_.empty() || below(20) == 0) return "01a1fcff-1615-7b1a-8a1c-407cd047e4c1";
    return given_[below(given_.size())];
  }
  std::map<std::string, std::string> labels() {
    std::map<std::string, std::string> labels;
    if (below(2) == 0) labels["kind"] = one_of(kModelKinds);
    if (below(3) == 0) labels["session"] = "s" + std::to_string(below(2));
    if (below(3) == 0) labels["source"] = "tool:" + std::to_string(below(2));
    return labels;
  }

  void remember();
  void forget();
  void show();
  void recall();
  void list();
  void change_value();
  void list_values();
  void step();
  bool fits(const Remembered& one, const Json& filters) const;

  TemporaryDirectory directory_;
  ServedSpace one_{directory_.path_of("store"), "model"};
  ServedSpace other_{directory_.path_of("store"), "model"};
  ServedSpace elsewhere_{directory_.path_of("store"), "elsewhere"};
  std::mt19937 random_{GetParam()};
  std::map<std::string, Remembered> remembered_;  // by id
  std::map<std::string, std::string> keys_;       // idempotency key to id
  std::vector<std::string> given_;                // all ids there ever were
  std::map<std::string, std::string> values_;
};

void ToolModelTest::remember() {
  Remembered made;
  std::string content;
  for (size_t i = 1 + below(4); i > 0; --i) {
    const std::string word = one_of(kModelWords);
    made.words.insert(word);
    content += word + (below(5) == 0 ? ", " : " ");
  }
  made.arguments = labels();
  made.arguments["content"] = content;
  if (below(4) == 0) {
    const std::string tag = one_of(kModelTags);
    made.words.insert(tag);
    made.arguments["tags"] = {tag};
  }
  if (below(4) == 0) {
    const std::string title = one_of(kModelWords);
    made.words.insert(title);
    made.arguments["title"] = title;
  }
  if (below(5) == 0) made.arguments["key"] = "key" + std::to_string(below(4));
  const std::string key = made.arguments.value("key", "");
  const Json said = any().call("remember", made.arguments);
  ASSERT_FALSE(said.is_null());
  const std::string id = said["id"];
  const auto known = keys_.find(key);
  ASSERT_EQ(said["existed"], known != keys_.end());
  if (known != keys_.end()) {
    ASSERT_EQ(id, known->second);
    return;
  }
  ASSERT_TRUE(remembered_.emplace(id, std::move(made)).second) << "an id came twice";
  given_.push_back(id);
  if (!key.empty()) keys_[key] = id;
}

void ToolModelTest::forget() {
  const std::string id = some_id();
  const Json said = any().call("forget", {{"id", id}});
  const auto known = remembered_.find(id);
  ASSERT_EQ(said.is_null(), known == remembered_.end());
  if (known == remembered_.end()) return;
  ASSERT_EQ(said["forgotten"], id);
  keys_.erase(known->second.arguments.value("key", ""));
  remembered_.erase(known);
}

void ToolModelTest::show() {
  const std::set<std::string> ids = {some_id(), some_id()};
  size_t there = 0;
  for (const std::string& id : ids) there += remembered_.count(id);
  const Json said = any().call("show", {{"ids", ids}, {"max_tokens", kTokensMany}});
  ASSERT_EQ(said.is_null(), there == 0);
  if (there == 0) return;
  ASSERT_EQ(said["observations"].size(), there);
  ASSERT_EQ(said["failed"].size(), ids.size() - there);
  for (const Json& shown : said["observations"]) {
    const Json& given = remembered_.at(shown["id"]).arguments;
    for (const auto& [name, value] : given.items()) ASSERT_EQ(shown[name], value) << name;
  }
}

bool ToolModelTest::fits(const Remembered& one, const Json& filters) const {
  for (const auto& [name, value] : filters.items()) {
    if (one.arguments.value(name, Json()) != value) return false;
  }
  return true;
}

void ToolModelTest::recall() {
  Json arguments = labels();
  if (below(4) == 0) arguments["tags"] = {one_of(kModelTags)};
  const Json filters = arguments;
  std::set<std::string> words;
  for (size_t i = 1 + below(3); i > 0; --i) {
    words.insert(below(8) == 0 ? one_of(kModelTags) : one_of(kModelWords));
  }
  const bool needs_all = below(3) == 0;
  std::string query;
  for (const std::string& word : words) query += (needs_all ? "+" : "") + word + " ";
  std::set<std::string> expected;
  for (const auto& [id, one] : remembered_) {
    size_t found = 0;
    for (const std::string& word : words) found += one.words.count(word);
    if (found < (needs_all ? words.size() : 1) || !fits(one, filters)) continue;
    expected.insert(id);
  }
  const size_t limit = below(3) == 0 ? 1 + below(5) : 100;
  arguments.update({{"query", query}, {"limit", limit}, {"max_tokens", kTokensMany}});
  const Json said = any().call("recall", arguments);
  ASSERT_FALSE(said.is_null()) << arguments;
  ASSERT_EQ(said["omitted"], 0);
  ASSERT_EQ(said["hits"].size(), std::min(limit, expected.size())) << arguments;
  std::set<std::string> found;
  double before = 1e9;
  for (const Json& hit : said["hits"]) {
    ASSERT_TRUE(expected.contains(hit["id"])) << arguments << hit;
    ASSERT_TRUE(found.insert(hit["id"]).second) << "twice";
    ASSERT_LE(hit["score"], before);
    before = hit["score"];
  }
}

// All of them, the newest first, by pages.
void ToolModelTest::list() {
  std::vector<std::string> expected;
  for (auto at = remembered_.rbegin(); at != remembered_.rend(); ++at) {
    expected.push_back(at->first);
  }
  std::vector<std::string> found;
  Json arguments = {{"action", "recent"}, {"limit", 7}, {"max_tokens", kTokensMany}};
  while (true) {
    const Json said = any().call("history", arguments);
    ASSERT_FALSE(said.is_null());
    for (const Json& entry : said["entries"]) found.push_back(entry["id"]);
    if (!said["more"] || found.size() > expected.size()) break;
    arguments["after"] = said["next"];
  }
  ASSERT_EQ(found, expected);
  ASSERT_EQ(any().call("status", Json::object())["observations"], expected.size());
}

void ToolModelTest::change_value() {
  const std::string key = "k/" + std::to_string(below(6));
  const auto known = values_.find(key);
  if (below(3) == 0) {
    const Json said = any().call("value", {{"action", "get"}, {"key", key}});
    ASSERT_EQ(said["found"], known != values_.end());
    if (known != values_.end()) {
      ASSERT_EQ(said["value"], known->second);
    }
  } else if (below(3) == 0) {
    ASSERT_FALSE(any().call("value", {{"action", "delete"}, {"key", key}}).is_null());
    values_.erase(key);
  } else {
    const std::string value = std::to_string(random_());
    ASSERT_EQ(any().call("value", {{"action", "set"}, {"key", key}, {"value", value}})["key"], key);
    values_[key] = value;
  }
}

void ToolModelTest::list_values() {
  std::map<std::string, std::string> found;
  const Json said = any().call("value", {{"action", "list"}, {"prefix", "k/"}});
  for (const Json& entry : said["entries"]) found[entry["key"]] = entry["value"];
  ASSERT_EQ(found, values_);
}

void ToolModelTest::step() {
  const size_t chance = below(100);
  if (chance < 40) return remember();
  if (chance < 50) return forget();
  if (chance < 57) return show();
  if (chance < 80) return recall();
  if (chance < 83) return list();
  return chance < 97 ? change_value() : list_values();
}

TEST_P(ToolModelTest, AnswersAsPlainMapsDo) {
  constexpr int kSteps = 500;
  for (int i = 0; i < kSteps; ++i) {
    ASSERT_NO_FATAL_FAILURE(step()) << "step " << i << " of seed " << GetParam();
  }
  ASSERT_NO_FATAL_FAILURE(list());
  EXPECT_EQ(elsewhere_.call("status", Json::object())["observations"], 0);
  EXPECT_EQ(elsewhere_.call("recall", {{"query", "alkor bromup gnolt"}})["hits"].size(), 0u);
  EXPECT_EQ(elsewhere_.call("value", {{"action", "list"}})["entries"].size(), 0u);
  for (const auto& [id, one] : remembered_) {
    EXPECT_TRUE(elsewhere_.call("show", {{"ids", {id}}}).is_null());
    EXPECT_TRUE(elsewhere_.call("forget", {{"id", id}}).is_null());
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ToolModelTest, testing::Range(1u, 5u));

}  // namespace
}  // namespace holdfast::mcp
