// The command line from end to end, in this process: what it prints, what it returns, what it
// makes.
#include "cli/commands.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "cli/commands_fixture.h"
#include "cli/files.h"

namespace holdfast::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

TEST_F(StoreCommandsTest, ScoresAreExplainedAndTheIndexIsMadeAnew) {
  EXPECT_EQ(run({"remember", "the clock is late"}), kExitOk);
  EXPECT_EQ(run({"remember", "the door is open"}), kExitOk);
  EXPECT_EQ(run({"recall", "clock", "--explain"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("clock: 1 in a length of 4 (mean 4.0), in 1 of 2"));
  EXPECT_EQ(run({"recall", "clock", "--explain", "--json"}), kExitOk);
  EXPECT_EQ(json()["explanation"][0]["term"], "clock");
  EXPECT_EQ(run({"recall", "late -clock door"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("open"));
  EXPECT_EQ(run({"reindex", "--json"}), kExitOk) << error_;
  EXPECT_EQ(json()["observations"], 2);
  EXPECT_EQ(run({"recall", "clock"}), kExitOk);
}

TEST_F(StoreCommandsTest, EventsAreAppendedReadFollowedAndVerified) {
  EXPECT_EQ(run({"event", "append", "log", "one", "--type", "a", "--json"}), kExitOk) << error_;
  EXPECT_EQ(json()["number"], 1);
  EXPECT_EQ(run({"event", "append", "log", "two", "--type", "b"}), kExitOk);
  EXPECT_EQ(out_, "2\n");
  EXPECT_EQ(run({"event", "read", "log", "--from", "2", "--json"}), kExitOk);
  EXPECT_EQ(json()["data"], "two");
  EXPECT_EQ(run({"event", "tail", "log", "--from", "1", "--for", "0.01"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("one"));
  EXPECT_EQ(run({"event", "consume", "log", "me", "--limit", "1"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("one"));
  EXPECT_EQ(run({"event", "consume", "log", "me"}), kExitOk);
  EXPECT_EQ(run({"event", "consume", "log", "me"}), kExitNotFound);
  EXPECT_EQ(run({"event", "consumers", "log", "--json"}), kExitOk);
  EXPECT_EQ(json()["next"], 3);
  EXPECT_EQ(run({"event", "seek", "log", "other", "1"}), kExitOk);
  EXPECT_EQ(run({"event", "remove-consumer", "log", "other"}), kExitOk);
  EXPECT_EQ(run({"event", "remove-consumer", "log", "other"}), kExitNotFound);
  EXPECT_EQ(run({"event", "seal", "log", "--json"}), kExitOk);
  const std::string seal = "2:" + json()["hash"].get<std::string>();
  EXPECT_EQ(run({"event", "verify", "log", "--expect", seal}), kExitOk) << error_;
  EXPECT_EQ(run({"event", "verify", "log", "--expect", "2:00"}), kExitDamage);
  EXPECT_EQ(run({"event", "list", "--json"}), kExitOk);
  EXPECT_EQ(json()["next"], 3);
  EXPECT_EQ(run({"event", "retain", "log", "--count", "1"}), kExitOk) << error_;
  EXPECT_EQ(run({"event", "trim", "log", "--json"}), kExitOk);
  EXPECT_EQ(json()["trimmed"], 1);
  EXPECT_EQ(run({"event", "retain", "log", "--age", "soon"}), kExitUsage);
  EXPECT_EQ(run({"event", "read", "log", "--from", "9"}), kExitUsage);
  EXPECT_EQ(run({"event", "remove", "log"}), kExitOk);
  EXPECT_EQ(run({"event", "list"}), kExitOk);
  EXPECT_EQ(out_, "");
}

TEST_F(StoreCommandsTest, ArtifactsArePutFoundNamedAndRemoved) {
  EXPECT_EQ(run({"artifact", "put", "data", "one", "--alias", "first"}), kExitOk) << error_;
  EXPECT_EQ(out_, "data@1\n");
  EXPECT_EQ(run({"artifact", "put", "data", "two", "--type", "text/plain", "--metadata",
                 "{\"branch\":\"main\"}", "--json"}),
            kExitOk);
  EXPECT_EQ(json()["version"], 2);
  EXPECT_EQ(run({"artifact", "put", "model", "m", "--parent", "data@first", "--made-by", "run/7"}),
            kExitOk);
  EXPECT_EQ(run({"artifact", "get", "data@first"}), kExitOk);
  EXPECT_EQ(out_, "one");
  const std::string file = temporary_.path_of("out");
  EXPECT_EQ(run({"artifact", "get", "data", "--to", file}), kExitOk) << error_;
  EXPECT_EQ(*read_file(file), "two");
  EXPECT_EQ(run({"artifact", "ls", "--metadata", "branch=main", "--json"}), kExitOk) << error_;
  EXPECT_EQ(json()["version"], 2);
  EXPECT_EQ(run({"artifact", "ls", "--where", "size < 9 AND metadata.branch = main", "--json"}),
            kExitOk)
      << error_;
  EXPECT_EQ(json()["version"], 2);
  EXPECT_EQ(run({"artifact", "ls", "--where", "branch = main"}), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("there is no field `branch`"));
  EXPECT_EQ(run({"artifact", "ls"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("model@1"));
  EXPECT_EQ(run({"artifact", "use", "model", "run/8"}), kExitOk);
  EXPECT_EQ(run({"artifact", "show", "model", "--json"}), kExitOk);
  EXPECT_EQ(json()["links"].size(), 3u);
  EXPECT_EQ(run({"artifact", "versions", "data"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("text/plain"));
  EXPECT_EQ(run({"artifact", "rm", "data@1"}), kExitNotFound);  // it has an alias
  EXPECT_EQ(run({"artifact", "alias", "data", "first", "--remove"}), kExitOk);
  EXPECT_EQ(run({"artifact", "rm", "data@1"}), kExitOk) << error_;
  EXPECT_EQ(run({"artifact", "put", "data", "x", "--if-latest", "7"}), kExitNotFound);
  EXPECT_EQ(run({"artifact", "archive", "data", "model"}), kExitOk);
  EXPECT_EQ(run({"artifact", "ls"}), kExitOk);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(run({"artifact", "archive", "data", "--undo"}), kExitOk);
  EXPECT_EQ(run({"artifact", "put", "data", "3"}), kExitOk);
  EXPECT_EQ(run({"artifact", "prune", "data", "--keep", "1", "--json"}), kExitOk);
  EXPECT_EQ(json()["removed"], 1);
  EXPECT_EQ(run({"artifact", "rm", "data", "model"}), kExitOk) << error_;
  EXPECT_EQ(run({"artifact", "get", "data"}), kExitNotFound);
}

TEST_F(StoreCommandsTest, ArtifactsAreGuardedSignedAndMoved) {
  const std::string key = temporary_.path_of("ann.key");
  EXPECT_EQ(run({"artifact", "put", "plan", "step one", "--metadata", "{\"a\": 1.0}"}), kExitOk);
  EXPECT_EQ(run({"artifact", "grant", "plan", "bob", "read", "--actor", "ann"}), kExitOk);
  EXPECT_EQ(run({"artifact", "get", "plan", "--actor", "bob"}), kExitOk);
  EXPECT_EQ(run({"artifact", "put", "plan", "x", "--actor", "bob"}), kExitRefused);
  EXPECT_EQ(run({"artifact", "revoke", "plan", "bob", "--actor", "ann"}), kExitOk);
  EXPECT_EQ(run({"artifact", "get", "plan", "--actor", "bob"}), kExitRefused);
  EXPECT_EQ(run({"artifact", "keygen", key}), kExitOk) << error_;
  EXPECT_EQ(fs::status(key).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(run({"artifact", "keygen", key}), kExitNotFound);
  EXPECT_EQ(run({"artifact", "verify", "plan", "--key", "ann=" + key + ".pub"}), kExitNotFound);
  EXPECT_EQ(run({"artifact", "sign", "plan", "--key", key, "--signer", "ann"}), kExitOk) << error_;
  EXPECT_EQ(run({"artifact", "verify", "plan", "--key", "ann=" + key + ".pub", "--json"}), kExitOk);
  EXPECT_EQ(json()["trusted_as"], "ann");
  EXPECT_EQ(run({"artifact", "verify", "plan", "--key", key + "x"}), kExitUsage);

  EXPECT_EQ(run({"artifact", "put", "large", std::string(100'000, 'x'), "--parent", "plan"}),
            kExitOk);
  const std::string moved = temporary_.path_of("moved");
  EXPECT_EQ(run({"artifact", "export", moved}), kExitOk) << error_;
  store_ = temporary_.path_of("other");
  EXPECT_EQ(run({"init"}), kExitOk);
  EXPECT_EQ(run({"artifact", "import", moved, "--json"}), kExitOk) << error_;
  EXPECT_EQ(json()["versions"], 2);
  EXPECT_EQ(run({"artifact", "import", moved, "--json"}), kExitOk);
  EXPECT_EQ(json()["existed"], 2);
  EXPECT_EQ(run({"artifact", "verify", "plan", "--key", "ann=" + key + ".pub"}), kExitOk) << error_;
  EXPECT_EQ(run({"artifact", "show", "large", "--json"}), kExitOk);
  EXPECT_EQ(json()["links"][0]["to"], "artifact/plan@1");
  for (const auto& file : fs::directory_iterator(moved + "/contents")) {
    std::ofstream(file.path(), std::ios::app) << "more";
  }
  store_ = temporary_.path_of("third");
  EXPECT_EQ(run({"init"}), kExitOk);
  EXPECT_EQ(run({"artifact", "import", moved}), kExitDamage);
  EXPECT_EQ(run({"artifact", "import", temporary_.path_of("nowhere")}), kExitUsage);
}

TEST_F(CommandsTest, AProjectKeepsItsMemoryWhenItIsMovedAndWhenItIsNamed) {
  const std::string project = temporary_.path_of("clock");
  const std::string moved = temporary_.path_of("moved");
  fs::create_directories(project + "/.git");
  EXPECT_EQ(run_bare({"init", project}), kExitOk) << error_;
  const std::string name = "project/" + *read_file(project + "/.git/holdfast-id");
  fs::rename(project, moved);
  EXPECT_EQ(run_bare({"init", moved}), kExitOk) << "the store is there";
  const std::string space = name.substr(0, name.size() - 1);
  EXPECT_EQ("project/" + *read_file(moved + "/.git/holdfast-id"), name);
  const std::vector<std::string> there = {"--store", moved + "/.holdfast", "--space"};
  const auto in_space = [&](const std::string& path, std::vector<std::string> words) {
    words.insert(words.begin(), path);
    words.insert(words.begin(), there.begin(), there.end());
    return run_bare(words);
  };
  EXPECT_EQ(in_space(space, {"remember", "it is late"}), kExitOk) << error_;
  EXPECT_EQ(run_bare({"init", moved, "--id", "clock", "--json"}), kExitOk) << error_;
  EXPECT_EQ(json()["moved_from"], space);
  EXPECT_EQ(in_space("project/clock", {"recall", "late"}), kExitOk) << error_;
}

TEST_F(CommandsTest, WhatInitWritesIntoAStoreBelongsThere) {
  const std::string project = temporary_.path_of("clock");
  EXPECT_EQ(run_bare({"init", project}), kExitOk) << error_;
  EXPECT_TRUE(fs::exists(project + "/.holdfast/holdfast-id"));
  EXPECT_EQ(run_bare({"--store", project + "/.holdfast", "doctor"}), kExitOk) << out_;
}

TEST_F(StoreCommandsTest, DefinitionsArePublishedAndRolledBack) {
  EXPECT_EQ(run({"registry", "put", "agent", "reviewer", "one", "--publish"}), kExitOk) << error_;
  EXPECT_EQ(run({"registry", "put", "agent", "reviewer", "two", "--note", "shorter"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("a draft"));
  EXPECT_EQ(run({"registry", "get", "agent", "reviewer", "--count"}), kExitOk);
  EXPECT_EQ(out_, "one");
  EXPECT_EQ(run({"registry", "publish", "agent", "reviewer", "2", "--by", "ann"}), kExitOk);
  EXPECT_EQ(run({"registry", "publish", "agent", "reviewer", "2"}), kExitNotFound);
  EXPECT_EQ(run({"registry", "get", "agent", "reviewer", "--json"}), kExitOk);
  EXPECT_EQ(json()["body"], "two");
  EXPECT_EQ(run({"registry", "rollback", "agent", "reviewer", "--json"}), kExitOk);
  EXPECT_EQ(json()["version"], 1);
  EXPECT_EQ(run({"registry", "history", "agent", "reviewer"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("1 again"));
  EXPECT_EQ(run({"registry", "get", "agent", "reviewer", "--version", "2", "--count"}), kExitOk);
  EXPECT_EQ(run({"registry", "versions", "agent", "reviewer"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("shorter"));
  EXPECT_EQ(run({"registry", "ls", "--kind", "agent", "--json"}), kExitOk);
  EXPECT_EQ(json()["published"], 1);
  EXPECT_EQ(run({"registry", "unpublish", "agent", "reviewer"}), kExitOk);
  EXPECT_EQ(run({"registry", "get", "agent", "reviewer"}), kExitNotFound);
  EXPECT_EQ(run({"registry", "rm", "agent", "reviewer"}), kExitOk);
  EXPECT_EQ(run({"registry", "ls"}), kExitOk);
  EXPECT_EQ(out_, "");
}

TEST_F(StoreCommandsTest, RecordsHoldUpOrDoNot) {
  EXPECT_EQ(run({"record", "heuristic", "Read the log first", "--because", "a restart truncates it",
                 "--tag", "ops", "--json"}),
            kExitOk)
      << error_;
  const std::string id = json()["id"];
  EXPECT_EQ(run({"recall", "restart truncates"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("Read the log first"));
  EXPECT_EQ(run({"record", "promote", id}), kExitNotFound);
  for (const char* evidence : {"run/1", "run/1", "run/2"}) {
    EXPECT_EQ(run({"record", "confirm", id, "--evidence", evidence, "--json"}), kExitOk) << error_;
  }
  EXPECT_EQ(json()["confirmations"], 2);
  EXPECT_EQ(run({"record", "contradict", id, "--evidence", "run/3", "--note", "once"}), kExitOk);
  EXPECT_EQ(run({"record", "edit", id, "--set", "except=in tests", "--json"}), kExitOk) << error_;
  EXPECT_EQ(json()["fields"]["except"], "in tests");
  EXPECT_EQ(run({"record", "promote", id, "--force", "--why", "we agreed"}), kExitOk) << error_;
  EXPECT_EQ(run({"record", "ls", "--state", "promoted", "--json"}), kExitOk);
  EXPECT_EQ(json()["outcome"], "we agreed");
  EXPECT_EQ(run({"record", "show", id}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("2 for, 1 against"));
  EXPECT_EQ(run({"record", "reopen", id}), kExitOk);
  EXPECT_EQ(run({"record", "retract", id, "it was luck"}), kExitOk);
  EXPECT_EQ(run({"record", "failure", "Deploy hung", "--cause", "a dead lock", "--json"}), kExitOk);
  EXPECT_EQ(run({"record", "close", json()["id"].get<std::string>(), "fixed"}), kExitOk) << error_;
  EXPECT_EQ(run({"outbox", "list", "records", "--json"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("failure/closed"));
  EXPECT_EQ(run({"record", "rm", id}), kExitOk);
  EXPECT_EQ(run({"record", "show", id}), kExitNotFound);
  EXPECT_EQ(run({"record", "failure", "no field"}), kExitUsage);
}

TEST_F(StoreCommandsTest, LinksAreMadeFollowedAndRemoved) {
  EXPECT_EQ(run({"link", "add", "a", "causes", "b", "--weight", "2"}), kExitOk) << error_;
  EXPECT_EQ(run({"link", "add", "b", "causes", "c"}), kExitOk);
  EXPECT_EQ(run({"link", "of", "b", "--direction", "in", "--json"}), kExitOk);
  EXPECT_EQ(json()["from"], "a");
  EXPECT_EQ(json()["weight"], 2);
  EXPECT_EQ(run({"link", "walk", "a", "--prefix", "c", "--json"}), kExitOk);
  EXPECT_EQ(json()["depth"], 2);
  EXPECT_EQ(run({"link", "spread", "a", "--limit", "1", "--json"}), kExitOk);
  EXPECT_EQ(json()["end"], "b");
  EXPECT_EQ(run({"link", "remove", "a", "causes", "b"}), kExitOk);
  EXPECT_EQ(run({"link", "remove", "a", "causes", "b"}), kExitNotFound);
  EXPECT_EQ(run({"link", "remove-end", "c", "--json"}), kExitOk);
  EXPECT_EQ(json()["removed"], 1);
  EXPECT_EQ(run({"link", "add", "a", "is", "a"}), kExitUsage);
  EXPECT_EQ(run({"link", "add", "a", "is", "observation/0"}), kExitUsage);
}

TEST_F(StoreCommandsTest, ClaimsAreTakenGuardedAndReleased) {
  EXPECT_EQ(run({"claim", "take", "deploy", "--holder", "me", "--json"}), kExitOk) << error_;
  const std::string id = json()["id"];
  EXPECT_EQ(run({"claim", "take", "deploy"}), kExitConflict);
  EXPECT_THAT(error_, HasSubstr("me"));
  EXPECT_EQ(run({"claim", "run", "deploy", "--", "true"}), kExitConflict);
  EXPECT_EQ(run({"claim", "renew", id, "deploy", "--ttl", "5m"}), kExitOk) << error_;
  EXPECT_EQ(run({"claim", "guard", id, "deploy"}), kExitOk);
  EXPECT_EQ(run({"claim", "list", "--json"}), kExitOk);
  EXPECT_EQ(json()["holder"], "me");
  EXPECT_EQ(run({"claim", "release", id, "deploy"}), kExitOk);
  EXPECT_EQ(run({"claim", "guard", id, "deploy"}), kExitConflict);
  EXPECT_EQ(run({"claim", "run", "deploy", "--", "true"}), kExitOk) << error_;
  EXPECT_EQ(run({"claim", "run", "deploy", "--", "false"}), kExitNotFound);
  EXPECT_EQ(run({"claim", "run", "deploy", "--", "/no/such/program"}), kExitUsage);
  EXPECT_EQ(run({"claim", "list"}), kExitOk);
  EXPECT_EQ(out_, "");
}

TEST_F(StoreCommandsTest, JobsArePushedTakenAndDone) {
  EXPECT_EQ(run({"queue", "push", "q", "one", "--priority", "5"}), kExitOk) << error_;
  EXPECT_EQ(run({"queue", "push", "q", "two", "--key", "k"}), kExitOk);
  EXPECT_EQ(run({"queue", "push", "q", "two", "--key", "k", "--json"}), kExitOk);
  EXPECT_EQ(json()["existed"], true);
  EXPECT_EQ(run({"queue", "take", "q", "--json"}), kExitOk);
  EXPECT_EQ(json()["payload"], "one");
  const std::string id = json()["id"];
  const std::string lease = json()["lease"];
  EXPECT_EQ(run({"queue", "extend", "q", id, lease, "--for", "1m"}), kExitOk) << error_;
  EXPECT_EQ(run({"queue", "nack", "q", id, lease, "--error", "no", "--delay", "0"}), kExitOk);
  EXPECT_EQ(run({"queue", "ack", "q", id, lease}), kExitConflict);
  EXPECT_EQ(run({"queue", "work", "q", "--json", "--", "cat"}), kExitOk) << error_;
  EXPECT_EQ(json()["done"], 2);
  EXPECT_EQ(run({"queue", "show", "q", id, "--json"}), kExitOk);
  EXPECT_EQ(json()["result"], "one");
  EXPECT_EQ(run({"queue", "take", "q"}), kExitNotFound);
  EXPECT_EQ(run({"queue", "configure", "q", "--attempts", "1"}), kExitOk) << error_;
  EXPECT_EQ(run({"queue", "push", "q", "bad"}), kExitOk);
  EXPECT_EQ(run({"queue", "work", "q", "--", "false"}), kExitOk);
  EXPECT_EQ(run({"queue", "dead", "q", "--json"}), kExitOk);
  EXPECT_EQ(json()["error"], "exit code 1");
  const std::string dead = json()["id"];
  EXPECT_EQ(run({"queue", "requeue", "q", dead}), kExitOk);
  EXPECT_EQ(run({"queue", "stats", "q", "--json"}), kExitOk);
  EXPECT_EQ(json()["ready"], 1);
  EXPECT_EQ(json()["done"], 2);
  EXPECT_EQ(run({"queue", "remove", "q", dead}), kExitOk);
}

TEST_F(StoreCommandsTest, MessagesAreSentAndReceived) {
  EXPECT_EQ(run({"message", "send", "bob", "hello", "--from", "alice"}), kExitOk) << error_;
  EXPECT_EQ(run({"message", "list", "--json"}), kExitOk);
  EXPECT_EQ(json()["messages"], 1);
  EXPECT_EQ(run({"message", "receive", "bob", "--keep"}), kExitOk);
  EXPECT_EQ(run({"message", "receive", "bob", "--json"}), kExitOk);
  EXPECT_EQ(json()["from"], "alice");
  EXPECT_EQ(json()["body"], "hello");
  EXPECT_EQ(run({"message", "receive", "bob", "--wait", "1ms"}), kExitNotFound);
  EXPECT_EQ(run({"at-work", "coder", "--activity", "tests", "--", "true"}), kExitOk) << error_;
  EXPECT_EQ(run({"who", "--all"}), kExitOk);
  EXPECT_EQ(out_, "");
}

TEST_F(StoreCommandsTest, WhatComesInIsMarkedAndWhatGoesOutIsRelayed) {
  EXPECT_EQ(run({"inbox", "mark", "hooks", "k"}), kExitOk) << error_;
  EXPECT_EQ(run({"inbox", "mark", "hooks", "k"}), kExitNotFound);
  EXPECT_EQ(run({"outbox", "add", "mail", "hello", "--topic", "t"}), kExitOk) << error_;
  EXPECT_EQ(run({"outbox", "relay", "mail", "--attempts", "1", "--json", "--", "false"}), kExitOk);
  EXPECT_EQ(json()["dead"], 1);
  EXPECT_EQ(run({"outbox", "list", "mail", "--dead", "--json"}), kExitOk);
  EXPECT_EQ(json()["payload"], "hello");
  EXPECT_EQ(run({"outbox", "requeue", "mail", json()["id"]}), kExitOk);
  EXPECT_EQ(run({"outbox", "relay", "mail", "--json", "--", "true"}), kExitOk) << error_;
  EXPECT_EQ(json()["delivered"], 1);
}

TEST_F(StoreCommandsTest, ACommandIsRunOnlyIfItsOutputIsNotCached) {
  const std::vector<std::string> command = {"cache", "run", "--json", "--", "echo", "hi"};
  EXPECT_EQ(run(command), kExitOk) << error_;
  EXPECT_EQ(json()["value"], "hi\n");
  EXPECT_EQ(json()["computed"], true);
  EXPECT_EQ(run(command), kExitOk);
  EXPECT_EQ(json()["computed"], false);
  EXPECT_EQ(run({"cache", "run", "--", "false"}), kExitNotFound);
  EXPECT_EQ(run({"cache", "put", "a", "x", "--tag", "t", "--ttl", "1h"}), kExitOk) << error_;
  EXPECT_EQ(run({"cache", "get", "a"}), kExitOk);
  EXPECT_EQ(out_, "x");
  EXPECT_EQ(run({"cache", "list", "a", "--json"}), kExitOk);
  EXPECT_EQ(json()["tags"][0], "t");
  EXPECT_EQ(run({"cache", "remove", "--tag", "t", "--json"}), kExitOk);
  EXPECT_EQ(json()["removed"], 1);
  EXPECT_EQ(run({"cache", "get", "a"}), kExitNotFound);
  EXPECT_EQ(run({"cache", "stats", "--json"}), kExitOk);
  EXPECT_EQ(json()["computations"], 1);
  EXPECT_EQ(json()["hits"], 2);
  EXPECT_EQ(run({"cache", "configure", "--bytes-max", "1"}), kExitUsage);
  EXPECT_EQ(run({"cache", "clear"}), kExitOk);
}

TEST_F(CommandsTest, AWrongCommandLineIsUsage) {
  EXPECT_EQ(run_bare({}), kExitUsage);
  EXPECT_EQ(run_bare({"frob"}), kExitUsage);
  EXPECT_EQ(error_, "holdfast: there is no command \"frob\"; see: holdfast --help\n");
  EXPECT_EQ(run_bare({"get"}), kExitUsage);
  EXPECT_EQ(run_bare({"get", "a", "--durability", "none"}), kExitUsage);
}

TEST_F(CommandsTest, NothingButInitMakesANamedStore) {
  EXPECT_EQ(run({"get", "a"}), kExitRefused);
  EXPECT_EQ(run({"put", "a", "b"}), kExitRefused);
  EXPECT_THAT(error_, HasSubstr("holdfast init --store " + store_));
  EXPECT_FALSE(fs::exists(store_));
  EXPECT_EQ(run({"init"}), kExitOk);
  EXPECT_EQ(run({"put", "a", "b"}), kExitOk);
}

TEST_F(CommandsTest, WritingMakesTheUsersStoreAndReadingDoesNot) {
  fs::current_path(temporary_.path());
  EXPECT_EQ(run_bare({"get", "a"}), kExitRefused);
  EXPECT_FALSE(fs::exists(temporary_.path_of("home")));
  EXPECT_EQ(run_bare({"put", "a", "b"}), kExitOk) << error_;
  EXPECT_EQ(run_bare({"get", "a"}), kExitOk);
  EXPECT_EQ(out_, "b");
  EXPECT_TRUE(fs::exists(temporary_.path_of("home/.local/share/holdfast")));
  fs::current_path("/");
}

TEST_F(CommandsTest, AFolderOfSomethingElseIsRefusedAndLeftAlone) {
  fs::create_directories(store_);
  std::ofstream(store_ + "/letter.txt") << "dear";
  EXPECT_EQ(run({"init"}), kExitRefused);
  EXPECT_EQ(run({"put", "a", "b"}), kExitRefused);
  EXPECT_THAT(error_, HasSubstr("[path " + store_));
  EXPECT_EQ(std::distance(fs::directory_iterator(store_), fs::directory_iterator()), 1);
}

TEST_F(CommandsTest, WhoamiSaysWhy) {
  EXPECT_EQ(run({"whoami", "--json"}), kExitOk);
  EXPECT_EQ(json()["store"], store_);
  EXPECT_EQ(json()["store_reason"], "--store");
  EXPECT_EQ(json()["space_reason"], "--space");
  EXPECT_EQ(json()["store_exists"], false);
  EXPECT_EQ(run({"whoami", "--space", "a//b"}), kExitUsage) << "as of every command";
}

TEST_F(StoreCommandsTest, AValueComesBackByteForByte) {
  std::string bytes("\0\xFF\n\x80 x", 6);
  std::ofstream(temporary_.path_of("value"), std::ios::binary) << bytes;
  EXPECT_EQ(run({"put", "k", "--file", temporary_.path_of("value")}), kExitOk);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(run({"get", "k"}), kExitOk);
  EXPECT_EQ(out_, bytes);
  EXPECT_EQ(run({"get", "k", "--json"}), kExitOk);
  EXPECT_EQ(json()["value_base64"], "AP8KgCB4");
}

TEST_F(StoreCommandsTest, WhatIsNotThereIsExitCodeOne) {
  EXPECT_EQ(run({"get", "k"}), kExitNotFound);
  EXPECT_EQ(error_, "holdfast: no key \"k\" in space test\n");
  EXPECT_EQ(run({"del", "k"}), kExitNotFound);
  EXPECT_EQ(run({"recall", "nothing"}), kExitNotFound);
  EXPECT_EQ(run({"show", "01890a5d-ac96-774b-bcce-b302099a8057"}), kExitNotFound);
}

TEST_F(StoreCommandsTest, WhatCannotBeAcceptedIsUsage) {
  EXPECT_EQ(run({"put", std::string(1001, 'k'), "v"}), kExitUsage);
  EXPECT_EQ(run({"remember", "bad \xFF text"}), kExitUsage);
  EXPECT_EQ(run({"put", "k"}), kExitUsage);
  EXPECT_EQ(run({"ls", "--json"}), kExitOk);
  EXPECT_EQ(out_, "");
}

TEST_F(StoreCommandsTest, LargeValuesGoInAndOutByteForByte) {
  std::string value;
  while (value.size() <= 3u << 20) value += std::to_string(value.size() * 7919) + "\n";
  EXPECT_EQ(run({"put", "large", value}), kExitOk);
  EXPECT_EQ(run({"get", "large"}), kExitOk);
  EXPECT_TRUE(out_ == value);
  EXPECT_EQ(run({"get", "large", "--json"}), kExitUsage);  // a line of JSON has its limit
  EXPECT_EQ(run({"ls"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr(std::to_string(value.size())));
  EXPECT_EQ(run({"put", "large", "small"}), kExitOk);
  EXPECT_EQ(run({"get", "large"}), kExitOk);
  EXPECT_EQ(out_, "small");
}

TEST_F(StoreCommandsTest, ValuesHaveVersionsAndHistory) {
  EXPECT_EQ(run({"ls", "--at", "1"}), kExitNotFound);
  EXPECT_THAT(error_, HasSubstr("no history is kept of all keys of the space;"));
  EXPECT_EQ(run({"ls", "a/", "--at", "1"}), kExitNotFound);
  EXPECT_THAT(error_, HasSubstr("of all keys that begin with \"a/\";"));
  EXPECT_EQ(run({"history", "keep", "doc/", "--versions", "10"}), kExitOk) << error_;
  EXPECT_EQ(run({"put", "doc/a", "one", "--json"}), kExitOk);
  const uint64_t first = json()["version"];
  EXPECT_EQ(run({"cas", "doc/a", std::to_string(first), "two"}), kExitOk) << error_;
  EXPECT_EQ(run({"cas", "doc/a", std::to_string(first), "three"}), kExitNotFound);
  EXPECT_THAT(error_, HasSubstr("read it again"));
  EXPECT_EQ(run({"get", "doc/a", "--at", std::to_string(first)}), kExitOk) << error_;
  EXPECT_EQ(out_, "one");
  EXPECT_EQ(run({"get", "doc/a", "--json"}), kExitOk);
  EXPECT_EQ(json()["value"], "two");
  EXPECT_GT(json()["version"], first);
  EXPECT_EQ(run({"ls", "doc/", "--at", std::to_string(first), "--json"}), kExitOk) << error_;
  EXPECT_EQ(json()["value"], "one");
  EXPECT_EQ(run({"history", "doc/a", "--limit", "1", "--json"}), kExitOk);
  EXPECT_EQ(json()["value"], "two");
  EXPECT_EQ(run({"history", "list", "--json"}), kExitOk);
  EXPECT_EQ(json()["versions"], 2);
  EXPECT_EQ(run({"get", "other", "--at", "1"}), kExitNotFound);
  EXPECT_EQ(run({"get", "doc/a", "--at", "yesterday"}), kExitUsage);
  EXPECT_EQ(run({"history", "drop", "doc/"}), kExitOk);
  EXPECT_EQ(run({"history", "drop", "doc/"}), kExitNotFound);
}

TEST_F(StoreCommandsTest, ValuesAreMergedCountedAndExpire) {
  EXPECT_EQ(run({"merge", "config", R"({"port":1,"old":2})"}), kExitOk) << error_;
  EXPECT_EQ(run({"merge", "config", R"({"port":8080,"old":null})"}), kExitOk);
  EXPECT_EQ(run({"get", "config", "--path", "/port"}), kExitOk) << error_;
  EXPECT_EQ(out_, "8080\n");
  EXPECT_EQ(run({"get", "config", "--path", "/old"}), kExitNotFound);
  EXPECT_EQ(run({"merge", "config", "{"}), kExitUsage);
  EXPECT_EQ(run({"count", "visits", "3"}), kExitOk);
  EXPECT_EQ(run({"count", "visits", "-1", "--json"}), kExitOk) << error_;
  EXPECT_EQ(json()["number"], 2);
  EXPECT_EQ(run({"put", "lock", "mine", "--ttl", "1h", "--if-version", "0"}), kExitOk) << error_;
  EXPECT_EQ(run({"put", "lock", "mine", "--if-version", "0"}), kExitNotFound);
  EXPECT_EQ(run({"get", "lock", "--json"}), kExitOk);
  EXPECT_TRUE(json().contains("expires_us"));
}

TEST_F(StoreCommandsTest, SpacesAreRenamedTrashedAndDeleted) {
  EXPECT_EQ(run_bare({"--store", store_, "--space", "team/a", "put", "k", "v"}), kExitOk);
  EXPECT_EQ(run_bare({"--store", store_, "--space", "team/a/b", "put", "k", "v"}), kExitOk);
  EXPECT_EQ(run({"space", "rename", "team/a", "crew"}), kExitOk) << error_;
  EXPECT_EQ(run({"space", "list"}), kExitOk);
  EXPECT_EQ(out_, "crew\ncrew/b\n");
  EXPECT_EQ(run({"space", "stats", "crew", "--sub-spaces", "--json"}), kExitOk);
  EXPECT_EQ(json()["values"], 2);
  EXPECT_EQ(run({"space", "delete", "crew"}), kExitNotFound);
  EXPECT_EQ(run({"space", "trash", "crew", "--sub-spaces", "--json"}), kExitOk);
  const std::string id = std::to_string(json()["id"].get<uint64_t>());
  EXPECT_EQ(run({"space", "list"}), kExitOk);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(run({"space", "trashed", "--json"}), kExitOk);
  EXPECT_EQ(json()["space"], "crew");
  EXPECT_EQ(run({"space", "restore", id, "--to", "back"}), kExitOk) << error_;
  EXPECT_EQ(run_bare({"--store", store_, "--space", "back/b", "get", "k"}), kExitOk);
  EXPECT_EQ(run({"space", "delete", "back", "--sub-spaces"}), kExitOk);
  EXPECT_EQ(run({"space", "purge", id}), kExitNotFound);
  EXPECT_EQ(run({"space", "list"}), kExitOk);
  EXPECT_EQ(out_, "");
}

TEST_F(StoreCommandsTest, LsPagesInOrder) {
  for (const char* key : {"b", "a", "c", "x"}) run({"put", key, "v"});
  EXPECT_EQ(run({"ls", "--keys", "--limit", "2"}), kExitOk);
  EXPECT_EQ(out_, "a\nb\n");
  EXPECT_THAT(error_, HasSubstr("--after \"b\""));
  EXPECT_EQ(run({"ls", "--keys", "--after", "b"}), kExitOk);
  EXPECT_EQ(out_, "c\nx\n");
  EXPECT_EQ(run({"del", "a"}), kExitOk);
  EXPECT_EQ(run({"ls", "--keys", "--limit", "1"}), kExitOk);
  EXPECT_EQ(out_, "b\n");
}

TEST_F(StoreCommandsTest, WhatIsRememberedIsRecalled) {
  EXPECT_EQ(run({"remember", "login fails when the clock is behind", "--title", "Clock", "--tag",
                 "auth", "--source", "tool:bash", "--key", "one", "--json"}),
            kExitOk);
  std::string id = json()["id"];
  EXPECT_EQ(json()["existed"], false);
  EXPECT_EQ(run({"remember", "the same again", "--key", "one", "--json"}), kExitOk);
  EXPECT_EQ(json()["id"], id);
  EXPECT_EQ(json()["existed"], true);
  EXPECT_EQ(run({"recall", "clocks", "login", "--json"}), kExitOk);
  EXPECT_EQ(json()["id"], id);
  EXPECT_EQ(json()["rank"], 1);
  EXPECT_FALSE(json()["highlights"].empty());
  EXPECT_EQ(run({"recall", "clock", "--tag", "other"}), kExitNotFound);
  EXPECT_EQ(run({"show", id.substr(0, 23), "--json"}), kExitOk);
  EXPECT_EQ(json()["tags"], Json::array({"auth"}));
  EXPECT_FALSE(json().contains("session"));
  EXPECT_EQ(run({"list"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("login fails"));
}

TEST_F(StoreCommandsTest, AFilterAndSubSpacesChooseWhatIsListedAndRecalled) {
  EXPECT_EQ(run({"remember", "the clock", "--kind", "fact", "--confidence", "0.9"}), kExitOk);
  const auto run_above = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"--store", store_, "--space", "above"});
    return run_bare(std::move(words));
  };
  EXPECT_EQ(run_bare({"--store", store_, "--space", "above/below", "remember", "a clock"}),
            kExitOk);
  EXPECT_EQ(run({"list", "--where", "kind = fact AND confidence > 0.8", "--json"}), kExitOk);
  EXPECT_EQ(json()["content"], "the clock");
  EXPECT_EQ(run({"list", "--where", "confidence < 0.8"}), kExitOk);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(run({"list", "--where", "kind fact"}), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("wrong at byte 5: expected one of ="));
  EXPECT_EQ(run({"recall", "clock", "--where", "kind = note"}), kExitNotFound);
  EXPECT_EQ(run_above({"list"}), kExitOk);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(run_above({"list", "--sub-spaces"}), kExitOk) << error_;
  EXPECT_THAT(out_, HasSubstr("above/below"));
  EXPECT_EQ(run_above({"recall", "clock", "--sub-spaces", "--json"}), kExitOk);
  EXPECT_EQ(json()["space"], "above/below");
}

TEST_F(StoreCommandsTest, AnotherSpaceSeesNothing) {
  run({"put", "k", "v"});
  run({"remember", "secret plan"});
  EXPECT_EQ(run_bare({"--store", store_, "--space", "test2", "get", "k"}), kExitNotFound);
  EXPECT_EQ(run_bare({"--store", store_, "--space", "test2", "recall", "plan"}), kExitNotFound);
  EXPECT_EQ(run_bare({"--store", store_, "--space", "test/sub", "get", "k"}), kExitNotFound);
}

TEST_F(StoreCommandsTest, CheckCountsAndDamageIsExitCodeFour) {
  for (int i = 0; i < 40; ++i) run({"put", "k" + std::to_string(i), std::string(3000, 'v')});
  EXPECT_EQ(run({"check", "--json"}), kExitOk) << error_;
  EXPECT_GE(json()["keys"].get<int>(), 40);
  EXPECT_TRUE(json()["problems"].empty());
  std::fstream data(store_ + "/data", std::ios::in | std::ios::out | std::ios::binary);
  auto pages = static_cast<int64_t>(fs::file_size(store_ + "/data") / 4096);
  for (int64_t page = 2; page < pages; ++page) {
    data.seekp(page * 4096 + 3000);
    data.put('#');
  }
  data.close();
  EXPECT_EQ(run({"check", "--json"}), kExitDamage);
  EXPECT_THAT(error_, HasSubstr("[path " + store_));
}

TEST_F(StoreCommandsTest, IngestRemembersFilesOnce) {
  std::ofstream(temporary_.path_of("a.md")) << "# Boats\nrowing at night\n# Cars\ndriving\n";
  std::ofstream(temporary_.path_of("b.bin"), std::ios::binary) << std::string(10, '\0');
  std::vector<std::string> words = {"ingest",
                                    "--processes",
                                    "2",
                                    "--json",
                                    "--ledger",
                                    temporary_.path_of("ledger"),
                                    temporary_.path_of("a.md"),
                                    temporary_.path_of("b.bin")};
  EXPECT_EQ(run(words), kExitOk) << error_;
  EXPECT_EQ(json()["sections_added"], 2);
  EXPECT_EQ(json()["files_skipped"]["binary"], 1);
  EXPECT_EQ(run(words), kExitOk);
  EXPECT_EQ(json()["sections_added"], 0);
  EXPECT_EQ(json()["files_unchanged"], 1);
  EXPECT_EQ(run({"recall", "boat", "--json"}), kExitOk);
  EXPECT_EQ(json()["title"].get<std::string>().find(": Boats") != std::string::npos, true);
  EXPECT_EQ(run({"verify-ledger", temporary_.path_of("ledger"), "--json"}), kExitOk);
  EXPECT_EQ(json()["present"], 2);
  std::ofstream(temporary_.path_of("ledger"), std::ios::app)
      << "01890a5d-ac96-774b-bcce-b302099a8057\n";
  EXPECT_EQ(run({"verify-ledger", temporary_.path_of("ledger")}), kExitDamage);
}

TEST_F(StoreCommandsTest, SnapshotsAreReadByName) {
  EXPECT_EQ(run({"put", "a", "old"}), kExitOk);
  EXPECT_EQ(run({"snapshot", "create", "before"}), kExitOk) << error_;
  EXPECT_EQ(out_, "Version 1 is \"before\"\n");
  EXPECT_EQ(run({"put", "a", "new"}), kExitOk);
  EXPECT_EQ(run({"get", "a", "--at-snapshot", "before"}), kExitOk);
  EXPECT_EQ(out_, "old");
  EXPECT_EQ(run({"ls", "--at-snapshot", "before", "--json"}), kExitOk);
  EXPECT_EQ(json()["value"], "old");
  EXPECT_EQ(run({"snapshot", "list", "--json"}), kExitOk);
  EXPECT_EQ(json()["name"], "before");
  EXPECT_EQ(json()["version"], 1);
  EXPECT_EQ(run({"stats"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("snapshot before"));
  EXPECT_EQ(run({"snapshot", "create", "before"}), kExitNotFound);  // a condition that is false
  EXPECT_EQ(run({"snapshot", "drop", "before"}), kExitOk) << error_;
  EXPECT_EQ(run({"snapshot", "drop", "before"}), kExitNotFound);
  EXPECT_EQ(run({"get", "a", "--at-snapshot", "before"}), kExitNotFound);
  EXPECT_EQ(run({"snapshot", "create"}), kExitUsage);
  EXPECT_EQ(run({"snapshot", "frob", "x"}), kExitUsage);
}

TEST_F(StoreCommandsTest, WatchPrintsWhatHappenedSince) {
  EXPECT_EQ(run({"watch", "--for", "0.01"}), kExitNotFound);  // nothing in the space yet
  EXPECT_EQ(run({"put", "queue/1", "a"}), kExitOk);
  EXPECT_EQ(run({"put", "other", "b"}), kExitOk);
  EXPECT_EQ(run({"del", "queue/1"}), kExitOk);
  EXPECT_EQ(run({"watch", "--prefix", "queue/", "--since", "0", "--for", "0.01", "--json"}),
            kExitOk);
  EXPECT_THAT(out_, HasSubstr("\"change\":\"put\",\"key\":\"queue/1\""));
  EXPECT_THAT(out_, HasSubstr("\"change\":\"del\",\"key\":\"queue/1\""));
  EXPECT_THAT(out_, testing::Not(HasSubstr("other")));
  EXPECT_EQ(run({"watch", "--since", "1", "--for", "0.01"}), kExitOk);
  EXPECT_THAT(out_, testing::StartsWith("2  "));
  EXPECT_EQ(run({"watch", "--since", "x"}), kExitUsage);
}

TEST_F(StoreCommandsTest, StatsNameEverySourceOfGrowth) {
  const std::string large = temporary_.path_of("large");
  std::ofstream(large) << std::string(2u << 20, 'b');
  for (const char* key : {"a", "b"}) {
    EXPECT_EQ(run({"put", key, "--file", large}), kExitOk) << error_;
    std::ofstream(large, std::ios::app) << "and more";
  }
  EXPECT_EQ(run({"stats", "--json"}), kExitOk) << error_;
  Json stats = json();
  EXPECT_EQ(stats["blobs"], 2);
  EXPECT_EQ(stats["blob_content_bytes"], 2 * (2u << 20) + 8);
  EXPECT_GT(stats["blob_stored_bytes"], 0);
  EXPECT_EQ(stats["blobs_unreferenced"], 0);
  EXPECT_EQ(run({"put", "a", "small"}), kExitOk);
  EXPECT_EQ(run({"stats", "--json"}), kExitOk) << error_;
  stats = json();
  // Whoever takes the last reference away may collect the file at once.
  EXPECT_EQ(stats["blobs"], 1);
  EXPECT_LE(stats["blobs_unreferenced"], 1);
  EXPECT_EQ(stats["blob_unreferenced_bytes"] > 0, stats["blobs_unreferenced"] == 1);
  for (const char* name :
       {"log_bytes", "log_needed_bytes", "data_bytes", "free_bytes", "retired_bytes",
        "leaked_bytes", "histories", "history_versions", "history_bytes", "commits_per_sync",
        "commits_per_apply", "conflicts", "retries", "oldest_readers", "snapshots", "locks"}) {
    EXPECT_TRUE(stats.contains(name)) << name;
  }
  for (const Json& lock : stats["locks"]) {
    for (const char* name : {"lock", "waits", "waited_us", "holds_timed", "held_us"}) {
      EXPECT_TRUE(lock.contains(name)) << name;
    }
  }
}

TEST_F(StoreCommandsTest, StatusAndStatsAreObjects) {
  run({"remember", "one"});
  EXPECT_EQ(run({"status", "--json"}), kExitOk);
  EXPECT_EQ(json()["observations"], 1);
  EXPECT_EQ(json()["durable_version"], json()["version"]);
  EXPECT_EQ(run({"stats", "--json"}), kExitOk);
  EXPECT_GE(json()["commits"].get<int>(), 1);
  EXPECT_EQ(run({"status"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("observations"));
}

}  // namespace
}  // namespace holdfast::cli
