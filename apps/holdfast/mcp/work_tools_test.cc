#include "mcp/work_tools.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temporary_directory.h"

namespace holdfast::mcp {
namespace {

using testing::HasSubstr;

class WorkToolsTest : public testing::Test {
 protected:
  WorkToolsTest() {
    add_run_tool(catalogue_, memory_);
    add_log_tool(catalogue_, memory_);
    add_link_tool(catalogue_, memory_);
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
      Peer peer(session_, 1, {}, [](const Json&) { return true; });
      auto result = tool.run(peer, arguments);
      return result ? (*result)["structuredContent"] : Json(result.status().to_string());
    }
    return "no such tool";
  }

  TemporaryDirectory directory_;
  cli::GlobalOptions options_{.store = directory_.path_of("store"), .space = "test"};
  cli::Context context_{options_, *cli::Surroundings::of_process()};
  Memory memory_{context_};
  Catalogue catalogue_;
  Session session_;
};

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

}  // namespace
}  // namespace holdfast::mcp
