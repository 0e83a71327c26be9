#include "cli/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "cli/commands_fixture.h"

namespace holdfast::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ReferenceTest : public testing::Test {
 protected:
  ReferenceTest() {
    app_.add_option("--store", text_, "Where")->type_name("DIR");
    CLI::App* family = app_.add_subcommand("event", "Streams")->group("Events");
    family->footer("Example:\n  prog event add x");
    CLI::App* add = family->add_subcommand("add", ".adds a\\b it's | one");
    add->footer("Example:\n  prog event add x");
    add->add_option("name", text_, "Its name")->required();
    add->add_option("--limit", number_, "At most")->capture_default_str();
    add->add_option("--mode", text_, "How")->check(CLI::IsMember({"fast", "slow"}));
  }

  std::string text_;
  int number_ = 7;
  CLI::App app_{"A program", "prog"};
};

TEST_F(ReferenceTest, MarkdownHasEveryCommandWithItsOptionsAndExample) {
  const std::string text = markdown_reference(app_);
  EXPECT_THAT(text, HasSubstr("| `--store DIR` | Where |"));
  EXPECT_THAT(text, HasSubstr("## Events\n\n### prog event\n"));
  EXPECT_THAT(text, HasSubstr("### prog event add\n"));
  EXPECT_THAT(text, HasSubstr("    prog event add [OPTIONS] name\n"));
  EXPECT_THAT(text, HasSubstr("At most [7]"));
  EXPECT_THAT(text, HasSubstr("`--mode fast\\|slow`"));
  EXPECT_THAT(text, HasSubstr("    prog event add x\n"));
  EXPECT_THAT(text, Not(HasSubstr("| `-h")));
}

TEST_F(ReferenceTest, TextOfTheManualPageIsNoRequest) {
  const std::string text = manual_page(app_);
  EXPECT_THAT(text, HasSubstr("\\&.adds a\\eb it's | one"));
  EXPECT_THAT(text, HasSubstr(".B \\-\\-limit NUMBER"));
  EXPECT_THAT(text, HasSubstr(".SS prog event add"));
  EXPECT_THAT(text, HasSubstr(".SH ENVIRONMENT\n.TP\n.B HOLDFAST_STORE\n"));
  EXPECT_THAT(text, AllOf(HasSubstr(".SH EXIT STATUS"), HasSubstr(".SH EXAMPLES")));
}

TEST_F(ReferenceTest, CompletionsKnowWhatComesBehindWhat) {
  EXPECT_THAT(bash_completion(app_), HasSubstr("'prog event add') words='--limit --mode --help'"));
  EXPECT_THAT(bash_completion(app_), HasSubstr("'prog event') words='add --help'"));
  EXPECT_THAT(zsh_completion(app_), HasSubstr("'prog event add') offered=(--limit --mode --help)"));
  EXPECT_THAT(fish_completion(app_), HasSubstr("'.adds a\\\\b it\\'s | one'"));
  EXPECT_THAT(fish_completion(app_), HasSubstr("-l limit -r -d 'At most'"));
}

TEST_F(ReferenceTest, CompletionsKnowWhatAnOptionTakes) {
  const std::string bash = bash_completion(app_);
  EXPECT_THAT(bash, HasSubstr("'prog event add --mode') words='fast slow' ;;"));
  EXPECT_THAT(bash, HasSubstr("'prog event add --limit') words='' ;;"));
  EXPECT_THAT(bash, HasSubstr("*' --store') words='' ;;"));
  EXPECT_THAT(zsh_completion(app_), HasSubstr("'prog event add --mode') compadd -- fast slow"));
  EXPECT_THAT(fish_completion(app_),
              HasSubstr("'__holdfast_at event add' -l mode -x -a 'fast slow'"));
}

// The reference of one command: its heading and what follows.
struct Section {
  std::string words = {};  // "holdfast fs ls"
  std::vector<std::string> options = {};
  std::vector<std::string> examples = {};
};

std::vector<Section> sections_of(const std::string& markdown) {
  std::vector<Section> sections(1);
  bool is_example = false;
  std::istringstream lines(markdown);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("### ")) {
      sections.push_back({.words = line.substr(4)});
      is_example = false;
    } else if (line == "Example:") {
      is_example = true;
    } else if (line.starts_with("| `")) {
      // "| `-r,--recursive` | ..."
      const size_t name = line.find("--");
      if (name != line.npos) {
        sections.back().options.push_back(line.substr(name, line.find_first_of("` ", name) - name));
      }
    } else if (is_example && line.starts_with("    ")) {
      sections.back().examples.push_back(line.substr(4));
    }
  }
  return sections;
}

// Options of the example's command exist; what a program behind "--" gets, or another one behind a
// "|", is not looked at.
void expect_options_exist(const Section& section, const Section& everywhere,
                          const std::string& example) {
  std::istringstream words(example);
  for (std::string word; words >> word && word != "--" && word != "|" && word != "&&";) {
    if (!word.starts_with("--")) continue;
    EXPECT_TRUE(std::count(section.options.begin(), section.options.end(), word) > 0 ||
                std::count(everywhere.options.begin(), everywhere.options.end(), word) > 0)
        << word << " in: " << example;
  }
}

TEST_F(CommandsTest, EveryCommandHasAnExampleWithOptionsThatExist) {
  EXPECT_EQ(run_bare({"reference"}), kExitOk) << error_;
  EXPECT_EQ(out_.find('\0'), out_.npos);
  const std::vector<Section> sections = sections_of(out_);
  EXPECT_GT(sections.size(), 200u);
  for (size_t i = 1; i < sections.size(); ++i) {
    const Section& section = sections[i];
    bool is_shown = false;
    for (const std::string& example : section.examples) {
      const size_t at = example.find(section.words);
      if (at == example.npos) continue;
      is_shown = true;
      // An example of a family is that of one of its commands, which is looked at there.
      const bool is_family =
          i + 1 < sections.size() && sections[i + 1].words.starts_with(section.words + " ");
      if (!is_family) expect_options_exist(section, sections[0], example.substr(at));
    }
    EXPECT_TRUE(is_shown) << section.words << " has no example";
  }
}

TEST_F(CommandsTest, HelpIsWrappedBetweenWordsOnATerminal) {
  EXPECT_EQ(run_bare({"ingest", "--help"}), kExitOk);
  EXPECT_EQ(wrapped_help(out_, 1'000), out_);
  for (const size_t columns : {size_t{60}, size_t{80}}) {
    const std::string help = wrapped_help(out_, columns);
    std::istringstream lines(help);
    for (std::string line; std::getline(lines, line) && line != "Example:";) {
      EXPECT_LE(line.size(), columns) << line;
    }
    EXPECT_THAT(help, HasSubstr("\n" + std::string(30, ' ') + (columns == 60 ? "time" : "with")))
        << "the explanation of --git goes on beside it";
    EXPECT_THAT(help, HasSubstr("holdfast ingest --processes 4 /usr/share/man /usr/share/doc\n"));
  }
}

TEST_F(CommandsTest, AnOptionThatIsNotShownIsNowhere) {
  EXPECT_EQ(run_bare({"torture", "--help"}), kExitOk);
  EXPECT_THAT(out_, AllOf(Not(HasSubstr("--order")), Not(HasSubstr("\n\n\n"))));
  EXPECT_EQ(run_bare({"reference"}), kExitOk);
  EXPECT_THAT(out_, AllOf(Not(HasSubstr("` TEXT`")), HasSubstr("--seed NUMBER")));
}

TEST_F(CommandsTest, HelpNamesWhatAnOptionTakes) {
  EXPECT_EQ(run_bare({"link", "of", "--help"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("--direction both|in|out"));
  EXPECT_EQ(run_bare({"stats", "--help"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("--watch DURATION  "));
  EXPECT_EQ(run_bare({"list", "--help"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("--limit NUMBER in [1 - 10000]"));
}

}  // namespace
}  // namespace holdfast::cli
