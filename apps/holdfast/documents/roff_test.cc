#include "documents/roff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/utf8.h"

namespace holdfast::documents {
namespace {

using ::testing::ElementsAre;

std::string body(std::string_view source) {
  std::string result;
  for (const Section& section : read_roff(source).sections) result += section.text + "|";
  return result;
}

TEST(Roff, SectionsAndSubsectionsAreHeadings) {
  RoffDocument page = read_roff(
      ".\\\" comment\n.TH LS \"1\" x\n.SH NAME\nls \\- list\n.SH \"THE OPTIONS\"\none\n.SS "
      "Two\ntwo\n"
      ".SH\nON THE NEXT LINE\nthree\n");
  EXPECT_EQ(page.title, "ls(1)");
  ASSERT_EQ(page.sections.size(), 4u);
  EXPECT_EQ(page.sections[0].text, "ls - list");
  EXPECT_EQ(page.sections[1].heading, "THE OPTIONS");
  EXPECT_EQ(page.sections[2].heading, "THE OPTIONS > Two");
  EXPECT_EQ(page.sections[3].heading, "ON THE NEXT LINE");
}

TEST(Roff, LinesAreFilledIntoParagraphs) {
  EXPECT_EQ(body("one\ntwo\n.PP\nthree\n"), "one two\n\nthree|");
}

TEST(Roff, LiteralTextKeepsItsLines) {
  EXPECT_EQ(body("before\n.EX\n  a\n    b\n.EE\nafter\n"), "before\n  a\n    b\nafter|");
}

TEST(Roff, FontsVanish) {
  EXPECT_EQ(body(".B bold text\n\\fBx\\fP \\f(CWy\\fR \\f[B]z\\fR\n.BR ls (1),\n"),
            "bold text x y z ls(1),|");
}

TEST(Roff, SpecialCharactersBecomeText) {
  EXPECT_EQ(body("a\\(emb \\(aqq\\(aq \\[u20AC] back\\eslash \\(co \\:a\\&b\n"),
            "a--b 'q' \xE2\x82\xAC back\\slash (C) ab|");
}

TEST(Roff, TagsStandOnTheirOwnLine) {
  EXPECT_EQ(body(".TP\n.B \\-a\nshow all\n.IP \\(bu 2\npoint\n"), "-a\nshow all\n\n* point|");
}

TEST(Roff, ConditionsFollowTheTerminal) {
  EXPECT_EQ(body(".if n yes\n.if t no\n.ie t \\{\\\nno\n.\\}\n.el \\{\\\nelse\n.\\}\nend\n"),
            "yes else end|");
}

TEST(Roff, StringsAreReplaced) {
  EXPECT_EQ(body(".ds C+ C++\n.ds x \"quoted  \nuse \\*(C+ and \\*xend\n"),
            "use C++ and quoted  end|");
}

TEST(Roff, AStringThatNamesItselfEnds) {
  EXPECT_EQ(body(".ds x a\\*x\n\\*x\n"), "aaaaaaaa|");
}

TEST(Roff, DefinitionsAreNotText) {
  EXPECT_EQ(body(".de XX\nhidden \\$1\n..\n.de YY\n..\n.XX shown ,\n.YY gone\nend\n"),
            "shown, end|");
}

TEST(Roff, TablesKeepTheirCells) {
  EXPECT_EQ(body(".TS\ntab(:);\nl l.\na:b\n_\nT{\nlong\nT}:c\n.TE\n"), "a  b\nlong\n  c|");
}

TEST(Roff, AnAliasNamesItsPage) {
  EXPECT_EQ(read_roff(".so man3/printf.3\n").alias, "man3/printf.3");
}

TEST(Roff, APageMayBeginWithMacrosOfItsOwn) {
  EXPECT_TRUE(looks_like_roff(".\\\" comment\n.de1 margin\nlevel \\\\n[x]\n..\n.TH X 1\n"));
  EXPECT_FALSE(looks_like_roff("A text.\n.TH is a macro\n"));
  EXPECT_FALSE(looks_like_roff(""));
}

TEST(Roff, MdocInlineMacrosBecomeWords) {
  RoffDocument page = read_roff(
      ".Dd today\n.Dt CAT 1\n.Os\n.Sh NAME\n.Nm cat\n.Nd join files\n.Sh DESCRIPTION\n.Nm\n.Op Fl "
      "b Ar n\n.Op Ar file ... .\nSee\n.Xr ls 1 ,\n.Dq word .\n");
  EXPECT_EQ(page.title, "cat(1)");
  ASSERT_EQ(page.sections.size(), 2u);
  EXPECT_EQ(page.sections[0].text, "cat - join files");
  EXPECT_EQ(page.sections[1].text, "cat [-b n] [file ...]. See ls(1), \"word\".");
}

TEST(Roff, MdocListsHaveTags) {
  EXPECT_EQ(body(".Sh X\n.Bl -tag\n.It Fl a\nfirst\n.It Fl b Ar c\nsecond\n.El\nend\n"),
            "-a\nfirst\n\n-b c\nsecond\nend|");
}

TEST(Roff, AnythingAtAllIsReadWithoutHarm) {
  std::string source;
  uint32_t state = 1;
  constexpr std::string_view kPieces[] = {
      ".",    "\\", "(",  "[",   "\n", "if n",     "\\{", "\\}", "de",  ".TS", "\"",  " ",
      "\\*(", "ie", "el", "\\f", "SH", "\xC3\xA4", ".Fn", "'",   ".Bl", ".It", "\\s", "tab("};
  for (int round = 0; round < 300; ++round) {
    source.clear();
    for (int i = 0; i < 200; ++i) {
      state = state * 1664525u + 1013904223u;
      source += kPieces[(state >> 16) % std::size(kPieces)];
    }
    for (const Section& section : read_roff(source).sections) {
      EXPECT_TRUE(utf8_valid(section.text)) << source;
    }
  }
}

}  // namespace
}  // namespace holdfast::documents
