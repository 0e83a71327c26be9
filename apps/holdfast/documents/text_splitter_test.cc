#include "documents/text_splitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/utf8.h"

namespace holdfast::documents {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> headings(const std::vector<Section>& sections) {
  std::vector<std::string> result;
  for (const Section& section : sections) result.push_back(section.heading);
  return result;
}
std::vector<std::string> texts(const std::vector<Section>& sections) {
  std::vector<std::string> result;
  for (const Section& section : sections) result.push_back(section.text);
  return result;
}

TEST(TextSplitter, ParagraphsAreJoinedUpToTheLimit) {
  EXPECT_THAT(split_paragraphs("one\n\ntwo\nlines\n\n\nthree\n", 16),
              ElementsAre("one\n\ntwo\nlines", "three"));
}

TEST(TextSplitter, BlankTextHasNoSections) {
  EXPECT_TRUE(split_text("").empty());
  EXPECT_TRUE(split_text(" \n\t\n\r\n").empty());
  EXPECT_TRUE(split_markdown("# Only a heading\n").empty());
}

TEST(TextSplitter, ALongParagraphIsCutAtALine) {
  EXPECT_THAT(split_paragraphs("aaaa\nbbbb\ncccc", 10), ElementsAre("aaaa\nbbbb", "cccc"));
}

TEST(TextSplitter, ALongLineIsNeverCutInsideACharacter) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "\xE2\x82\xAC";  // the euro sign, three bytes
  std::string joined;
  for (const std::string& part : split_paragraphs(text, 100)) {
    EXPECT_TRUE(utf8_valid(part));
    EXPECT_LE(part.size(), 100u);
    joined += part;
  }
  EXPECT_EQ(joined, text);
}

TEST(TextSplitter, IndentationOfTheFirstLineStays) {
  EXPECT_THAT(texts(split_text("\n\n    indented\nnot\n")), ElementsAre("    indented\nnot"));
}

TEST(TextSplitter, MarkdownHeadingsFormAPath) {
  auto sections = split_markdown("intro\n# A\na\n## B ##\nb\n### C\nc\n## D\nd\n# E\ne\n");
  EXPECT_THAT(headings(sections), ElementsAre("", "A", "A > B", "A > B > C", "A > D", "E"));
  EXPECT_THAT(texts(sections), ElementsAre("intro", "a", "b", "c", "d", "e"));
}

TEST(TextSplitter, UnderlinedHeadingsAreHeadings) {
  auto sections = split_markdown("Title\n=====\n\ntext\n\nPart\n----\n\nmore\n");
  EXPECT_THAT(headings(sections), ElementsAre("Title", "Title > Part"));
}

TEST(TextSplitter, ARuleAfterAParagraphIsNoHeading) {
  auto sections = split_markdown("one\ntwo\n---\nthree\n");
  EXPECT_THAT(headings(sections), ElementsAre(""));
}

TEST(TextSplitter, HashesInsideACodeFenceAreText) {
  auto sections = split_markdown("# A\n```sh\n# a comment\n```\nafter\n");
  EXPECT_THAT(headings(sections), ElementsAre("A"));
  EXPECT_THAT(texts(sections), ElementsAre("```sh\n# a comment\n```\nafter"));
}

TEST(TextSplitter, JsonLinesTakeContentTextAndTitle) {
  auto sections = split_json_lines(
      "{\"title\":\"t\",\"content\":\"c\"}\n\n{\"text\":\"x\"}\n{\"other\":1}\nnot json\n");
  EXPECT_THAT(headings(sections), ElementsAre("t", "", "", ""));
  EXPECT_THAT(texts(sections), ElementsAre("c", "x", "{\"other\":1}", "not json"));
}

TEST(TextSplitter, AKnowledgeGraphBecomesWhatItSays) {
  auto sections = split_json_lines(
      R"({"type":"entity","name":"Ada","entityType":"person","observations":["one","two"]})"
      "\n"
      R"({"type":"entity","name":"Bernoulli","entityType":"number","observations":[]})"
      "\n"
      R"({"type":"relation","from":"Ada","to":"Babbage","relationType":"works with"})"
      "\n"
      R"({"type":"entity","name":"no entity"})");
  EXPECT_THAT(headings(sections), ElementsAre("Ada (person)", "Bernoulli (number)", "", ""));
  EXPECT_THAT(texts(sections),
              ElementsAre("one\ntwo", "Bernoulli (number)", "Ada works with Babbage",
                          R"({"type":"entity","name":"no entity"})"));
  EXPECT_EQ(sections[0].kind, "entity");
  EXPECT_EQ(sections[2].kind, "relation");
}

TEST(TextSplitter, ALongSectionBecomesSeveralWithItsHeading) {
  std::string body;
  for (int i = 0; i < 400; ++i) body += "A paragraph that is about fifty bytes long, or so.\n\n";
  auto sections = split_markdown("# A\n" + body);
  ASSERT_GT(sections.size(), 2u);
  for (const Section& section : sections) {
    EXPECT_EQ(section.heading, "A");
    EXPECT_LE(section.text.size(), kSectionBytesMax);
  }
}

}  // namespace
}  // namespace holdfast::documents
