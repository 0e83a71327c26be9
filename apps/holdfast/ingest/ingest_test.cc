#include "ingest/ingest.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "ingest/file_ingester.h"
#include "ingest/git_history.h"
#include "ingest/id_ledger.h"
#include "process/shared_area.h"
#include "support/temporary_directory.h"

namespace holdfast::ingest {
namespace {

namespace fs = std::filesystem;

class IngestTest : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    fs::create_directories(fs::path(temporary_.path_of("in/" + name)).parent_path());
    std::ofstream(temporary_.path_of("in/" + name)) << text;
  }
  FileList files(size_t files_max = 0) {
    return *list_files({temporary_.path_of("in")}, "", files_max);
  }

  TemporaryDirectory temporary_;
};

TEST_F(IngestTest, FoldersAreWalkedAndLinksAreNot) {
  write("b.txt", "b");
  write("a/c.txt", "c");
  write(".git/config", "x");
  write(".holdfast/data", "x");
  fs::create_symlink(temporary_.path_of("in/b.txt"), temporary_.path_of("in/link"));
  FileList list = files();
  ASSERT_EQ(list.files.size(), 2u);
  EXPECT_EQ(list.files[0].path, temporary_.path_of("in/a/c.txt"));
  EXPECT_EQ(list.links, 1u);
}

TEST_F(IngestTest, AFileNamedTwiceIsThereOnce) {
  write("a.txt", "a");
  std::string file = temporary_.path_of("in/a.txt");
  EXPECT_EQ(list_files({file, temporary_.path_of("in/"), file}, "", 0)->files.size(), 1u);
}

TEST_F(IngestTest, ALimitKeepsFilesEvenlySpread) {
  for (char c = 'a'; c <= 'j'; ++c) write(std::string(1, c), "x");
  FileList list = files(2);
  ASSERT_EQ(list.files.size(), 2u);
  EXPECT_EQ(fs::path(list.files[0].path).filename(), "a");
  EXPECT_EQ(fs::path(list.files[1].path).filename(), "f");
}

TEST_F(IngestTest, APathThatDoesNotExistIsAnError) {
  auto list = list_files({temporary_.path_of("nothing")}, "", 0);
  EXPECT_EQ(list.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(list.status().path(), temporary_.path_of("nothing"));
}

TEST_F(IngestTest, SectionsOfOneTextHaveDifferentKeys) {
  documents::Document document{"t", {{"h", "same"}, {"h", "same"}}};
  auto observations = observations_of("/a", document);
  EXPECT_NE(observations[0].key, observations[1].key);
  EXPECT_NE(observations[0].key, observations_of("/b", document)[0].key);
  EXPECT_EQ(observations[0].key, observations_of("/a", document)[0].key);
  EXPECT_EQ(observations[0].title, "t: h");
}

TEST_F(IngestTest, TheIdLedgerComesBack) {
  std::string path = temporary_.path_of("ledger");
  std::vector<std::string> ids = {"01890a5d-ac96-774b-bcce-b302099a8057",
                                  "01890a5d-ac96-774b-bcce-b302099a8058"};
  IdLedger ledger;
  ASSERT_TRUE(ledger.open(path));
  ASSERT_TRUE(ledger.append(ids));
  ASSERT_TRUE(ledger.append({}));
  std::ofstream(path, std::ios::app) << "01890a5d-ac96";  // cut off
  EXPECT_EQ(*read_id_ledger(path), ids);
  std::ofstream(path, std::ios::app) << "\n";
  EXPECT_EQ(read_id_ledger(path).status().code(), StatusCode::kCorruption);
}

class IngestStoreTest : public IngestTest {
 protected:
  struct Counts {
    IngestReport report;
    uint64_t added, existing, removed, unchanged;
  };
  Counts run(uint32_t processes, bool kill_one = false) {
    IngestOptions options;
    options.store_path = temporary_.path_of("store");
    options.space = "test";
    options.processes = processes;
    options.ledger_path = temporary_.path_of("ledger");
    options.kill_one = kill_one;
    process::SharedArea<Progress> progress;
    auto report = run_ingest(options, files().files, *progress);
    EXPECT_TRUE(report) << report.status().to_string();
    return {report ? *report : IngestReport(), progress->sections_added.load(),
            progress->sections_existing.load(), progress->sections_removed.load(),
            progress->files_unchanged.load()};
  }
  std::vector<Observation> observations() {
    auto store = Store::open(temporary_.path_of("store"));
    auto space = store->space("test");
    return *space->observations().list({.limit = 10000});
  }
};

TEST_F(IngestStoreTest, ASecondRunAddsNothing) {
  for (int i = 0; i < 20; ++i) {
    write("f" + std::to_string(i) + ".md", "# A\nalpha\n# B\nbeta " + std::to_string(i) + "\n");
  }
  Counts first = run(3);
  EXPECT_EQ(first.added, 40u);
  Counts second = run(3);
  EXPECT_EQ(second.added, 0u);
  EXPECT_EQ(second.unchanged, 20u);
  EXPECT_EQ(observations().size(), 40u);
}

TEST_F(IngestStoreTest, AChangedFileReplacesWhatItSaid) {
  write("f.md", "# A\nalpha\n# B\nbeta\n");
  run(1);
  write("f.md", "# A\nalpha\n# B\nchanged text\n");
  Counts second = run(1);
  EXPECT_EQ(second.added, 1u);
  EXPECT_EQ(second.existing, 1u);
  EXPECT_EQ(second.removed, 1u);
  std::set<std::string> contents;
  for (const Observation& observation : observations()) contents.insert(observation.content);
  EXPECT_EQ(contents, (std::set<std::string>{"alpha", "changed text"}));
}

TEST_F(IngestStoreTest, AFileThatIsEmptyNowSaysNothingAnyMore) {
  write("f.md", "# A\nalpha\n");
  write("g.md", "# B\nbeta\n");
  run(1);
  write("f.md", "");
  EXPECT_EQ(run(1).removed, 1u);
  EXPECT_EQ(observations().size(), 1u);
  EXPECT_EQ(run(1).removed, 0u);
  write("f.md", "# A\nalpha\n");
  EXPECT_EQ(run(1).added, 1u) << "and something again";
}

TEST_F(IngestStoreTest, AFileOfVeryManySectionsIsNotedWhole) {
  constexpr int kSections = 28'000;
  std::string text;
  for (int i = 0; i < kSections; ++i) text += "# " + std::to_string(i) + "\n\nx\n\n";
  write("many.md", text);
  EXPECT_EQ(run(1).added, uint64_t{kSections});
  const Counts again = run(1);
  EXPECT_EQ(again.unchanged, 1u);
  EXPECT_EQ(again.existing, uint64_t{kSections});
  write("many.md", "# 0\n\nx\n");
  EXPECT_EQ(run(1).removed, uint64_t{kSections} - 1);
  EXPECT_EQ(observations().size(), 1u);
}

TEST_F(IngestStoreTest, AKilledProcessLosesAndDoublesNothing) {
  uint64_t sections = 0;
  for (int i = 0; i < 60; ++i) {
    std::string text;
    for (int k = 0; k < 150; ++k, ++sections) {
      text += "# S" + std::to_string(k) + "\nfile " + std::to_string(i) + " section " +
              std::to_string(k) + "\n";
    }
    write("f" + std::to_string(i) + ".md", text);
  }
  Counts counts = run(4, /*kill_one=*/true);
  EXPECT_EQ(counts.report.kills, 1u);
  EXPECT_EQ(counts.report.restarts, 1u);
  std::set<std::string> ids;
  std::set<std::string> contents;
  for (const Observation& observation : observations()) {
    ids.insert(observation.id);
    contents.insert(observation.content);
  }
  EXPECT_EQ(ids.size(), sections);
  EXPECT_EQ(contents.size(), sections);
  auto acknowledged = read_id_ledger(temporary_.path_of("ledger"));
  ASSERT_TRUE(acknowledged);
  for (const std::string& id : *acknowledged) {
    EXPECT_EQ(ids.count(id), 1u) << id;
  }
}

class GitHistoryTest : public IngestTest {
 protected:
  GitHistoryTest() {
    ::setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
    git("init -q");
  }
  void git(const std::string& words) {
    const std::string command = "git -C '" + repository_ + "' -c user.name=Ada " +
                                "-c user.email=ada@example.org " + words + " >/dev/null";
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
  }
  void commit(const std::string& file, const std::string& message, const std::string& when) {
    std::ofstream(repository_ + "/" + file) << message;
    git("add -A");
    git("commit -q --date='" + when + "' -m '" + message + "'");
  }
  uint64_t remembered(Progress& progress) {
    IngestOptions options;
    options.store_path = temporary_.path_of("store");
    options.space = "test";
    options.store.durability = Durability::batched;
    options.processes = 2;
    const auto list = list_commits({repository_});
    EXPECT_TRUE(list) << list.status().to_string();
    const auto report = run_ingest(options, list->files, progress);
    EXPECT_TRUE(report) << report.status().to_string();
    return *Store::open(options.store_path)->space("test")->observations().count();
  }

  const std::string repository_ = [this] {
    const std::string path = temporary_.path_of("repository");
    fs::create_directories(path);
    return path;
  }();
};

TEST_F(GitHistoryTest, ACommitIsRememberedWithTimeAuthorAndFiles) {
  commit("a.txt", "Fix the clock", "2026-01-31T09:05:00Z");
  const auto list = list_commits({repository_});
  ASSERT_TRUE(list) << list.status().to_string();
  ASSERT_EQ(list->files.size(), 1u);
  const auto commits = read_commits(list->files[0].path, list->files[0].commits);
  ASSERT_TRUE(commits) << commits.status().to_string();
  const NewObservation observation = observation_of((*commits)[0]);
  EXPECT_EQ(observation.content, "Fix the clock\n\nFiles: a.txt");
  EXPECT_EQ(observation.title, "Fix the clock");
  EXPECT_EQ(observation.happened_us, 1'769'850'300'000'000);
  EXPECT_NE(observation.metadata->find("Ada <ada@example.org>"), std::string::npos);
}

TEST_F(GitHistoryTest, RunAgainItAddsOnlyWhatIsNew) {
  for (int i = 0; i < 70; ++i) {
    commit("f", "change " + std::to_string(i), "2026-01-31T09:05:00Z");
  }
  process::SharedArea<Progress> first;
  EXPECT_EQ(remembered(*first), 70u);
  EXPECT_EQ(first->sections_added.load(), 70u);
  commit("f", "one more", "2026-01-31T09:05:00Z");
  process::SharedArea<Progress> second;
  EXPECT_EQ(remembered(*second), 71u);
  EXPECT_EQ(second->sections_added.load(), 1u);
  EXPECT_EQ(second->files_unchanged.load(), 1u) << "the piece of 64";
}

TEST_F(GitHistoryTest, WhatIsNoRepositoryIsAnError) {
  EXPECT_EQ(list_commits({repository_}).status().code(), StatusCode::kInvalidArgument)
      << "no commits yet";
  EXPECT_EQ(list_commits({temporary_.path_of("nothing")}).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(GitCommit, MessagesOfAnyKindAreKept) {
  Commit commit{.hash = std::string(40, 'a'), .author = "A <a>", .time_us = 0, .message = ""};
  EXPECT_EQ(observation_of(commit).content, "(no message)");
  EXPECT_EQ(observation_of(commit).title, std::nullopt);
  commit.message = "Subject\n\nBody";
  for (int i = 0; i < 50; ++i) commit.files.push_back("f" + std::to_string(i));
  EXPECT_EQ(observation_of(commit).title, "Subject");
  EXPECT_NE(observation_of(commit).content.find("and 10 more"), std::string::npos);
}

}  // namespace
}  // namespace holdfast::ingest
