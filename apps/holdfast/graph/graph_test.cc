#include "graph/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/graph_space.h"
#include "holdfast/holdfast.h"

namespace holdfast::graph {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class GraphTest : public testing::Test {
 protected:
  void change(const std::function<Status(Graph& graph)>& work) {
    const Status status = update_graph(store_, space_, work);
    EXPECT_TRUE(status) << status.to_string();
  }
  KnowledgeGraph graph() { return *read_graph(store_, space_); }
  std::vector<std::string> names() {
    std::vector<std::string> found;
    for (const Entity& entity : graph().entities) found.push_back(entity.name);
    return found;
  }
  void create(const std::vector<Entity>& entities) {
    change([&](Graph& graph) { return graph.create_entities(entities).status(); });
  }

  Store store_ = *Store::memory();
  Space space_ = *store_.space("test");
};

TEST_F(GraphTest, EntitiesStayInTheOrderOfTheirMaking) {
  EXPECT_THAT(graph().entities, IsEmpty());
  create({{"z", "letter", {"last"}}, {"a", "letter", {}}});
  create({{"m", "letter", {}}});
  EXPECT_THAT(names(), ElementsAre("z", "a", "m"));
  EXPECT_THAT(graph().entities[0].observations, ElementsAre("last"));
}

TEST_F(GraphTest, AnEntityThatIsThereIsLeftAsItIs) {
  create({{"a", "letter", {"one"}}});
  change([](Graph& graph) -> Status {
    const std::vector<Entity> again = {{"a", "number", {"two"}}, {"b", "letter", {}}};
    const auto created = graph.create_entities(again);
    EXPECT_THAT(*created, SizeIs(1));
    EXPECT_EQ((*created)[0].name, "b");
    return Status::ok();
  });
  EXPECT_EQ(graph().entities[0].type, "letter");
  EXPECT_THAT(graph().entities[0].observations, ElementsAre("one"));
}

TEST_F(GraphTest, ObservationsAreComparedWithWhatIsStoredOnly) {
  create({{"a", "letter", {"one"}}});
  change([](Graph& graph) -> Status {
    const std::vector<std::string> texts = {"one", "two", "two", ""};
    EXPECT_THAT(*graph.add_observations("a", texts), ElementsAre("two", "two", ""));
    return Status::ok();
  });
  EXPECT_THAT(graph().entities[0].observations, ElementsAre("one", "two", "two", ""));
  const std::vector<std::string> texts = {"two", "never said"};
  change([&](Graph& graph) { return graph.delete_observations("a", texts); });
  EXPECT_THAT(graph().entities[0].observations, ElementsAre("one", ""));
}

TEST_F(GraphTest, AnUnknownEntityGetsNoObservations) {
  const std::vector<std::string> texts = {"one"};
  create({{"a", "letter", {}}});
  const Status status = update_graph(store_, space_, [&](Graph& graph) -> Status {
    HOLDFAST_TRY(graph.add_observations("a", texts).status());
    return graph.add_observations("nobody", texts).status();
  });
  EXPECT_EQ(status.message(), "Entity with name nobody not found");
  EXPECT_THAT(graph().entities[0].observations, IsEmpty()) << "all or nothing";
}

TEST_F(GraphTest, RelationsGoWithTheirEntities) {
  const std::vector<Relation> relations = {
      {"a", "b", "knows"}, {"b", "c", "knows"}, {"c", "nobody", "seeks"}};
  create({{"a", "p", {"x"}}, {"b", "p", {}}, {"c", "p", {}}});
  change([&](Graph& graph) -> Status {
    EXPECT_THAT(*graph.create_relations(relations), SizeIs(3));
    EXPECT_THAT(*graph.create_relations(relations), IsEmpty());
    return Status::ok();
  });
  const std::vector<std::string> gone = {"a", "never there"};
  change([&](Graph& graph) { return graph.delete_entities(gone); });
  EXPECT_THAT(names(), ElementsAre("b", "c"));
  EXPECT_THAT(graph().relations, ElementsAre(relations[1], relations[2]));
  create({{"a", "p", {}}});
  EXPECT_THAT(graph().entities[2].observations, IsEmpty()) << "they went with the first a";
  change([&](Graph& graph) { return graph.delete_relations({&relations[1], 1}); });
  EXPECT_THAT(graph().relations, ElementsAre(relations[2]));
}

TEST_F(GraphTest, SearchTakesPartsInEitherCase) {
  create({{"\u00c4rger", "Thing", {"Said LOUD"}}, {"calm", "mood", {}}});
  change([](Graph& graph) {
    const std::vector<Relation> relations = {{"calm", "x", "is"}, {"y", "z", "is"}};
    return graph.create_relations(relations).status();
  });
  EXPECT_THAT(found_in(graph(), "\u00e4RG").entities, SizeIs(1));
  EXPECT_THAT(found_in(graph(), "loud").entities, SizeIs(1));
  EXPECT_THAT(found_in(graph(), "THING").entities, SizeIs(1));
  EXPECT_THAT(found_in(graph(), "").entities, SizeIs(2));
  EXPECT_THAT(found_in(graph(), "nothing such").relations, IsEmpty());
  EXPECT_THAT(named_in(graph(), {"calm"}).relations, SizeIs(1)) << "one end suffices";
}

TEST_F(GraphTest, LinesAreThoseOfTheReference) {
  const std::string lines =
      "{\"type\":\"entity\",\"name\":\"a\",\"entityType\":\"t\",\"observations\":[\"o\"]}\n"
      "{\"type\":\"relation\",\"from\":\"a\",\"to\":\"b\",\"relationType\":\"r\"}";
  const auto graph = from_lines(lines);
  ASSERT_TRUE(graph) << graph.status().to_string();
  EXPECT_EQ(to_lines(*graph), lines);
  EXPECT_EQ(to_lines({}), "");
  EXPECT_THAT(from_lines("\n \n")->entities, IsEmpty());
}

TEST_F(GraphTest, ALineThatIsDamagedIsNamed) {
  for (const char* bad : {"{", "7", "{\"type\":\"x\"}", "{\"type\":\"entity\"}",
                          "{\"type\":\"entity\",\"name\":\"a\",\"observations\":7}",
                          "{\"type\":\"entity\",\"name\":\"a\",\"observations\":[7]}"}) {
    const auto graph = from_lines(std::string("\n") + bad);
    EXPECT_EQ(graph.status().code(), StatusCode::kInvalidArgument) << bad;
    EXPECT_THAT(std::string(graph.status().message()), HasSubstr("line 2")) << bad;
  }
}

}  // namespace
}  // namespace holdfast::graph
