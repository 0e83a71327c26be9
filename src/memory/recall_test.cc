#include "memory/recall.h"

#include <gtest/gtest.h>

#include <iterator>

#include "memory/map_access.h"

namespace holdfast::memory {
namespace {

class RecallTest : public testing::Test {
 protected:
  Observations observations(const SpaceSegments& segments = {"a"}) {
    return Observations(std::make_shared<MapAccess>(keys_, clock_, segments));
  }
  std::string add(const NewObservation& observation, const SpaceSegments& segments = {"a"}) {
    clock_.now_us += 1000;
    auto id = observations(segments).add(observation);
    EXPECT_TRUE(id) << id.status().to_string();
    return *id;
  }
  Result<std::vector<RecallHit>> run(const RecallQuery& query,
                                     const SpaceSegments& segments = {"a"}) {
    MapAccess access(keys_, clock_, segments);
    return recall(access, query);
  }
  // Contents of the hits, best first.
  std::vector<std::string> contents(const RecallQuery& query,
                                    const SpaceSegments& segments = {"a"}) {
    auto hits = run(query, segments);
    EXPECT_TRUE(hits) << hits.status().to_string();
    std::vector<std::string> all;
    for (const RecallHit& hit : *hits) all.push_back(hit.observation.content);
    return all;
  }

  search::MapKeyspace keys_;
  MapClock clock_;
};

using Texts = std::vector<std::string>;

TEST_F(RecallTest, BestComesFirst) {
  add({.content = "the door is open"});
  add({.content = "login fails when the clock is behind"});
  add({.content = "the clock on the wall"});
  EXPECT_EQ(contents({.text = "clock logins"}),
            (Texts{"login fails when the clock is behind", "the clock on the wall"}));
  EXPECT_EQ(contents({.text = "clock logins", .limit = 1}).size(), 1u);
}

TEST_F(RecallTest, OtherSpacesAreNeverSearched) {
  add({.content = "secret login"}, {"acme"});
  add({.content = "secret corp login"}, {"acme-corp"});
  add({.content = "secret sub login"}, {"acme", "corp"});
  EXPECT_EQ(contents({.text = "secret"}, {"acme"}), Texts{"secret login"});
  EXPECT_EQ(contents({.text = "secret"}, {"acme", "corp"}), Texts{"secret sub login"});
  EXPECT_EQ(contents({.text = "secret"}, {"acme/corp"}), Texts{});
  EXPECT_EQ(contents({.text = "secret"}, {"acm"}), Texts{});
}

TEST_F(RecallTest, SubSpacesAreSearchedOnlyWhereAsked) {
  add({.content = "login at the top"}, {"acme"});
  add({.content = "login login login"}, {"acme", "web", "agent"});
  add({.content = "login of the corp"}, {"acme-corp"});
  EXPECT_EQ(contents({.text = "login"}, {"acme"}), Texts{"login at the top"});
  const auto hits = run({.text = "login", .with_sub_spaces = true}, {"acme"});
  ASSERT_EQ(hits->size(), 2u);
  EXPECT_EQ((*hits)[0].observation.space, "acme/web/agent");
  EXPECT_EQ((*hits)[1].observation.space, "acme");
  EXPECT_EQ(contents({.text = "login", .limit = 1, .with_sub_spaces = true}, {"acme"}).size(), 1u);
  EXPECT_EQ(contents({.text = "login", .with_sub_spaces = true}, {"acme", "web"}),
            Texts{"login login login"});
}

TEST_F(RecallTest, ASubSpaceWithoutTheVectorSpaceHasNoHits) {
  add({.content = "with", .embedding = Embedding{"m", "1", {1, 0}}}, {"acme", "a"});
  add({.content = "without"}, {"acme", "b"});
  RecallQuery query;
  query.vector = RecallVector{.values = {1, 0}};
  query.with_sub_spaces = true;
  EXPECT_EQ(contents(query, {"acme"}), Texts{"with"});
}

TEST_F(RecallTest, AFilterMustHoldToo) {
  for (int i = 0; i < 300; ++i) {
    add({.content = "clock " + std::to_string(i),
         .kind = i % 2 == 0 ? "fact" : "note",
         .metadata = "{\"i\":" + std::to_string(i) + "}"});
  }
  // As many as are wanted, though most of the best do not pass.
  EXPECT_EQ(contents({.text = "clock", .where = "metadata.i < 3 AND NOT metadata.i = 1"}),
            (Texts{"clock 2", "clock 0"}));
  EXPECT_EQ(contents({.text = "clock", .limit = 1, .where = "kind = note AND metadata.i > 297"}),
            Texts{"clock 299"});
  EXPECT_EQ(run({.text = "clock", .where = "kind"}).status().offset(), 4u);
}

TEST_F(RecallTest, ScoresDependOnTheOwnSpaceOnly) {
  add({.content = "rare word"}, {"a"});
  add({.content = "other text"}, {"a"});
  const double score = run({.text = "rare"})->at(0).score;
  for (int i = 0; i < 20; ++i) add({.content = "rare rare rare"}, {"b"});
  EXPECT_DOUBLE_EQ(run({.text = "rare"})->at(0).score, score);
}

TEST_F(RecallTest, RemovedIsNotFound) {
  const std::string id = add({.content = "gone soon"});
  ASSERT_TRUE(observations().remove(id));
  EXPECT_EQ(contents({.text = "gone"}), Texts{});
}

TEST_F(RecallTest, TwoChineseCharactersAreFound) {
  add({.content = "\u65b0\u7528\u6237\u767b\u5f55\u5931\u8d25"});
  add({.content = "\u4f7fAPI\u7528\u51fd\u6570"});
  EXPECT_EQ(contents({.text = "\u7528\u6237"}).at(0), "\u65b0\u7528\u6237\u767b\u5f55\u5931\u8d25");
  EXPECT_EQ(contents({.text = "\u767b"}).size(), 1u);
  EXPECT_EQ(contents({.text = "api"}), Texts{"\u4f7fAPI\u7528\u51fd\u6570"});
}

TEST_F(RecallTest, AccentsAndIdentifiersAreFound) {
  add({.content = "d\u00e9j\u00e0 vu in foo_bar-12.cc gives E0413"});
  for (const char* text : {"deja", "D\u00c9J\u00c0", "foo_bar-12.cc", "bar", "e0413", "0413"}) {
    EXPECT_EQ(contents({.text = text}).size(), 1u) << text;
  }
}

TEST_F(RecallTest, TitleAndTagsAreSearched) {
  add({.content = "something else", .title = "Clock drift", .tags = {"time-sync"}});
  EXPECT_EQ(contents({.text = "drift"}).size(), 1u);
  EXPECT_EQ(contents({.text = "sync"}).size(), 1u);
  const auto hits = run({.text = "drift"});
  EXPECT_EQ(hits->at(0).snippet, "something else");
  EXPECT_TRUE(hits->at(0).highlights.empty());
}

TEST_F(RecallTest, FiltersAllHold) {
  add({.content = "login 1", .source = "s", .kind = "note", .tags = {"x", "y"}});
  add({.content = "login 2", .kind = "fact", .session = "one", .run = "r"});
  const int64_t since = clock_.now_us + 1;
  add({.content = "login 3", .kind = "fact", .tags = {"x"}});
  EXPECT_EQ(contents({.text = "login", .kind = "fact"}), (Texts{"login 2", "login 3"}));
  EXPECT_EQ(contents({.text = "login", .source = "s"}), Texts{"login 1"});
  EXPECT_EQ(contents({.text = "login", .session = "one", .run = "r"}), Texts{"login 2"});
  EXPECT_EQ(contents({.text = "login", .tags = {"x"}}), (Texts{"login 3", "login 1"}));
  EXPECT_EQ(contents({.text = "login", .tags = {"y", "x"}}), Texts{"login 1"});
  EXPECT_EQ(contents({.text = "login", .kind = "note", .session = "one"}), Texts{});
  EXPECT_EQ(contents({.text = "login", .since_us = since}), Texts{"login 3"});
  EXPECT_EQ(contents({.text = "login", .until_us = since}), (Texts{"login 2", "login 1"}));
}

TEST_F(RecallTest, SnippetHighlightsWhatMatched) {
  add({.content = std::string(500, '.') + " the Clock was late " + std::string(500, '.')});
  const auto hits = run({.text = "clocks"});
  ASSERT_EQ(hits->size(), 1u);
  const RecallHit& hit = hits->at(0);
  ASSERT_EQ(hit.highlights.size(), 1u);
  const TextRange range = hit.highlights[0];
  EXPECT_EQ(hit.snippet.substr(range.begin, range.end - range.begin), "Clock");
  EXPECT_EQ(hit.observation.content.substr(hit.snippet_offset, hit.snippet.size()), hit.snippet);
  EXPECT_LE(hit.snippet.size(), 160u);
}

TEST_F(RecallTest, BadQueriesAreRefused) {
  add({.content = "x"});
  EXPECT_EQ(run({.text = ""}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(run({.text = "ab\xff"}).status().offset(), 2u);
  EXPECT_EQ(run({.text = "x", .limit = 0}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(run({.text = "x", .snippet_size = 1}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(contents({.text = "?!"}), Texts{});
}

TEST_F(RecallTest, AFalseHashMatchIsNoHit) {
  add({.content = "apple"});
  const std::string id = add({.content = "pear"});
  // Give the second the text record of the first, as if all its terms had the same hashes.
  const std::string id_bytes(Uuid::parse(id)->view());
  std::string apple_record;
  for (auto& [key, value] : keys_.entries) {
    if (key[0] != 0x04) continue;
    if (key.substr(5) == id_bytes) {
      value = apple_record;
    } else {
      apple_record = value;
    }
  }
  EXPECT_EQ(contents({.text = "apple"}), Texts{"apple"});
}

TEST_F(RecallTest, AnIndexOfAnEarlierFormIsMadeAnew) {
  add({.content = "login fails"});
  add({.content = "the door"});
  for (auto at = keys_.entries.begin(); at != keys_.entries.end();) {
    const bool is_index = at->first.substr(0, 2) == "\x08\x58";
    if (at->first[0] == '\x04') at->second = "a text record";
    at = is_index ? keys_.entries.erase(at) : std::next(at);
  }
  const std::string later = add({.content = "login again"});
  EXPECT_EQ(run({.text = "login"}).status().code(), StatusCode::kUnsupported);
  ASSERT_TRUE(observations().remove(later));
  EXPECT_EQ(*observations().reindex(), 2u);
  EXPECT_EQ(contents({.text = "login"}), Texts{"login fails"});
  EXPECT_EQ(*observations().count(), 2u);
}

TEST_F(RecallTest, ReindexingChangesNothing) {
  std::vector<std::string> ids;
  for (int i = 0; i < 300; ++i) {
    ids.push_back(add({.content = "login number" + std::to_string(i % 17) + " of " +
                                  std::string(static_cast<size_t>(i % 5), 'x'),
                       .tags = {"t" + std::to_string(i % 3)}}));
    if (i % 4 != 3) continue;
    ASSERT_TRUE(observations().remove(ids[static_cast<size_t>(i - 2)]));
  }
  const Texts before = contents({.text = "login number3", .limit = 500});
  const Texts tagged = contents({.text = "login number3", .limit = 5, .tags = {"t1"}});
  const double score = run({.text = "number3"})->at(0).score;
  uint64_t told = 0;
  const auto reindexed =
      observations().reindex([&](std::string_view what, uint64_t done, uint64_t) {
        if (what == "observations") told = done;
      });
  EXPECT_EQ(*reindexed, before.size());
  EXPECT_EQ(told, before.size()) << "whoever waits is told how far it is";
  EXPECT_EQ(contents({.text = "login number3", .limit = 500}), before);
  EXPECT_EQ(contents({.text = "login number3", .limit = 5, .tags = {"t1"}}), tagged);
  EXPECT_DOUBLE_EQ(run({.text = "number3"})->at(0).score, score);
}

TEST_F(RecallTest, FoldingChangesNothing) {
  for (int i = 0; i < 1'000 && !*observations().is_fold_due(); ++i) {
    add({.content = "login number" + std::to_string(i % 17)});
  }
  ASSERT_TRUE(*observations().is_fold_due());
  const Texts before = contents({.text = "login number3", .limit = 500});
  EXPECT_EQ(*observations().fold(0), 0u);
  EXPECT_TRUE(*observations().is_fold_due());
  EXPECT_GT(*observations().fold(1'000), 0u);
  EXPECT_FALSE(*observations().is_fold_due());
  EXPECT_EQ(*observations().fold(1'000), 0u);
  EXPECT_EQ(contents({.text = "login number3", .limit = 500}), before);
}

TEST_F(RecallTest, AsManyAsAreWantedPassTheFilters) {
  for (int i = 0; i < 400; ++i) {
    add({.content = "login login login", .tags = {"common"}});
    if (i % 40 == 0) add({.content = "once a login among other words", .tags = {"rare"}});
  }
  EXPECT_EQ(contents({.text = "login", .limit = 10, .tags = {"rare"}}).size(), 10u);
  EXPECT_EQ(contents({.text = "login", .limit = 10, .tags = {"rare", "common"}}).size(), 0u);
}

TEST_F(RecallTest, PhrasesAreLookedForInTheText) {
  add({.content = "sky and blue"});
  add({.content = "something else", .title = "The blue sky"});
  EXPECT_EQ(contents({.text = "\"blue sky\""}), Texts{"something else"});
  EXPECT_EQ(contents({.text = "sky -\"blue sky\""}), Texts{"sky and blue"});
}

TEST_F(RecallTest, AnUnknownWordIsReadAsOneThatIsSpeltAlike) {
  add({.content = "login fails when the clock is behind"});
  add({.content = "the door is open"});
  const auto hits = run({.text = "clokc", .explain = true});
  ASSERT_TRUE(hits && hits->size() == 1);
  EXPECT_EQ(hits->front().explanation.at(0).term, "clock");
  EXPECT_EQ(hits->front().explanation.at(0).typed, "clokc");
  EXPECT_EQ(hits->front().explanation.at(0).weight, 0.5);
  EXPECT_EQ(hits->front().highlights.size(), 1u);
  EXPECT_DOUBLE_EQ(hits->front().score * 2, run({.text = "clock"})->front().score);
  EXPECT_EQ(contents({.text = "+clokc -dor"}).size(), 1u) << "what is excluded is taken as typed";
  EXPECT_EQ(contents({.text = "+clokc +door"}).size(), 0u);
  EXPECT_EQ(contents({.text = "\"clokc\""}).size(), 0u);
  EXPECT_EQ(contents({.text = "clokc", .as_typed = true}).size(), 0u);
}

TEST_F(RecallTest, AQuestionFindsWhatIsRelatedToItsWords) {
  add({.content = "my beagle sleeps all day"});
  add({.content = "the tyres of the car are flat"});
  const auto hits = run({.text = "What dog have I got?", .explain = true});
  ASSERT_TRUE(hits && hits->size() == 1);
  const ScoreTerm& term = hits->front().explanation.at(0);
  EXPECT_EQ(term.term, "beagl");
  EXPECT_EQ(term.related_to, "dog");
  EXPECT_EQ(term.typed, "");
  EXPECT_DOUBLE_EQ(term.weight, 0.3);
  EXPECT_EQ(hits->front().highlights.size(), 1u);
  EXPECT_EQ(contents({.text = "What dog have I got?", .as_typed = true}).size(), 0u);
  EXPECT_EQ(contents({.text = "dog"}).size(), 0u) << "no question";
}

TEST_F(RecallTest, TheWordItselfCountsMoreThanWhatIsRelated) {
  add({.content = "a beagle and a terrier bark"});
  add({.content = "the dog is asleep in the garden behind the house"});
  add({.content = "another dog"});
  add({.content = "the third dog"});
  const Texts found = contents({.text = "which dog is it"});
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found.back(), "a beagle and a terrier bark");
}

TEST_F(RecallTest, RelatedWordsOfARareWordAreNoneOfTheRarest) {
  add({.content = "my beagle"});
  add({.content = "the dog of the house"});
  add({.content = "the house"});
  add({.content = "a cottage"});
  EXPECT_EQ(contents({.text = "the dog and the house"}).size(), 4u);
  const Texts found = contents({.text = "the dog and the house", .words_max = 1});
  EXPECT_EQ(found, (Texts{"the dog of the house", "my beagle"})) << "for the rarest, dog";
}

TEST_F(RecallTest, WordsAreReadAsThoseOfTheirOwnSpace) {
  add({.content = "the clock is behind"}, {"acme"});
  add({.content = "the clokc is a bird"}, {"acme", "corp"});
  EXPECT_EQ(contents({.text = "clokc"}, {"acme"}), Texts{"the clock is behind"});
  EXPECT_EQ(contents({.text = "clokc"}, {"acme", "corp"}), Texts{"the clokc is a bird"});
  const std::string only = add({.content = "a hammer"}, {"b"});
  ASSERT_TRUE(observations({"b"}).forget(only));
  EXPECT_EQ(contents({.text = "hamer"}, {"b"}), Texts{});
}

class RecallLanguages : public RecallTest {
 protected:
  RecallLanguages() {
    add({.content = "the connections were closed"});
    add({.content = "die H\u00e4user wurden verkauft", .language = "german"});
    add({.content = "les chevaux continuellement fatigu\u00e9s", .language = "fr"});
    add({.content = "\u043d\u043e\u0432\u044b\u0435 \u043a\u043d\u0438\u0433\u0438",
         .language = "ru"});
    add({.content = "\u7528\u6237\u540d", .language = "ru"});
  }
  std::optional<std::string> found(const std::string& text) {
    const auto all = contents({.text = text, .as_typed = true});
    EXPECT_LE(all.size(), 1u) << text;
    return all.empty() ? std::nullopt : std::optional(all.front());
  }
};

TEST_F(RecallLanguages, WordsAreFoundInTheFormsOfTheirLanguage) {
  EXPECT_EQ(found("connecting"), "the connections were closed");
  EXPECT_EQ(found("Haus"), "die H\u00e4user wurden verkauft");
  EXPECT_EQ(found("verkaufte"), "die H\u00e4user wurden verkauft");
  EXPECT_EQ(found("continuelle"), "les chevaux continuellement fatigu\u00e9s");
  EXPECT_EQ(found("\u043a\u043d\u0438\u0433\u0430"),
            "\u043d\u043e\u0432\u044b\u0435 \u043a\u043d\u0438\u0433\u0438");
  EXPECT_EQ(found("\u7528\u6237"), "\u7528\u6237\u540d");
  EXPECT_EQ(found("+Haus -verkaufte"), std::nullopt);
  EXPECT_EQ(found("+Haus +verkaufte").has_value(), true);
}

TEST_F(RecallLanguages, PhrasesAndSnippetsKnowTheLanguage) {
  EXPECT_EQ(found("\"Haus wurde\""), "die H\u00e4user wurden verkauft");
  EXPECT_EQ(found("\"Haus verkaufte\""), std::nullopt);
  const auto hits = run({.text = "Haus"});
  ASSERT_EQ(hits->size(), 1u);
  ASSERT_EQ(hits->front().highlights.size(), 1u);
  EXPECT_EQ(hits->front().highlights[0].begin, 4u);
}

TEST_F(RecallLanguages, EveryFormCountsAsOneWord) {
  add({.content = "Haus und Hof", .language = "de"});
  const auto hits = run({.text = "H\u00e4user", .explain = true});
  ASSERT_EQ(hits->size(), 2u);
  for (const RecallHit& hit : *hits) {
    ASSERT_EQ(hit.explanation.size(), 1u);
    EXPECT_EQ(hit.explanation[0].frequency, 2u);
    EXPECT_EQ(hit.explanation[0].observations, 6u);
  }
}

TEST_F(RecallLanguages, WhatChangesKeepsItsLanguage) {
  const std::string id = add({.content = "der Vertrag", .language = "de"});
  ASSERT_TRUE(observations().edit(id, {.content = "viele Vertr\u00e4ge"}));
  EXPECT_EQ(observations().get(id)->language, "de");
  EXPECT_EQ(found("Vertrag"), "viele Vertr\u00e4ge");
  ASSERT_TRUE(observations().forget(id));
  EXPECT_EQ(found("Vertrag"), std::nullopt);
  ASSERT_TRUE(observations().restore(id));
  EXPECT_EQ(found("Vertrag"), "viele Vertr\u00e4ge");
  ASSERT_TRUE(observations().reindex());
  EXPECT_EQ(found("Vertrag"), "viele Vertr\u00e4ge");
  ASSERT_TRUE(observations().remove(id));
  EXPECT_EQ(found("Vertrag"), std::nullopt);
}

TEST_F(RecallLanguages, ASpaceHasALanguage) {
  ObservationSettings settings;
  settings.language = "german";
  ASSERT_TRUE(observations({"b"}).configure(settings));
  EXPECT_EQ(observations({"b"}).settings()->language, "german");
  const std::string id = add({.content = "viele Vertr\u00e4ge"}, {"b"});
  add({.content = "the connections", .language = "en"}, {"b"});
  EXPECT_EQ(observations({"b"}).get(id)->language, "de");
  EXPECT_EQ(contents({.text = "Vertrag"}, {"b"}).size(), 1u);
  EXPECT_EQ(contents({.text = "connecting", .as_typed = true}, {"b"}).size(), 1u);
  settings.language = "klingon";
  EXPECT_EQ(observations({"b"}).configure(settings).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(observations().add({.content = "a", .language = "xx"}).status().code(),
            StatusCode::kInvalidArgument);
}

TEST_F(RecallLanguages, TheFormsOfOneWordAreOneOfTheRarest) {
  add({.content = "viele Vertr\u00e4ge", .language = "de"});
  add({.content = "the connections", .language = "en"});
  add({.content = "a connecting door", .language = "en"});
  const std::string text = "Vertr\u00e4gen connection";
  EXPECT_EQ(contents({.text = text, .as_typed = true}).size(), 4u);
  EXPECT_EQ(contents({.text = text, .words_max = 1, .as_typed = true}),
            Texts{"viele Vertr\u00e4ge"});
}

TEST_F(RecallTest, OfManyWordsTheRarestAreAskedFor) {
  // Every text has "one", every second one "two", every third one "three" ...
  constexpr const char* kWords[] = {"one", "two", "three", "four", "five", "six", "seven"};
  for (size_t i = 1; i <= 300; ++i) {
    std::string text;
    for (size_t word = 0; word < std::size(kWords); ++word) {
      if (i % (word + 1) == 0) text += std::string(kWords[word]) + " ";
    }
    add({.content = text + "text" + std::to_string(i)});
  }
  const std::string all = "five one seven never two six three four one";
  const auto same = [&](const std::string& text, size_t words_max, const std::string& other) {
    const Texts found = contents({.text = text, .words_max = words_max, .limit = 300});
    EXPECT_EQ(found, contents({.text = other, .limit = 300})) << text;
    return found.size();
  };
  EXPECT_EQ(same(all, 1, "seven"), 42u);
  same(all, 2, "seven six");
  same(all, 4, "seven six five four");
  EXPECT_EQ(same(all, 7, all), 300u);
  EXPECT_EQ(same(all, 0, all), 300u);
  // What must be there, or must not, does not depend on how rare it is.
  same("+two seven six one", 1, "+two seven");
  same("seven six -two", 1, "seven -two");
  same("\"one two\" seven three", 1, "\"one two\" seven");
  const auto hits = run({.text = "one seven", .words_max = 1, .explain = true});
  ASSERT_EQ(hits->at(0).explanation.size(), 1u);
  EXPECT_EQ(hits->at(0).explanation[0].term, "seven");
}

TEST_F(RecallTest, ExplanationsAddUpToTheScore) {
  add({.content = "login fails", .tags = {"login"}});
  add({.content = "clock"});
  const auto hits = run({.text = "login fails clock", .explain = true});
  ASSERT_EQ(hits->size(), 2u);
  for (const RecallHit& hit : *hits) {
    double sum = 0;
    for (const ScoreTerm& term : hit.explanation) sum += term.score;
    EXPECT_DOUBLE_EQ(sum, hit.score);
    EXPECT_FALSE(hit.explanation.empty());
  }
  EXPECT_TRUE(run({.text = "login"})->at(0).explanation.empty());
}

}  // namespace
}  // namespace holdfast::memory
