#include "mcp/work_tools.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "mcp/budget.h"
#include "mcp/held.h"
#include "mcp/memory_tools.h"
#include "support/temporary_directory.h"

namespace holdfast::mcp {
namespace {

using testing::HasSubstr;

class WorkToolsTest : public testing::Test {
 protected:
  WorkToolsTest() {
    add_run_tool(catalogue_, memory_);
    add_claim_tool(catalogue_, memory_);
    add_queue_tool(catalogue_, memory_);
    add_log_tool(catalogue_, memory_);
    add_link_tool(catalogue_, memory_);
    add_artifact_tool(catalogue_, memory_);
    add_memory_tools(catalogue_, memory_);
    add_history_tool(catalogue_, memory_);
    add_value_tool(catalogue_, memory_);
    add_file_tool(catalogue_, memory_);
    add_status_tool(catalogue_, memory_);
    EXPECT_TRUE(context_.make_store(options_.store));
  }

  // What the tool says; of an error its text.
  Json call(const std::string& name, const Json& arguments) {
    return call(catalogue_, name, arguments);
  }
  Json call(const Catalogue& catalogue, const std::string& name, const Json& arguments) {
    for (const Tool& tool : catalogue.tools) {
      if (tool.name != name) continue;
      EXPECT_EQ(misfit(tool.input, arguments), std::nullopt);
      Peer peer(*client_, 1, {}, [](const Json&) { return true; });
      auto result = tool.run(peer, arguments);
      if (!result) return result.status().to_string();
      Json said = (*result)["structuredContent"];
      if (!tool.output.is_null()) {
        EXPECT_EQ(misfit(tool.output, said), std::nullopt) << said;
      }
      return said;
    }
    return "no such tool";
  }

  TemporaryDirectory directory_;
  cli::GlobalOptions options_{.store = directory_.path_of("store"), .space = "test"};
  cli::Context context_{options_, *cli::Surroundings::of_process()};
  Memory memory_{context_};
  Catalogue catalogue_;
  Session session_;
  Session* client_ = &session_;
};

TEST_F(WorkToolsTest, EveryToolSaysWhatItAnswers) {
  for (const Tool& tool : catalogue_.tools) {
    EXPECT_EQ(tool.output.value("type", ""), "object") << tool.name;
    EXPECT_FALSE(tool.output["properties"].empty()) << tool.name;
  }
  EXPECT_EQ(call("status", Json::object())["space"], "test");
  EXPECT_EQ(call("value", {{"action", "set"}, {"key", "a"}, {"value", "b"}})["key"], "a");
  EXPECT_EQ(call("value", {{"action", "get"}, {"key", "a"}})["value"], "b");
  EXPECT_EQ(call("value", {{"action", "list"}})["entries"].size(), 1u);
  const Json taken = call("claim", {{"action", "take"}, {"resources", {"a", "b"}}});
  EXPECT_EQ(taken["resources"].size(), 2u);
  EXPECT_EQ(call("claim", {{"action", "renew"}, {"claim", taken["claim"]}})["token"],
            taken["token"]);
  EXPECT_EQ(call("claim", {{"action", "list"}})["resources"].size(), 2u);
  EXPECT_EQ(call("claim", {{"action", "release"}, {"claim", taken["claim"]}})["released"],
            taken["claim"]);
  EXPECT_EQ(call("queue", {{"action", "push"}, {"queue", "q"}, {"payload", "p"}})["existed"],
            false);
  const Json jobs = call("queue", {{"action", "take"}, {"queue", "q"}})["jobs"];
  EXPECT_EQ(
      call("queue", {{"action", "extend"}, {"queue", "q"}, {"job", jobs[0]["job"]}})["payload"],
      "p");
  EXPECT_EQ(call("queue", {{"action", "stats"}, {"queue", "q"}})["leased"], 1);
}

TEST_F(WorkToolsTest, EventsAreReadInTheirOrderFromTheNewest) {
  for (int i = 1; i <= 5; ++i) {
    (void)call("log", {{"action", "append"}, {"stream", "s"}, {"data", std::to_string(i)}});
  }
  const Json newest = call("log", {{"action", "read"}, {"stream", "s"}, {"limit", 2}});
  ASSERT_EQ(newest["events"].size(), 2u) << newest;
  EXPECT_EQ(newest["events"][0]["data"], "4");
  EXPECT_EQ(newest["next"], 6);
  const Json first = call("log", {{"action", "read"}, {"stream", "s"}, {"from", 1}});
  EXPECT_EQ(first["events"].size(), 5u);
  EXPECT_EQ(call("log", {{"action", "streams"}})["streams"][0]["stream"], "s");
  EXPECT_EQ(call("log", {{"action", "read"}, {"stream", "never"}})["events"].size(), 0u);
  EXPECT_THAT(call("log", {{"action", "append"}, {"stream", "s"}}).dump(), HasSubstr("needs"));
}

TEST_F(WorkToolsTest, EventsOfATypeAreFoundHoweverFarBack) {
  Json append = {{"action", "append"}, {"stream", "s"}, {"type", "t"}, {"data", "first"}};
  (void)call("log", append);
  append["data"] = "second";
  (void)call("log", append);
  const EventStream stream = memory_.space()->events().stream("s");
  ASSERT_TRUE(stream.append_all(std::vector<NewEvent>(2500, {.type = "other"})));
  const Json asked = {{"action", "read"}, {"stream", "s"}, {"type", "t"}, {"limit", 1}};
  const Json newest = call("log", asked);
  ASSERT_EQ(newest["events"].size(), 1u) << newest;
  EXPECT_EQ(newest["events"][0]["data"], "second");
  EXPECT_EQ(newest["next"], 3);
  Json from_first = asked;
  from_first["from"] = 1;
  EXPECT_EQ(call("log", from_first)["events"][0]["data"], "first");
}

TEST_F(WorkToolsTest, LinksAreFoundFromEitherEnd) {
  const Json link = {{"action", "add"}, {"from", "a"}, {"type", "fixes"}, {"to", "b"}};
  EXPECT_EQ(call("link", link)["existed"], false);
  EXPECT_EQ(call("link", link)["existed"], true);
  (void)call("link", {{"action", "add"}, {"from", "b"}, {"type", "causes"}, {"to", "c"}});
  EXPECT_EQ(call("link", {{"action", "of"}, {"end", "b"}})["links"].size(), 2u);
  EXPECT_EQ(call("link", {{"action", "of"}, {"end", "b"}, {"type", "fixes"}})["links"].size(), 1u);
  const Json walked = call("link", {{"action", "walk"}, {"end", "a"}});
  EXPECT_EQ(walked["ends"].size(), 2u) << walked;
  EXPECT_EQ(walked["complete"], true);
  EXPECT_THAT(
      call("link", {{"action", "remove"}, {"from", "x"}, {"type", "y"}, {"to", "z"}}).dump(),
      HasSubstr("not found"));
}

TEST_F(WorkToolsTest, AStepIsDoneOnce) {
  const Json start = {{"action", "start"}, {"name", "deploy"}, {"key", "k"}};
  const Json run = call("run", start);
  EXPECT_EQ(call("run", start)["existed"], true);
  const Json begin = {{"action", "begin_step"}, {"run", run["run"]}, {"step", "build"}};
  const Json begun = call("run", begin);
  ASSERT_EQ(begun["completed"], false) << begun;
  EXPECT_THAT(call("run", begin).dump(), HasSubstr("busy")) << "it is being done";
  EXPECT_EQ(call("run", {{"action", "complete_step"},
                         {"lease", begun["lease"]},
                         {"output", "\"done\""}})["step"],
            "build");
  const Json again = call("run", begin);
  EXPECT_EQ(again["completed"], true);
  EXPECT_EQ(again["output"], "\"done\"");
  EXPECT_EQ(call("run", {{"action", "show"}, {"run", run["run"]}})["steps"][0]["state"],
            "completed");
  EXPECT_EQ(call("run", {{"action", "finish"}, {"run", run["run"]}})["state"], "completed");
  EXPECT_EQ(call("run", {{"action", "list"}})["runs"].size(), 1u);
}

TEST_F(WorkToolsTest, AStepWhoseServerEndedIsResolved) {
  const Json run = call("run", {{"action", "start"}, {"name", "deploy"}});
  const Json begin = {{"action", "begin_step"}, {"run", run["run"]}, {"step", "upload"}};
  const Json resolve = {
      {"action", "resolve_step"}, {"run", run["run"]}, {"step", "upload"}, {"decision", "retry"}};
  {
    Memory other{context_};
    Catalogue catalogue;
    add_run_tool(catalogue, other);
    EXPECT_EQ(call(catalogue, "run", begin)["completed"], false);
    EXPECT_THAT(call("run", resolve).dump(), HasSubstr("only indeterminate"));
  }
  EXPECT_THAT(call("run", begin).dump(), HasSubstr("resolve it"));
  EXPECT_EQ(call("run", resolve)["state"], "ready");
  const Json begun = call("run", begin);
  ASSERT_EQ(begun["completed"], false) << begun;
  EXPECT_EQ(call("run", {{"action", "fail_step"}, {"lease", begun["lease"]}})["step"], "upload");
  EXPECT_THAT(call("run", begin).dump(), HasSubstr("failed"));
  const Json retry = {{"action", "retry_step"}, {"run", run["run"]}, {"step", "upload"}};
  EXPECT_EQ(call("run", retry)["state"], "ready");
  const Json again = call("run", begin);
  EXPECT_EQ(again["attempt"], 3) << again;
}

TEST_F(WorkToolsTest, AStrangersLeaseIsRefused) {
  EXPECT_THAT(call("run", {{"action", "complete_step"}, {"lease", "x"}}).dump(),
              HasSubstr("begin the step again"));
  EXPECT_THAT(call("run", {{"action", "fail_step"}}).dump(), HasSubstr("needs"));
  EXPECT_THAT(call("run", {{"action", "show"}, {"run", "not an id"}}).dump(), HasSubstr("id"));
}

TEST_F(WorkToolsTest, ArtifactsHaveVersionsThatStay) {
  const Json first = call("artifact", {{"action", "put"}, {"name", "report"}, {"text", "one"}});
  EXPECT_EQ(first["version"]["version"], 1) << first;
  EXPECT_EQ(first["version"]["media_type"], "text/plain");
  const Json second = call("artifact", {{"action", "put"},
                                        {"name", "report"},
                                        {"base64", "/w=="},
                                        {"parents", {"report@1"}},
                                        {"metadata", {{"branch", "main"}}},
                                        {"if_latest", 1}});
  EXPECT_EQ(second["version"]["version"], 2) << second;
  EXPECT_EQ(call("artifact", {{"action", "get"}, {"name", "report@1"}})["text"], "one");
  EXPECT_EQ(call("artifact", {{"action", "get"}, {"name", "report"}})["text_base64"], "/w==");
  const Json tagged =
      call("artifact", {{"action", "tag"}, {"name", "report@1"}, {"alias", "prod"}});
  EXPECT_EQ(tagged["version"]["version"], 1);
  EXPECT_EQ(call("artifact", {{"action", "get"}, {"name", "report@prod"}})["text"], "one");
  const Json versions = call("artifact", {{"action", "versions"}, {"name", "report"}});
  ASSERT_EQ(versions["versions"].size(), 2u) << versions;
  EXPECT_EQ(versions["versions"][0]["metadata"]["branch"], "main");
  EXPECT_EQ(call("artifact", {{"action", "list"}})["artifacts"].size(), 1u);
  EXPECT_EQ(call("artifact", {{"action", "archive"}, {"name", "report"}})["archived"], "report");
  EXPECT_EQ(call("artifact", {{"action", "list"}})["artifacts"].size(), 0u);
}

TEST_F(WorkToolsTest, AnArtifactIsReadInPiecesWithinTheBudget) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += i % 7 == 0 ? "\xc3\xa4" : "x";
  (void)call("artifact", {{"action", "put"}, {"name", "long"}, {"text", text}});
  std::string read;
  Json piece = {{"next", 0}};
  while (piece.contains("next")) {
    piece = call(
        "artifact",
        {{"action", "get"}, {"name", "long"}, {"offset", piece["next"]}, {"max_tokens", 50'000}});
    ASSERT_TRUE(piece.contains("text")) << piece;
    EXPECT_LE(piece.dump().size(), size_t{150'000});
    read += piece["text"].get<std::string>();
  }
  EXPECT_EQ(read, text);
  const Json beyond = call("artifact", {{"action", "get"}, {"name", "long"}, {"offset", 1 << 30}});
  EXPECT_EQ(beyond["text"], "");
}

TEST_F(WorkToolsTest, AWrongArtifactCallSaysWhatIsWrong) {
  const Json put = {{"action", "put"}, {"name", "a"}};
  EXPECT_THAT(call("artifact", put).dump(), HasSubstr("base64"));
  EXPECT_THAT(call("artifact", {{"action", "put"}, {"name", "a"}, {"base64", "!"}}).dump(),
              HasSubstr("not base64"));
  EXPECT_THAT(call("artifact", {{"action", "get"}, {"name", "never"}}).dump(),
              HasSubstr("not found"));
  EXPECT_THAT(call("artifact", {{"action", "tag"}, {"name", "a"}}).dump(), HasSubstr("needs"));
}

// A list whose first element is over the budget would be the same at each reading.
TEST_F(WorkToolsTest, WhoReadsOnComesPastWhatIsTooLong) {
  const std::string large(100'000, 'x');
  (void)call("log", {{"action", "append"}, {"stream", "s"}, {"data", large}});
  (void)call("log", {{"action", "append"}, {"stream", "s"}, {"data", "small"}});
  (void)call("log", {{"action", "append"}, {"stream", "s"}, {"data", large}});
  std::vector<Json> events;
  for (Json from = 1; events.size() < 3;) {
    const Json page =
        call("log", {{"action", "read"}, {"stream", "s"}, {"from", from}, {"max_tokens", 500}});
    ASSERT_GE(page["events"].size(), 1u) << page;
    EXPECT_LE(page.dump().size(), size_t{1'500});
    for (const Json& event : page["events"]) events.push_back(event);
    from = page["next"];
  }
  EXPECT_EQ(events[0]["cut"], true);
  EXPECT_EQ(events[1]["data"], "small");
  EXPECT_EQ(events[2]["cut"], true);
  ASSERT_TRUE(memory_.space()->kv().put("bytes", std::string(100'000, '\xff')));
  const Json bytes = call("value", {{"action", "list"}, {"max_tokens", 500}});
  ASSERT_EQ(bytes["entries"].size(), 1u) << bytes;
  EXPECT_EQ(bytes["entries"][0]["cut"], true);
  EXPECT_EQ(bytes["entries"][0]["value_base64"].get<std::string>().size() % 4, 0u);
  const Json value = call("value", {{"action", "get"}, {"key", "bytes"}, {"max_tokens", 500}});
  EXPECT_EQ(value["size"], 100'000) << value;
}

TEST_F(WorkToolsTest, AnObservationOfAnyLengthIsReadInPieces) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += i % 7 == 0 ? "\xc3\xa4" : "x";
  const Json id = call("remember", {{"content", text}})["id"];
  std::string read;
  size_t pieces = 0;
  for (Json next = 0; !next.is_null(); ++pieces) {
    const Json said = call("show", {{"ids", {id}}, {"offset", next}, {"max_tokens", 2'000}});
    ASSERT_EQ(said["observations"].size(), 1u) << said;
    EXPECT_LE(said.dump().size(), size_t{6'000});
    read += said["observations"][0]["content"].get<std::string>();
    next = said["observations"][0].value("next", Json());
  }
  EXPECT_EQ(read, text);
  EXPECT_GT(pieces, 3u);
}

TEST_F(WorkToolsTest, NoMoreJobsAreTakenThanAreShown) {
  for (int i = 0; i < 5; ++i) {
    (void)call("queue", {{"action", "push"}, {"queue", "q"}, {"payload", std::string(900, 'x')}});
  }
  const Json take = {{"action", "take"}, {"queue", "q"}, {"limit", 5}, {"max_tokens", 800}};
  EXPECT_EQ(call("queue", take)["jobs"].size(), 3u);  // with the one that did not fit any more
  EXPECT_EQ(call("queue", {{"action", "stats"}, {"queue", "q"}})["ready"], 2);
  EXPECT_EQ(call("queue", take)["jobs"].size(), 2u);
}

// Nobody would learn of what it has taken.
TEST_F(WorkToolsTest, ACancelledRequestTakesNothing) {
  (void)call("queue", {{"action", "push"}, {"queue", "q"}, {"payload", "x"}});
  session_.begin(1);
  session_.cancel(1);
  EXPECT_THAT(call("claim", {{"action", "take"}, {"resources", {"a"}}}).dump(),
              HasSubstr("cancelled"));
  EXPECT_THAT(call("queue", {{"action", "take"}, {"queue", "q"}}).dump(), HasSubstr("cancelled"));
  session_.end(1);
  EXPECT_TRUE(call("claim", {{"action", "take"}, {"resources", {"a"}}}).contains("token"));
  EXPECT_EQ(call("queue", {{"action", "take"}, {"queue", "q"}})["jobs"].size(), 1u);
}

TEST_F(WorkToolsTest, WhoWaitsIsToldForHowLong) {
  (void)call("claim", {{"action", "take"}, {"resources", {"a"}}});
  const Tool& claim = *std::find_if(catalogue_.tools.begin(), catalogue_.tools.end(),
                                    [](const Tool& tool) { return tool.name == "claim"; });
  std::vector<Json> said;
  Peer peer(session_, 2, {.progress_token = "t"}, [&](const Json& message) {
    said.push_back(message);
    return true;
  });
  EXPECT_FALSE(claim.run(peer, {{"action", "take"}, {"resources", {"a"}}, {"wait_seconds", 1.25}}));
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0]["method"], "notifications/progress");
  EXPECT_EQ(said[0]["params"]["progressToken"], "t");
  EXPECT_EQ(said[0]["params"]["progress"], 1.0);
  EXPECT_EQ(said[0]["params"]["total"], 1.25);
}

TEST_F(WorkToolsTest, TheNewestResourceIsShort) {
  for (int i = 0; i < 20; ++i) (void)call("remember", {{"content", std::string(100'000, 'x')}});
  add_memory_resources(catalogue_, memory_);
  const auto recent = catalogue_.resources[0].read();
  ASSERT_TRUE(recent);
  const auto text = (*recent)["text"].get<std::string>();
  EXPECT_LE(tokens_of(text.size()), size_t{20'000});
  EXPECT_THAT(text, HasSubstr("\"cut\": true"));
}

TEST_F(WorkToolsTest, FilesAreWrittenReadInPiecesAndMoved) {
  const std::string text(3'000, 'x');
  EXPECT_EQ(call("file", {{"action", "write"}, {"path", "/a/b"}, {"text", text}})["size"], 3'000);
  EXPECT_EQ(call("file", {{"action", "append"}, {"path", "/a/b"}, {"text", "end"}})["size"], 3'003);
  const Json first = call("file", {{"action", "read"}, {"path", "/a/b"}, {"max_tokens", 1'000}});
  EXPECT_EQ(first["next"], 2'000);
  const Json rest = call("file", {{"action", "read"}, {"path", "/a/b"}, {"offset", first["next"]}});
  EXPECT_EQ(first["text"].get<std::string>() + rest["text"].get<std::string>(), text + "end");
  EXPECT_FALSE(rest.contains("next"));
  (void)call("file", {{"action", "write"}, {"path", "/a/raw"}, {"base64", "/w=="}});
  EXPECT_EQ(call("file", {{"action", "read"}, {"path", "/a/raw"}})["text_base64"], "/w==");
  (void)call("file", {{"action", "copy"}, {"path", "/a/raw"}, {"to", "/c"}});
  (void)call("file", {{"action", "move"}, {"path", "/a"}, {"to", "/d"}});
  const Json all = call("file", {{"action", "list"}, {"recursive", true}});
  std::vector<std::string> paths;
  for (const Json& entry : all["entries"]) paths.push_back(entry["path"]);
  EXPECT_THAT(paths, testing::ElementsAre("/c", "/d", "/d/b", "/d/raw"));
  const Json behind =
      call("file", {{"action", "list"}, {"recursive", true}, {"after", "/d/b"}})["entries"];
  EXPECT_EQ(behind.size(), 1u);
  EXPECT_THAT(call("file", {{"action", "remove"}, {"path", "/d"}}).get<std::string>(),
              HasSubstr("not empty"));
  EXPECT_EQ(call("file", {{"action", "remove"}, {"path", "/d"}, {"recursive", true}})["path"],
            "/d");
  EXPECT_THAT(call("file", {{"action", "read"}, {"path", "/d/b"}}).get<std::string>(),
              HasSubstr("there is no /d/b"));
  EXPECT_THAT(call("file", {{"action", "read"}, {"path", "/../x"}}).get<std::string>(),
              HasSubstr("not a path"));
  EXPECT_THAT(call("file", {{"action", "write"}, {"path", "/e"}}).get<std::string>(),
              HasSubstr("\"text\" or \"base64\""));
}

TEST_F(WorkToolsTest, TopicsAreCompletedFromTagsAndTitles) {
  (void)call("remember", {{"content", "a"}, {"tags", {"clock", "login"}}});
  (void)call("remember", {{"content", "b"}, {"title", "Clock drift"}, {"tags", {"clock"}}});
  add_memory_prompts(catalogue_, memory_);
  const auto& topic = catalogue_.prompts[0].arguments[0];
  EXPECT_THAT(*topic.complete("cl"), testing::ElementsAre("clock", "Clock drift"));
  EXPECT_THAT(*topic.complete("x"), testing::IsEmpty());
}

TEST_F(WorkToolsTest, WhatAClientHoldsIsNoOtherOnesAndFreeWhenItLeaves) {
  (void)call("queue", {{"action", "push"}, {"queue", "q"}, {"payload", "make"}});
  const auto claim = call("claim", {{"action", "take"}, {"resources", {"port"}}})["claim"];
  const Json jobs = call("queue", {{"action", "take"}, {"queue", "q"}})["jobs"];
  ASSERT_EQ(jobs.size(), 1u);
  const Json release = {{"action", "release"}, {"claim", claim}};
  const Json ack = {{"action", "ack"}, {"queue", "q"}, {"job", jobs[0]["job"]}};
  Session other;
  client_ = &other;
  EXPECT_THAT(call("claim", release).dump(), HasSubstr("this client does not hold claim"));
  EXPECT_THAT(call("queue", ack).dump(), HasSubstr("this client has not taken job"));
  const Json take = {{"action", "take"}, {"resources", {"port"}}, {"wait_seconds", 0}};
  EXPECT_THAT(call("claim", take).dump(), HasSubstr("claimed"));
  session_.close();
  EXPECT_TRUE(call("claim", take).contains("claim"));
  const Json again = call("queue", {{"action", "take"}, {"queue", "q"}})["jobs"];
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0]["job"], jobs[0]["job"]);
}

TEST(HeldTest, WhatHasExpiredIsLetGoOf) {
  Held<int> held;
  held.keep(nullptr, "lasting", 1, INT64_MAX);
  for (int i = 0; i < 10'000; ++i) held.keep(nullptr, std::to_string(i), i, 0);
  EXPECT_LE(held.size(), size_t{1'001});
  EXPECT_EQ(held.find(nullptr, "lasting"), 1);
}

TEST_F(WorkToolsTest, HistorySaysWhatWasBefore) {
  const auto id = call("remember", {{"content", "first"}})["id"].get<std::string>();
  (void)call("remember", {{"content", "second"}, {"kind", "fact"}});
  const Json recent = call("history", {{"action", "recent"}, {"limit", 1}});
  ASSERT_EQ(recent["entries"].size(), 1u) << recent;
  EXPECT_EQ(recent["entries"][0]["preview"], "second");
  const Json behind = call("history", {{"action", "recent"}, {"after", recent["next"]}});
  EXPECT_EQ(behind["entries"][0]["preview"], "first") << behind;
  EXPECT_EQ(behind["more"], false);
  ASSERT_TRUE(memory_.space()->observations().edit(id, {.content = "changed"}));
  const Json before = call("history", {{"action", "observation"}, {"id", id}});
  ASSERT_GE(before["entries"].size(), 1u) << before;
  EXPECT_THAT(before.dump(), HasSubstr("first"));
  ASSERT_TRUE(memory_.space()->kv().keep_history({}));
  for (const char* value : {"1", "2"}) {
    (void)call("value", {{"action", "set"}, {"key", "k"}, {"value", value}});
  }
  (void)call("value", {{"action", "delete"}, {"key", "k"}});
  const Json versions = call("history", {{"action", "value"}, {"key", "k"}});
  ASSERT_EQ(versions["entries"].size(), 3u) << versions;
  EXPECT_EQ(versions["entries"][0]["deleted"], true);
  EXPECT_EQ(versions["entries"][1]["value"], "2");
  EXPECT_THAT(call("history", {{"action", "observation"}}).dump(), HasSubstr("needs"));
}

}  // namespace
}  // namespace holdfast::mcp
