// Commands of the kinds of memory: what becomes of observations, tiers and vectors, runs with their
// steps and gates; and what each kind says to bad input.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio_ext.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "cli/commands_fixture.h"
#include "cli/files.h"
#include "holdfast/store.h"

namespace holdfast::cli {
namespace {

using ::testing::HasSubstr;

class KindsCommandsTest : public StoreCommandsTest {
 protected:
  // The id that a command prints first.
  std::string id_of(const std::vector<std::string>& words) {
    EXPECT_EQ(run(words), kExitOk) << error_;
    return out_.substr(0, out_.find_first_of(" \n"));
  }
  // Where nothing can be written to stdout; `reader_left`: for a pipe that nobody reads.
  int run_unread(std::vector<std::string> words, bool reader_left) {
    words.insert(words.begin(), {"holdfast", "--store", store_, "--space", "test"});
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    int ends[2] = {-1, ::open("/dev/full", O_WRONLY | O_CLOEXEC)};
    if (reader_left) {
      ::close(ends[1]);
      EXPECT_EQ(::pipe(ends), 0);
      ::close(ends[0]);
    }
    std::fflush(stdout);
    const int before = ::dup(STDOUT_FILENO);
    ::dup2(ends[1], STDOUT_FILENO);
    ::testing::internal::CaptureStderr();
    const int code = Commands().run(static_cast<int>(words.size()), arguments.data());
    error_ = ::testing::internal::GetCapturedStderr();
    ::__fpurge(stdout);
    std::clearerr(stdout);
    ::dup2(before, STDOUT_FILENO);
    ::close(before);
    ::close(ends[1]);
    return code;
  }
  uint64_t version() {
    Store store = std::move(*Store::open(store_));
    return store.snapshot()->version();
  }
};

TEST_F(KindsCommandsTest, ObservationsAreEditedSupersededForgottenAndRestored) {
  const std::string id = id_of({"remember", "the port is 80", "--tag", "net"});
  EXPECT_EQ(run({"edit", id, "--title", "port", "--tag", "ports"}), kExitOk) << error_;
  EXPECT_EQ(run({"edit", id, "--title", "x", "--revision", "0"}), kExitNotFound);
  EXPECT_EQ(run({"show", id, "--json"}), kExitOk);
  EXPECT_EQ(json()["title"], "port");
  EXPECT_EQ(run({"reinforce", id, "--how", "confirmed"}), kExitOk) << error_;
  EXPECT_EQ(run({"supersede", id, "the port is 8080"}), kExitOk) << error_;
  EXPECT_EQ(run({"supersede", id, "the port is 81"}), kExitNotFound);
  EXPECT_THAT(error_, HasSubstr("is superseded by"));
  EXPECT_EQ(run({"forget", id}), kExitOk) << error_;
  EXPECT_EQ(run({"list", "--json"}), kExitOk);
  EXPECT_NE(json()["id"], id) << "its successor alone is listed";
  EXPECT_EQ(run({"list", "--forgotten", "--json"}), kExitOk);
  EXPECT_EQ(json()["id"], id);
  EXPECT_EQ(run({"restore", id}), kExitOk) << error_;
  EXPECT_EQ(run({"restore", id}), kExitNotFound);
  EXPECT_EQ(run({"forget", "--purge", id}), kExitOk) << error_;
  EXPECT_EQ(run({"show", id}), kExitNotFound);
}

TEST_F(KindsCommandsTest, NearDuplicatesAreConsolidatedAndOldOnesCompressed) {
  id_of({"remember", "the login fails when the clock of the machine is behind the other one"});
  id_of({"remember", "the login fails when the clock of the machine is behind the other ones"});
  EXPECT_EQ(run({"consolidate", "--dry-run", "--json"}), kExitOk) << error_;
  EXPECT_EQ(json()["sources"].size(), 2u);
  EXPECT_EQ(run({"consolidate"}), kExitOk) << error_;
  EXPECT_EQ(run({"list", "--json"}), kExitOk);
  EXPECT_EQ(json()["derived_from"].size(), 2u) << out_;
  EXPECT_EQ(run({"tier", "--warm-after", "0s", "--cold-after", "0s"}), kExitOk) << error_;
  EXPECT_EQ(run({"tier", "--counts", "--json"}), kExitOk);
  EXPECT_EQ(json()["cold"], 1);
  EXPECT_EQ(run({"list", "--tier", "cold", "--json"}), kExitOk);
  EXPECT_EQ(run({"recall", "clock"}), kExitOk) << "what is cold is found";
  EXPECT_EQ(run({"tier", "--warm-after", "2d", "--cold-after", "1d"}), kExitUsage);
}

TEST_F(KindsCommandsTest, VectorsArePutAndFoundByWhatIsNear) {
  const std::string file = temporary_.path_of("vector.json");
  std::ofstream(file) << "[1, 0.5]";
  const std::string id = id_of({"remember", "with", "--vector", file, "--model", "m"});
  EXPECT_EQ(run({"vectors", "list", "--json"}), kExitOk) << error_;
  EXPECT_EQ(json()["dimension"], 2);
  EXPECT_EQ(run({"similar", "--vector", file, "--json"}), kExitOk) << error_;
  EXPECT_EQ(json()["id"], id);
  std::ofstream(file) << "[1, 0.5, 2]";
  EXPECT_EQ(run({"vectors", "put", "main", id, "--vector", file, "--model", "m"}), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("has 3 values"));
  std::ofstream(file) << "not a vector";
  EXPECT_EQ(run({"similar", "--vector", file}), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("a JSON array of numbers"));
}

TEST_F(KindsCommandsTest, VectorSpacesOfSeveralModelsStandSideBySide) {
  const std::string file = temporary_.path_of("vector.json");
  std::ofstream(file) << "[1, 0.5]";
  const std::string id = id_of({"remember", "with"});
  EXPECT_EQ(run({"vectors", "put", "code", id, "--vector", file, "--model", "m"}), kExitNotFound);
  EXPECT_THAT(error_, HasSubstr("define one"));
  EXPECT_EQ(run({"vectors", "define", "code", "--model", "m", "--dimension", "2"}), kExitOk);
  EXPECT_EQ(run({"vectors", "define", "text", "--model", "n", "--model-version", "7", "--dimension",
                 "2", "--metric", "dot"}),
            kExitOk)
      << error_;
  EXPECT_EQ(run({"vectors", "define", "code", "--model", "n", "--dimension", "2"}), kExitNotFound);
  EXPECT_EQ(run({"vectors", "define", "x", "--model", "n", "--dimension", "1"}), kExitUsage);
  EXPECT_EQ(run({"vectors", "put", "code", id, "--vector", file, "--model", "m"}), kExitOk);
  EXPECT_EQ(run({"similar", "--vector", file, "--vector-space", "code", "--json"}), kExitOk);
  EXPECT_EQ(json()["id"], id);
  EXPECT_EQ(run({"similar", "--vector", file, "--vector-space", "text"}), kExitNotFound);
  EXPECT_EQ(run({"vectors", "drop", "text", "--dry-run", "--json"}), kExitOk) << error_;
  EXPECT_EQ(json()["name"], "text");
  EXPECT_EQ(run({"vectors", "drop", "text"}), kExitOk) << error_;
  EXPECT_EQ(run({"vectors", "drop", "text", "--dry-run"}), kExitNotFound);
  EXPECT_EQ(run({"vectors", "drop", "text"}), kExitNotFound);
}

TEST_F(KindsCommandsTest, WhatIsMarkedIsListedAndLetGo) {
  EXPECT_EQ(run({"inbox", "mark", "in", "b-1", "--note", "seen"}), kExitOk) << error_;
  EXPECT_EQ(run({"inbox", "mark", "in", "a-1"}), kExitOk);
  EXPECT_EQ(run({"inbox", "mark", "in", "b-1"}), kExitNotFound);
  EXPECT_EQ(run({"inbox", "list", "in", "--prefix", "b", "--json"}), kExitOk) << error_;
  EXPECT_EQ(json()["key"], "b-1");
  EXPECT_EQ(json()["note"], "seen");
  EXPECT_EQ(run({"inbox", "unmark", "in", "b-1"}), kExitOk) << error_;
  EXPECT_EQ(run({"inbox", "unmark", "in", "b-1"}), kExitNotFound);
  EXPECT_EQ(run({"inbox", "mark", "in", "b-1"}), kExitOk);
  EXPECT_EQ(run({"inbox", "purge", "in", "--older-than", "1d", "--json"}), kExitOk) << error_;
  EXPECT_EQ(json()["purged"], 0);
  for (const char* dry_run : {"--dry-run", "--json"}) {
    EXPECT_EQ(run({"inbox", "purge", "in", "--older-than", "0s", "--json", dry_run}), kExitOk);
    EXPECT_EQ(json()["purged"], 2);
  }
  EXPECT_EQ(run({"inbox", "purge", "in", "--older-than", "soon"}), kExitUsage);
}

TEST_F(KindsCommandsTest, AStreamThatNeverWasIsNotVerified) {
  EXPECT_EQ(run({"event", "append", "log", "x"}), kExitOk) << error_;
  EXPECT_EQ(run({"event", "verify", "log"}), kExitOk) << error_;
  EXPECT_EQ(run({"event", "verify", "logs"}), kExitNotFound);
}

TEST_F(KindsCommandsTest, StepsAreBegunCompletedFailedAndHeldUpByGates) {
  const std::string run_id = id_of({"run", "start", "review", "--key", "pr-7"});
  EXPECT_EQ(id_of({"run", "start", "review", "--key", "pr-7"}), run_id);
  EXPECT_EQ(run({"gate", "open", run_id, "deploy", "--prompt", "really?"}), kExitOk) << error_;
  EXPECT_EQ(run({"step", "define", run_id, "last", "--gate", "deploy"}), kExitOk) << error_;
  EXPECT_EQ(run({"step", "start", run_id, "fetch", "--input", "{}", "--json"}), kExitOk) << error_;
  const std::string lease = json()["lease_id"];
  EXPECT_EQ(run({"step", "start", run_id, "fetch", "--input", "{}"}), kExitConflict);
  EXPECT_EQ(run({"step", "heartbeat", run_id, "fetch", "--lease-id", lease}), kExitOk) << error_;
  EXPECT_EQ(run({"step", "complete", run_id, "fetch", "done", "--lease-id", lease}), kExitOk);
  EXPECT_EQ(run({"step", "start", run_id, "fetch", "--input", "{}"}), kExitOk);
  EXPECT_EQ(out_, "done");
  EXPECT_EQ(run({"step", "start", run_id, "fetch", "--input", "[1]"}), kExitNotFound);
  EXPECT_EQ(run({"step", "complete", run_id, "fetch", "x", "--lease-id", lease}), kExitConflict);
  EXPECT_EQ(run({"step", "take", run_id}), kExitNotFound) << "it waits for the gate";
  EXPECT_EQ(run({"run", "finish", run_id}), kExitNotFound);
  EXPECT_EQ(run({"gate", "approve", run_id, "deploy", "--by", "ann"}), kExitOk) << error_;
  EXPECT_EQ(run({"gate", "reject", run_id, "deploy"}), kExitNotFound);
  EXPECT_EQ(run({"gate", "list", run_id, "--json"}), kExitOk);
  EXPECT_EQ(json()["by"], "ann");
  EXPECT_EQ(run({"step", "take", run_id, "--json"}), kExitOk) << error_;
  const std::string last = json()["lease_id"];
  EXPECT_EQ(run({"step", "fail", run_id, "last", "no", "--lease-id", last}), kExitOk) << error_;
  EXPECT_EQ(run({"step", "show", run_id, "last", "--json"}), kExitOk);
  EXPECT_EQ(json()["state"], "failed");
  EXPECT_EQ(run({"run", "timeline", run_id}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("gate approved"));
  EXPECT_EQ(run({"run", "cancel", run_id}), kExitOk) << error_;
  EXPECT_EQ(run({"run", "list", "--state", "cancelled", "--json"}), kExitOk);
  EXPECT_EQ(json()["id"], run_id);
}

TEST_F(KindsCommandsTest, NamesAndDurationsMayBeGivenAsElsewhere) {
  EXPECT_EQ(run({"artifact", "put", "a", "x"}), kExitOk) << error_;
  EXPECT_EQ(run({"artifact", "tag", "a@1", "final"}), kExitOk) << error_;
  EXPECT_EQ(run({"artifact", "list"}), kExitOk) << error_;
  EXPECT_THAT(out_, HasSubstr("a@1"));
  EXPECT_EQ(run({"artifact", "remove", "a"}), kExitOk) << error_;
  EXPECT_EQ(run({"event", "append", "s", "x"}), kExitOk) << error_;
  EXPECT_EQ(run({"event", "ls"}), kExitOk) << error_;
  EXPECT_THAT(out_, HasSubstr("s"));
  EXPECT_EQ(run({"event", "tail", "s", "--from", "1", "--for", "1ms"}), kExitOk) << error_;
  EXPECT_EQ(run({"event", "tail", "s", "--for", "0s"}), kExitUsage);
  EXPECT_EQ(run({"get", "x", "--timeout", "1m"}), kExitNotFound) << error_;
  EXPECT_EQ(run({"get", "x", "--timeout", "1 minute"}), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("is not a duration"));
  EXPECT_EQ(run({"get", "x", "--timeout", "365d"}), kExitUsage) << "beyond its range";
  EXPECT_EQ(run({"run", "start", "r", "--json"}), kExitOk) << error_;
  const auto id = json()["id"].get<std::string>();
  EXPECT_EQ(run({"step", "start", id, "a", "--lease", "2m", "--json"}), kExitOk) << error_;
}

TEST_F(KindsCommandsTest, BlobsAreCountedAndCollected) {
  EXPECT_EQ(run({"artifact", "put", "large", std::string(100'000, 'x')}), kExitOk) << error_;
  EXPECT_EQ(run({"blobs", "stats", "--json"}), kExitOk) << error_;
  EXPECT_EQ(json()["blobs"], 1);
  EXPECT_EQ(run({"artifact", "rm", "large"}), kExitOk);
  EXPECT_EQ(run({"blobs", "collect"}), kExitOk) << error_;
  EXPECT_EQ(run({"blobs", "stats", "--json"}), kExitOk);
  EXPECT_EQ(json()["blobs"], 0);
}

TEST_F(KindsCommandsTest, AJobWhoseLeaseEndedMeanwhileIsLostAndNotDone) {
  EXPECT_EQ(run({"queue", "push", "jobs", "x"}), kExitOk) << error_;
  const std::string begun = temporary_.path_of("begun");
  const std::string may_end = temporary_.path_of("may_end");
  ASSERT_EQ(::mkfifo(begun.c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo(may_end.c_str(), 0600), 0);
  std::thread other([&] {
    std::ifstream wait_for(begun);
    Store store = std::move(*Store::open(store_));
    const auto taken = store.space("test")->queue("jobs").take(
        {.lease = std::chrono::hours(1), .wait = std::chrono::hours(1), .bound_to_handle = false});
    EXPECT_TRUE(taken && taken->size() == 1);
    std::ofstream let_go(may_end);
  });
  EXPECT_EQ(run({"queue", "work", "jobs", "--lease", "10ms", "--", "sh", "-c",
                 "echo > " + begun + "; cat " + may_end}),
            kExitConflict);
  other.join();
  EXPECT_EQ(out_, "0 done, 0 attempts failed, 1 lost to others\n");
  EXPECT_THAT(error_, HasSubstr("allow more time: --lease"));
}

TEST_F(KindsCommandsTest, WhatCannotBePrintedIsNotTaken) {
  for (const bool reader_left : {false, true}) {
    EXPECT_EQ(run({"message", "send", "bob", "hello", "--from", "ann"}), kExitOk) << error_;
    EXPECT_EQ(run_unread({"message", "receive", "bob"}, reader_left), kExitRefused);
    EXPECT_THAT(error_, HasSubstr("in the mailbox again"));
    EXPECT_EQ(run({"message", "receive", "bob", "--json"}), kExitOk) << error_;
    EXPECT_EQ(json()["body"], "hello");
    EXPECT_EQ(json()["from"], "ann");
    EXPECT_EQ(run({"event", "append", "log", "one"}), kExitOk) << error_;
    EXPECT_EQ(run_unread({"event", "consume", "log", "me"}, reader_left), kExitRefused);
    EXPECT_EQ(run({"event", "consume", "log", "me", "--json"}), kExitOk) << error_;
    EXPECT_EQ(json()["data"], "one");
    EXPECT_EQ(run({"queue", "push", "jobs", "x"}), kExitOk) << error_;
    EXPECT_EQ(run_unread({"queue", "take", "jobs"}, reader_left), kExitRefused);
    EXPECT_EQ(run({"queue", "take", "jobs", "--json"}), kExitOk) << error_;
    EXPECT_EQ(json()["attempt"], 2);
    EXPECT_THAT(json()["last_error"].get<std::string>(), HasSubstr("could not print it"));
  }
}

TEST_F(KindsCommandsTest, CommandsWithOtherArgumentsAreCachedApart) {
  const std::vector<std::vector<std::string>> commands = {
      {"printf", "<%s>", "a b"}, {"printf", "<%s>", "a", "b"}, {"printf", "<%s>", "'a b'"},
      {"printf", "<%s>", ""},    {"printf", "<%s>", "a'b"},
  };
  const std::vector<std::string> printed = {"<a b>", "<a><b>", "<'a b'>", "<>", "<a'b>"};
  for (size_t i = 0; i < commands.size(); ++i) {
    std::vector<std::string> words = {"cache", "run", "--"};
    words.insert(words.end(), commands[i].begin(), commands[i].end());
    EXPECT_EQ(run(words), kExitOk) << error_;
    EXPECT_EQ(out_, printed[i]);
  }
  EXPECT_EQ(run({"cache", "get", "printf <%s> 'a b'"}), kExitOk) << error_;
  EXPECT_EQ(run({"cache", "get", "printf <%s> a b"}), kExitOk) << error_;
}

TEST_F(KindsCommandsTest, AnEditTakesTagsAndTimesAwayAndMustChangeSomething) {
  const std::string id = id_of(
      {"remember", "x", "--tag", "a", "--valid-from", "2026-01-01", "--valid-to", "2027-01-01"});
  EXPECT_EQ(run({"edit", id, "--tag", "", "--valid-to", "", "--json"}), kExitOk) << error_;
  EXPECT_FALSE(json().contains("tags") && !json()["tags"].empty()) << out_;
  EXPECT_FALSE(json().contains("valid_to")) << out_;
  EXPECT_TRUE(json().contains("valid_from")) << out_;
  EXPECT_EQ(run({"edit", id, "--valid-from", "", "--json"}), kExitOk) << error_;
  EXPECT_FALSE(json().contains("valid_from")) << out_;
  EXPECT_EQ(run({"edit", id}), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("say what is to change"));
  EXPECT_EQ(run({"edit", id, "--revision", "2"}), kExitUsage);
  EXPECT_EQ(run({"show", id, "--json"}), kExitOk);
  EXPECT_EQ(json()["revision"], 2);
}

TEST_F(KindsCommandsTest, WhatWasForgottenIsListedByFilters) {
  for (const char* kind : {"fact", "note", "fact"}) {
    const std::string id = id_of({"remember", "x", "--kind", kind, "--tag", kind});
    EXPECT_EQ(run({"forget", id}), kExitOk) << error_;
  }
  const auto count = [&](std::vector<std::string> filter) {
    filter.insert(filter.begin(), {"list", "--forgotten", "--json"});
    EXPECT_EQ(run(filter), kExitOk) << error_;
    return std::count(out_.begin(), out_.end(), '\n');
  };
  EXPECT_EQ(count({}), 3);
  EXPECT_EQ(count({"--kind", "fact"}), 2);
  EXPECT_EQ(count({"--kind", "fact", "--limit", "1"}), 1);
  EXPECT_EQ(count({"--tag", "note"}), 1);
  EXPECT_EQ(count({"--where", "kind = note"}), 1);
  EXPECT_EQ(count({"--since", "2100-01-01"}), 0);
  EXPECT_EQ(count({"--until", "2100-01-01"}), 3);
  EXPECT_EQ(count({"--sub-spaces"}), 3);
  const std::string newest = id_of({"list", "--forgotten", "--limit", "1", "--json"});
  EXPECT_EQ(count({"--oldest", "--limit", "1"}), 1);
  EXPECT_NE(out_.substr(0, newest.size()), newest);
  EXPECT_EQ(count({"--oldest", "--after", json()["id"]}), 2);
}

TEST_F(KindsCommandsTest, KeysToSignWithAreToldApart) {
  EXPECT_EQ(run({"artifact", "put", "plan", "x"}), kExitOk) << error_;
  const std::string key = temporary_.path_of("k1");
  EXPECT_EQ(run({"artifact", "keygen", key}), kExitOk) << error_;
  EXPECT_EQ(run({"artifact", "sign", "plan", "--key", key + ".pub"}), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("sign with the secret one"));
  const std::string copy = temporary_.path_of("copy");
  EXPECT_TRUE(write_file(copy, *read_file(key + ".pub")));
  EXPECT_EQ(run({"artifact", "sign", "plan", "--key", copy}), kExitUsage);
  EXPECT_EQ(run({"artifact", "sign", "plan", "--key", key}), kExitOk) << error_;
  EXPECT_EQ(run({"artifact", "verify", "plan", "--key", "ann=" + key}), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("this is a secret key"));
  EXPECT_EQ(run({"artifact", "verify", "plan", "--key", "ann=" + copy}), kExitOk) << error_;
}

TEST_F(KindsCommandsTest, KeysOfOlderFilesSignAndVerify) {
  EXPECT_EQ(run({"artifact", "put", "plan", "x"}), kExitOk) << error_;
  const std::string key = temporary_.path_of("old");
  const std::string digits(64, '7');
  EXPECT_TRUE(write_file(key, digits + "\n"));
  EXPECT_EQ(run({"artifact", "sign", "plan", "--key", key}), kExitOk) << error_;
  EXPECT_EQ(run({"artifact", "show", "plan", "--json"}), kExitOk) << error_;
  const auto open = json()["signatures"][0]["key"].get<std::string>();
  EXPECT_TRUE(write_file(key + ".pub", open + "\n"));
  EXPECT_EQ(run({"artifact", "verify", "plan", "--key", "ann=" + key + ".pub"}), kExitOk) << error_;
  EXPECT_EQ(run({"artifact", "verify", "plan", "--key", "ann=" + key}), kExitUsage);
  EXPECT_EQ(run({"artifact", "sign", "plan", "--key", key + ".pub"}), kExitUsage);
}

TEST_F(KindsCommandsTest, ADryRunIsRefusedWhereTheRemovalIs) {
  const std::string run_id = id_of({"run", "start", "r"});
  EXPECT_EQ(run({"queue", "push", "q", "x"}), kExitOk) << error_;
  EXPECT_EQ(run({"queue", "take", "q", "--json"}), kExitOk) << error_;
  const auto job = json()["id"].get<std::string>();
  EXPECT_EQ(run({"artifact", "put", "a", "x", "--alias", "fin"}), kExitOk) << error_;
  EXPECT_EQ(run({"artifact", "put", "a", "y"}), kExitOk) << error_;
  EXPECT_EQ(run_bare({"--store", store_, "--space", "v/w", "put", "k", "v"}), kExitOk) << error_;
  const std::vector<std::pair<std::vector<std::string>, const char*>> refused = {
      {{"run", "remove", run_id}, "is running"},
      {{"queue", "remove", "q", job}, "is leased"},
      {{"artifact", "rm", "a@1"}, "alias fin names version 1"},
      {{"space", "delete", "v"}, "v"},
  };
  for (const auto& [words, why] : refused) {
    const std::string text = testing::PrintToString(words);
    std::vector<std::string> dry_run = words;
    dry_run.emplace_back("--dry-run");
    EXPECT_EQ(run(dry_run), kExitNotFound) << text;
    EXPECT_EQ(out_, "") << text;
    EXPECT_THAT(error_, HasSubstr(why)) << text;
    const std::string said = error_;
    EXPECT_EQ(run(words), kExitNotFound) << text;
    EXPECT_EQ(error_, said) << text;
  }
  EXPECT_EQ(run({"run", "cancel", run_id}), kExitOk) << error_;
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"run", "remove", run_id}, {"artifact", "rm", "a"}, {"space", "delete", "v/w"}}) {
    std::vector<std::string> dry_run = words;
    dry_run.emplace_back("--dry-run");
    EXPECT_EQ(run(dry_run), kExitOk) << error_;
    EXPECT_EQ(run(words), kExitOk) << "the dry run removed it: " << error_;
  }
}

TEST_F(KindsCommandsTest, AFileIsWrittenByABareNameAndNotIntoAMissingDirectory) {
  namespace fs = std::filesystem;
  EXPECT_EQ(run({"artifact", "put", "a", "x"}), kExitOk) << error_;
  const fs::path before = fs::current_path();
  fs::current_path(temporary_.path());
  EXPECT_EQ(run({"graph", "export", "--file", "memory.jsonl"}), kExitOk) << error_;
  EXPECT_TRUE(fs::exists("memory.jsonl"));
  EXPECT_EQ(run({"artifact", "get", "a", "--to", "bare"}), kExitOk) << error_;
  fs::current_path(before);
  const std::string missing = temporary_.path_of("missing");
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"graph", "export", "--file", missing + "/out"},
                                             {"artifact", "get", "a", "--to", missing + "/out"},
                                             {"artifact", "keygen", missing + "/key"}}) {
    EXPECT_EQ(run(words), kExitUsage) << error_;
    EXPECT_THAT(error_, HasSubstr("there is no directory " + missing));
  }
  EXPECT_FALSE(fs::exists(missing));
}

TEST_F(KindsCommandsTest, BadInputIsRefusedAndChangesNothing) {
  const uint64_t before = version();
  const std::string id = "01890a5d-ac96-774b-bcce-b302099a8057";
  const std::vector<std::vector<std::string>> unusable = {
      {"remember", "x", "--metadata", "{"},
      {"remember", "\xff"},
      {"remember", "x", "--confidence", "nan"},
      {"show", "0189"},
      {"event", "append", "", "x"},
      {"link", "add", "a", "t", "a"},
      {"queue", "push", "q", "x", "--priority", "101"},
      {"claim", "take", "\xff"},
      {"cache", "put", "", "x"},
      {"artifact", "put", "a@b", "x"},
      {"artifact", "put", "a", "x", "--metadata", "[1]"},
      {"registry", "put", "k", "", "x"},
      {"record", "failure", "title", "--field", "colour=red"},
      {"inbox", "mark", "in", ""},
      {"message", "send", "", "x"},
      {"run", "start", "x", "--input", "nul"},
      {"list", "--after", "x"},
      {"list", "--where", "("},
  };
  for (const auto& words : unusable) {
    const std::string text = testing::PrintToString(words);
    EXPECT_EQ(run(words), kExitUsage) << text << error_;
    EXPECT_THAT(error_, HasSubstr("holdfast")) << text;
  }
  const std::vector<std::vector<std::string>> unknown = {
      {"show", id},
      {"edit", id, "--title", "x"},
      {"forget", id},
      {"artifact", "get", "none"},
      {"registry", "get", "agent", "none"},
      {"record", "confirm", id},
      {"run", "show", id},
      {"step", "show", id, "a"},
      {"queue", "show", "q", id},
  };
  for (const auto& words : unknown) {
    EXPECT_EQ(run(words), kExitNotFound) << testing::PrintToString(words) << error_;
  }
  EXPECT_EQ(version(), before);
}

}  // namespace
}  // namespace holdfast::cli
