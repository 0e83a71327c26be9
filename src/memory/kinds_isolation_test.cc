// Nothing of one space, or of one name in it, is returned in another, by any way of reading: every
// kind is filled under names that are prefixes of each other, or hold bytes that separate keys.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "holdfast/artifact.h"
#include "holdfast/cache.h"
#include "holdfast/claim.h"
#include "holdfast/event.h"
#include "holdfast/inbox.h"
#include "holdfast/kv.h"
#include "holdfast/link.h"
#include "holdfast/message.h"
#include "holdfast/observation.h"
#include "holdfast/outbox.h"
#include "holdfast/presence.h"
#include "holdfast/queue.h"
#include "holdfast/record.h"
#include "holdfast/registry.h"
#include "holdfast/run.h"
#include "memory/map_access.h"
#include "memory/recall.h"

namespace holdfast::memory {
namespace {

using std::chrono::milliseconds;

const std::vector<SpaceSegments>& hostile_spaces() {
  static const std::vector<SpaceSegments> spaces = {
      {"acme"},    {"acme-corp"},    {"acme", "corp"},           {"acme/corp"},
      {"acm"},     {"acme", "\x01"}, {std::string("acme\0", 5)}, {std::string("\0\x01", 2)},
      {"\xc3\xbf"}};
  return spaces;
}

const std::vector<std::string>& hostile_names() {
  static const std::vector<std::string> names = {
      "a", "aa", "a/b", "A", std::string("a\0", 2), std::string("a\0\x01", 3), "a\x01", "\xc3\xbf"};
  return names;
}

class KindsIsolationTest : public testing::Test {
 protected:
  static constexpr const char* kShared = "{\"shared\":1}";
  // What is kept under a name of a space says which.
  static std::string mark_of(size_t space, size_t name) {
    return std::to_string(space) + ":" + std::to_string(name);
  }
  std::shared_ptr<MapAccess> access(size_t space) {
    return std::make_shared<MapAccess>(keys_, clock_, hostile_spaces()[space]);
  }
  void for_each(const std::function<void(size_t space, size_t name)>& visit) {
    for (size_t space = 0; space < hostile_spaces().size(); ++space) {
      for (size_t name = 0; name < hostile_names().size(); ++name) visit(space, name);
    }
  }
  // Links have no zero bytes in their names.
  static std::string without_zero(std::string name) {
    for (char& c : name) c = c == '\0' ? '0' : c;
    return name;
  }
  void fill(size_t space, size_t name) {
    const std::string& text = hostile_names()[name];
    const std::string mark = mark_of(space, name);
    ASSERT_TRUE(Kv(access(space)).put(text, mark));
    ASSERT_TRUE(Claims(access(space)).take(text, {.purpose = mark}));
    ASSERT_TRUE(Queue(access(space), text).push({.payload = mark, .key = text}));
    ASSERT_TRUE(Events(access(space)).stream(text).append({.data = mark}));
    ASSERT_TRUE(Events(access(space)).stream(text).seek(text, 1));
    const std::string end = without_zero(text);
    ASSERT_TRUE(
        Links(access(space)).put({.from = end, .type = end, .to = "t" + end, .data = mark}));
    for (const std::string& key : hostile_names()) {
      ASSERT_TRUE(Cache(access(space), text).put(key, mark, {.tags = {key}}));
    }
    ASSERT_TRUE(Inbox(access(space), text).mark(text, mark));
    ASSERT_TRUE(Outbox(access(space), text).add(text, mark));
    ASSERT_TRUE(Messages(access(space)).send({.to = text, .body = mark}));
    ASSERT_TRUE(Presence(access(space)).enter({.agent = mark}));
    const Artifacts artifacts(access(space));
    ASSERT_TRUE(artifacts.put({.name = end, .metadata = kShared, .aliases = {end}}, mark));
    ASSERT_TRUE(artifacts.sign(end, end, SigningKey{}));
    const Registry registry(access(space));
    ASSERT_TRUE(registry.put({.kind = end, .name = end, .body = mark, .publish = true}));
    ASSERT_TRUE(registry.take(end, end));
    ASSERT_TRUE(Records(access(space)).add({.title = mark, .fields = {{"text", text}}}));
    ASSERT_TRUE(Observations(access(space)).add(observation_of(space, name)));
    const Runs runs(access(space));
    const auto run = runs.start({.name = text, .key = text});
    ASSERT_TRUE(run);
    ASSERT_TRUE(runs.begin(run->id, {.key = text, .input = "\"" + mark + "\""}));
    ASSERT_TRUE(runs.open_gate(run->id, {.name = text, .prompt = mark}));
  }
  // All labels are the hostile name; the same words and nearly the same vector in all spaces.
  static NewObservation observation_of(size_t space, size_t name) {
    const std::string& text = hostile_names()[name];
    const auto turn = static_cast<float>(space * hostile_names().size() + name);
    return {.content = "needle in " + mark_of(space, name),
            .title = mark_of(space, name),
            .source = text,
            .kind = text,
            .session = text,
            .run = text,
            .tags = {text, "all"},
            .metadata = kShared,
            .embedding = Embedding{"m", "1", {1, turn / 1000}},
            .key = text};
  }
  // Of those that are marked, only ones of this space; all of its names, or the one.
  void expect_own(size_t space, std::optional<size_t> name,
                  const Result<std::vector<Observation>>& found) {
    ASSERT_TRUE(found) << found.status().to_string();
    std::vector<std::string> titles;
    for (const Observation& one : *found) titles.push_back(one.title.value_or(""));
    std::vector<std::string> expected;
    for (size_t i = 0; i < hostile_names().size(); ++i) {
      if (!name || *name == i) expected.push_back(mark_of(space, i));
    }
    EXPECT_THAT(titles, testing::UnorderedElementsAreArray(expected));
  }
  Result<std::vector<Observation>> recalled(size_t space, const RecallQuery& query) {
    MapAccess view(keys_, clock_, hostile_spaces()[space]);
    HOLDFAST_ASSIGN(const auto hits, recall(view, query));
    std::vector<Observation> found;
    for (const RecallHit& hit : hits) found.push_back(hit.observation);
    return found;
  }
  void expect_own_observations(size_t space, size_t name) {
    const Observations observations(access(space));
    const std::string& text = hostile_names()[name];
    // Records are observations, too; these have another kind.
    const MetadataMember shared("shared", "1");
    expect_own(space, std::nullopt, observations.list({.metadata = shared}));
    expect_own(space, std::nullopt, observations.list({.newest_first = false, .tags = {"all"}}));
    expect_own(space, std::nullopt, observations.list({.where = "metadata.shared = 1"}));
    expect_own(space, name, observations.list({.kind = text}));
    expect_own(space, name, observations.list({.source = text}));
    expect_own(space, name, observations.list({.session = text}));
    expect_own(space, name, observations.list({.run = text}));
    expect_own(space, name, observations.list({.tags = {text}}));
    expect_own(space, std::nullopt, recalled(space, {.text = "needle", .limit = 1000}));
    expect_own(space, name, recalled(space, {.text = "needle", .limit = 1000, .kind = text}));
    expect_own(space, name, recalled(space, {.text = "needle", .limit = 1000, .tags = {text}}));
    RecallQuery near{.limit = 1000, .vector = RecallVector{.values = {1, 0}}};
    expect_own(space, std::nullopt, recalled(space, near));
    near.text = "needle";
    expect_own(space, std::nullopt, recalled(space, near));
  }
  void expect_own_runs(size_t space, size_t name) {
    const Runs runs(access(space));
    const std::string& text = hostile_names()[name];
    EXPECT_EQ(runs.list()->size(), hostile_names().size());
    const auto run = runs.start({.name = text, .key = text});
    EXPECT_TRUE(run->existed);
    EXPECT_EQ(runs.step(run->id, text)->input, "\"" + mark_of(space, name) + "\"");
    EXPECT_EQ(runs.steps(run->id)->size(), 1u);
    EXPECT_EQ(runs.gate(run->id, text)->prompt, mark_of(space, name));
    for (size_t other = 0; other < hostile_spaces().size(); ++other) {
      EXPECT_EQ(Runs(access(other)).get(run->id).is_ok(), other == space);
    }
  }
  void expect_own_learning(size_t space, size_t name) {
    const std::string text = without_zero(hostile_names()[name]);
    const Registry registry(access(space));
    EXPECT_EQ(registry.list()->size(), hostile_names().size());
    EXPECT_EQ(registry.list({.kind = text})->size(), 1u);
    EXPECT_EQ(registry.get(text, text)->body, mark_of(space, name));
    EXPECT_EQ(registry.versions(text, text)->size(), 1u);
    EXPECT_EQ(registry.publications(text, text)->size(), 1u);
    EXPECT_EQ(registry.uses(text, text)->at(1), 1u);
    const auto records = Records(access(space)).list();
    EXPECT_EQ(records->size(), hostile_names().size());
    for (const Record& record : *records) {
      EXPECT_EQ(record.title.substr(0, record.title.find(':')), std::to_string(space));
    }
  }
  void expect_own_artifacts(size_t space, size_t name) {
    const Artifacts artifacts(access(space));
    const std::string text = without_zero(hostile_names()[name]);
    EXPECT_EQ(*artifacts.get(text), mark_of(space, name));
    EXPECT_EQ(artifacts.list()->size(), hostile_names().size());
    EXPECT_EQ(artifacts.versions(text)->size(), 1u);
    EXPECT_EQ(artifacts.show(text)->aliases.size(), 1u);
    EXPECT_EQ(artifacts.signatures(text, text)->size(), 1u);
    EXPECT_EQ(artifacts.query({.metadata = {{"shared", "1"}}})->size(), hostile_names().size());
    EXPECT_EQ(artifacts.query({.content = ArtifactContent(mark_of(space, name)).ref()})->size(),
              1u);
    for (size_t other = 0; other < hostile_spaces().size(); ++other) {
      const auto id = Artifacts(access(other)).find(text)->id;
      EXPECT_EQ(artifacts.find_id(id).is_ok(), other == space);
    }
  }
  void expect_own_jobs(size_t space, size_t name) {
    const Queue queue(access(space), hostile_names()[name]);
    const auto jobs = queue.list({});
    ASSERT_EQ(jobs->size(), 1u);
    EXPECT_EQ(queue.get(jobs->front().job.id)->job.payload, mark_of(space, name));
    EXPECT_EQ(queue.stats()->ready, 1u);
  }
  void expect_own_events(size_t space, size_t name) {
    const Events events(access(space));
    EXPECT_EQ(events.list()->size(), hostile_names().size());
    const EventStream stream = events.stream(hostile_names()[name]);
    const auto page = stream.read();
    ASSERT_EQ(page->events.size(), 1u);
    EXPECT_EQ(page->events[0].data, mark_of(space, name));
    EXPECT_EQ(stream.consumers()->size(), 1u);
    EXPECT_EQ(stream.verify()->events, 1u);
    EXPECT_EQ(stream.tail(1)->wait(milliseconds(0))->events.size(), 1u);
  }
  void expect_own_links(size_t space, size_t name) {
    const Links links(access(space));
    const std::string end = without_zero(hostile_names()[name]);
    const auto of = links.of(end);
    for (const Link& link : *of) EXPECT_EQ(link.from, end);
    const auto in = links.of("t" + end, {.filter = {.direction = LinkDirection::in}});
    ASSERT_EQ(in->size(), 1u);
    const auto link = links.get(end, end, "t" + end);
    ASSERT_TRUE(*link);
    EXPECT_EQ((*link)->data, mark_of(space, name));
    EXPECT_EQ(links.walk(end)->ends.size(), 1u);
    EXPECT_EQ(links.list()->size(), hostile_names().size());
  }
  void expect_own_cache(size_t space, size_t name) {
    const Cache cache(access(space), hostile_names()[name]);
    EXPECT_EQ(cache.list()->size(), hostile_names().size());
    EXPECT_EQ(cache.stats()->entries, hostile_names().size());
    for (const std::string& key : hostile_names()) {
      EXPECT_EQ(**cache.get(key), mark_of(space, name));
    }
  }
  void expect_own_mail(size_t space, size_t name) {
    const std::string& text = hostile_names()[name];
    const std::string mark = mark_of(space, name);
    const Inbox inbox(access(space), text);
    EXPECT_EQ(inbox.list()->size(), 1u);
    EXPECT_EQ((*inbox.find(text))->note, mark);
    const auto waiting = Outbox(access(space), text).waiting();
    ASSERT_EQ(waiting->size(), 1u);
    EXPECT_EQ(waiting->front().payload, mark);
    const Messages messages(access(space));
    EXPECT_EQ(messages.list()->size(), hostile_names().size());
    const auto peeked = messages.peek(text);
    ASSERT_EQ(peeked->size(), 1u);
    EXPECT_EQ(peeked->front().body, mark);
    const auto present = Presence(access(space)).list();
    EXPECT_EQ(present->size(), hostile_names().size());
    for (const Present& who : *present) {
      EXPECT_EQ(who.occupation.agent.substr(0, who.occupation.agent.find(':')),
                std::to_string(space));
    }
  }
  void expect_own_claims(size_t space, size_t name) {
    const Claims claims(access(space));
    EXPECT_EQ(claims.list()->size(), hostile_names().size());
    const auto holders = claims.holders(hostile_names()[name]);
    ASSERT_EQ(holders->size(), 1u);
    EXPECT_EQ(holders->front().purpose, mark_of(space, name));
    EXPECT_EQ(**Kv(access(space)).get(hostile_names()[name]), mark_of(space, name));
  }

  search::MapKeyspace keys_;
  MapClock clock_;
};

TEST_F(KindsIsolationTest, NoWayOfReadingReturnsWhatIsAnothers) {
  for_each([&](size_t space, size_t name) { fill(space, name); });
  for_each([&](size_t space, size_t name) {
    SCOPED_TRACE(mark_of(space, name));
    expect_own_claims(space, name);
    expect_own_jobs(space, name);
    expect_own_events(space, name);
    expect_own_links(space, name);
    expect_own_cache(space, name);
    expect_own_mail(space, name);
    expect_own_artifacts(space, name);
    expect_own_learning(space, name);
    expect_own_observations(space, name);
    expect_own_runs(space, name);
  });
}

TEST_F(KindsIsolationTest, SubSpacesAreThoseOfThePathAndNoOthers) {
  for (size_t space = 0; space < hostile_spaces().size(); ++space) {
    ASSERT_TRUE(Observations(access(space)).add(observation_of(space, 0)));
  }
  for (size_t top = 0; top < hostile_spaces().size(); ++top) {
    std::vector<std::string> expected;
    for (size_t space = 0; space < hostile_spaces().size(); ++space) {
      const SpaceSegments& above = hostile_spaces()[top];
      const SpaceSegments& path = hostile_spaces()[space];
      const bool is_below =
          path.size() >= above.size() && std::equal(above.begin(), above.end(), path.begin());
      if (is_below) expected.push_back(mark_of(space, 0));
    }
    const auto listed = Observations(access(top)).list({.with_sub_spaces = true});
    const auto hits = recalled(top, {.text = "needle", .limit = 1000, .with_sub_spaces = true});
    for (const auto* found : {&listed, &hits}) {
      std::vector<std::string> titles;
      for (const Observation& one : **found) titles.push_back(*one.title);
      EXPECT_THAT(titles, testing::UnorderedElementsAreArray(expected));
    }
  }
}

TEST_F(KindsIsolationTest, WhatIsRemovedInOneSpaceIsLeftInTheOthers) {
  for_each([&](size_t space, size_t name) { fill(space, name); });
  for (const std::string& name : hostile_names()) {
    ASSERT_TRUE(Events(access(0)).stream(name).remove());
    ASSERT_TRUE(Links(access(0)).remove_end(without_zero(name)));
    ASSERT_TRUE(Cache(access(0), name).drop());
    ASSERT_TRUE(Messages(access(0)).clear(name));
    ASSERT_TRUE(Artifacts(access(0)).remove(std::vector<std::string>{without_zero(name)}));
    ASSERT_TRUE(Registry(access(0)).remove(without_zero(name), without_zero(name)));
  }
  EXPECT_TRUE(Events(access(0)).list()->empty());
  EXPECT_TRUE(Links(access(0)).list()->empty());
  EXPECT_TRUE(Messages(access(0)).list()->empty());
  EXPECT_TRUE(Artifacts(access(0)).list()->empty());
  for_each([&](size_t space, size_t name) {
    if (space == 0) return;
    SCOPED_TRACE(mark_of(space, name));
    expect_own_events(space, name);
    expect_own_links(space, name);
    expect_own_cache(space, name);
    expect_own_mail(space, name);
    const std::string text = without_zero(hostile_names()[name]);
    EXPECT_EQ(*Artifacts(access(space)).get(text, text), mark_of(space, name));
    expect_own_learning(space, name);
  });
}

TEST_F(KindsIsolationTest, ATagTakesNothingOfAnotherTagOrCache) {
  for_each([&](size_t space, size_t name) { fill(space, name); });
  const size_t each = hostile_names().size();
  for (size_t name = 0; name < each; ++name) {
    EXPECT_EQ(*Cache(access(0), hostile_names()[0]).remove_tagged(hostile_names()[name]), 1u);
    EXPECT_EQ(Cache(access(0), hostile_names()[0]).list()->size(), each - name - 1);
  }
  for (size_t name = 1; name < each; ++name) expect_own_cache(0, name);
}

}  // namespace
}  // namespace holdfast::memory
