#include "bench/json.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temporary_directory.h"

namespace holdfast::bench {
namespace {

Measurement some_run() {
  Measurement run;
  run.of_case = "W8";
  run.case_workers = 1;
  run.workload = "W8 sorted";
  run.engine = "a \"quoted\" engine";
  run.processes = 3;
  run.repetition = 2;
  run.rate = 1234.5;
  run.verdict.ghosts = 7;
  run.figures = {{"files_mb", 1.25}, {"syncs", 4}};
  return run;
}

TEST(JsonTest, ARunReadsBackAsItWasWritten) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/runs.jsonl";
  std::ofstream(path) << json_line(Header{{"machine", "this one"}}) << "\n"
                      << json_line(some_run()) << "\n";
  const Recorded recorded = read_lines(path);
  EXPECT_EQ(recorded.header, (Header{{"machine", "this one"}}));
  ASSERT_EQ(recorded.runs.size(), 1u);
  EXPECT_EQ(json_line(recorded.runs[0]), json_line(some_run()));
  EXPECT_EQ(recorded.runs[0].verdict.ghosts, 7u);
  EXPECT_DOUBLE_EQ(recorded.runs[0].figure("files_mb"), 1.25);
}

TEST(JsonTest, ALineCutShortIsPassedOver) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/runs.jsonl";
  const std::string line = json_line(some_run());
  std::ofstream(path) << line << "\n" << line.substr(0, line.size() / 2);
  EXPECT_EQ(read_lines(path).runs.size(), 1u);
}

TEST(JsonTest, AMemberThatIsMissingKeepsItsDefault) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/runs.jsonl";
  std::ofstream(path) << R"({"workload": "W8 sorted", "engine": "lmdb", "files_mb": 2})"
                      << "\n";
  const Recorded recorded = read_lines(path);
  ASSERT_EQ(recorded.runs.size(), 1u);
  EXPECT_EQ(recorded.runs[0].case_keys, 0u);
  EXPECT_DOUBLE_EQ(recorded.runs[0].figure("files_mb"), 2);
}

TEST(JsonTest, NoFileHasNoRuns) {
  EXPECT_TRUE(read_lines("/nowhere/at/all").runs.empty());
}

}  // namespace
}  // namespace holdfast::bench
