#include "mcp/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <thread>

#include "mcp/stdio.h"

namespace holdfast::mcp {
namespace {

using testing::HasSubstr;

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    Tool echo{.name = "echo", .title = "Echo", .description = "Says it again"};
    echo.input = object_schema({{"text", text_schema("What"), true}});
    echo.run = [](Peer&, const Json& arguments) -> Result<Json> {
      return structured_result({{"text", arguments["text"]}});
    };
    Tool fail{.name = "fail", .title = "Fail", .description = "Fails"};
    fail.input = object_schema({});
    fail.run = [](Peer&, const Json&) -> Result<Json> {
      return Status(StatusCode::kBusy, "somebody has it");
    };
    Tool wait{.name = "wait", .title = "Wait", .description = "Waits until it is cancelled"};
    wait.input = object_schema({});
    wait.run = [](Peer& peer, const Json&) -> Result<Json> {
      while (!peer.cancelled()) std::this_thread::yield();
      return Json::object();
    };
    Tool ask{.name = "ask", .title = "Ask", .description = "Asks the client"};
    ask.input = object_schema({});
    ask.run = [](Peer& peer, const Json&) { return peer.ask("sampling/createMessage", {}); };
    catalogue_.tools = {echo, fail, wait, ask};
    ResourceTemplate family;
    family.prefix = "t://";
    family.variable = "id";
    family.read = [](const std::string& id) -> Result<Json> { return Json{{"text", id}}; };
    catalogue_.templates.push_back(family);
  }

  Json call(const std::string& method, Json params) {
    const Message message{Message::Kind::kRequest, 1, method, std::move(params), Json()};
    return server_.handle(session_, message, [](const Json&) { return true; }).value_or(nullptr);
  }
  // What it writes when it reads `lines`.
  std::string converse(const std::string& lines) {
    std::istringstream in(lines);
    std::ostringstream out;
    EXPECT_TRUE(serve_stdio(server_, session_, in, out));
    return out.str();
  }

  Catalogue catalogue_;
  const Server server_{catalogue_};
  Session session_;
};

TEST_F(ServerTest, AgreesOnAKnownRevisionOrOffersItsNewest) {
  const Json known = call("initialize", {{"protocolVersion", "2025-06-18"}});
  EXPECT_EQ(known["result"]["protocolVersion"], "2025-06-18");
  const Json unknown = call("initialize", {{"protocolVersion", "1999-01-01"}});
  EXPECT_EQ(unknown["result"]["protocolVersion"], kHandshakeVersions[0]);
  EXPECT_EQ(call("initialize", Json::object())["error"]["code"], kInvalidParams);
}

TEST_F(ServerTest, CallsAToolWithArgumentsThatFit) {
  const Json answer = call("tools/call", {{"name", "echo"}, {"arguments", {{"text", "a"}}}});
  EXPECT_EQ(answer["result"]["structuredContent"]["text"], "a");
  EXPECT_THAT(answer["result"]["content"][0]["text"].get<std::string>(), HasSubstr("\"a\""));
}

TEST_F(ServerTest, TellsTheModelWhatWasWrongWithACall) {
  const Json misfit = call("tools/call", {{"name", "echo"}, {"arguments", {{"txt", "a"}}}});
  EXPECT_EQ(misfit["result"]["isError"], true);
  const Json failed = call("tools/call", {{"name", "fail"}});
  EXPECT_EQ(failed["result"]["isError"], true);
  EXPECT_THAT(failed["result"]["content"][0]["text"].get<std::string>(), HasSubstr("has it"));
}

TEST_F(ServerTest, RefusesWhatDoesNotExist) {
  EXPECT_EQ(call("tools/call", {{"name", "nope"}})["error"]["code"], kInvalidParams);
  EXPECT_EQ(call("nope", Json::object())["error"]["code"], kMethodNotFound);
  EXPECT_EQ(call("resources/read", {{"uri", "x://"}})["error"]["code"], kResourceNotFound);
  EXPECT_EQ(call("resources/subscribe", {{"uri", "x://"}})["error"]["code"], kResourceNotFound);
  EXPECT_EQ(call("prompts/get", {{"name", "nope"}})["error"]["code"], kInvalidParams);
  EXPECT_EQ(call("completion/complete", Json::object())["error"]["code"], kInvalidParams);
  EXPECT_EQ(call("logging/setLevel", {{"level", "loud"}})["error"]["code"], kInvalidParams);
}

TEST_F(ServerTest, DecodesTheValueOfATemplate) {
  const Json read = call("resources/read", {{"uri", "t://a%20%2F%C3%A9"}});
  EXPECT_EQ(read["result"]["contents"][0]["text"], "a /\u00e9");
  EXPECT_EQ(percent_decoded(percent_encoded("a /\xff%")), "a /\xff%");
  EXPECT_EQ(percent_decoded("%zz"), std::nullopt);
  EXPECT_EQ(percent_decoded("%2"), std::nullopt);
}

TEST_F(ServerTest, AnswersInTheOrderOfTheRequests) {
  std::string lines;
  for (int i = 0; i < 50; ++i) {
    lines +=
        request_of(i, "tools/call", {{"name", "echo"}, {"arguments", {{"text", "a"}}}}).dump() +
        "\n";
  }
  std::istringstream answers(converse(lines));
  std::string line;
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(std::getline(answers, line));
    EXPECT_EQ(Json::parse(line)["id"], i);
  }
  EXPECT_FALSE(std::getline(answers, line));
}

TEST_F(ServerTest, GoesOnAfterLinesThatAreNoMessages) {
  const std::string said = converse(
      "garbage\n\n[1]\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":"
      "\"ping\"}\n");
  EXPECT_THAT(said, HasSubstr("-32700"));
  EXPECT_THAT(said, HasSubstr("-32600"));
  EXPECT_THAT(said, HasSubstr("\"id\":1,\"result\":{}"));
}

TEST_F(ServerTest, ACancelledRequestEndsWithoutAnAnswer) {
  const std::string said =
      converse(request_of(1, "tools/call", {{"name", "wait"}}).dump() + "\n" +
               notification_of("notifications/cancelled", {{"requestId", 1}}).dump() + "\n" +
               request_of(2, "ping", Json::object()).dump() + "\n");
  EXPECT_EQ(said.find("\"id\":1"), std::string::npos);
  EXPECT_THAT(said, HasSubstr("\"id\":2"));
}

TEST_F(ServerTest, WhoHasLeftARequestHasNotLeftTheOthers) {
  Session session;
  session.set_liveness(1, [] { return false; });
  EXPECT_TRUE(session.is_cancelled(1));
  EXPECT_FALSE(session.is_cancelled(2));
  session.set_liveness(1, nullptr);
  EXPECT_FALSE(session.is_cancelled(1));
}

TEST_F(ServerTest, AQuestionToTheClientGetsItsAnswer) {
  std::thread client;
  const Send send = [&](const Json& question) {
    const Message answer{Message::Kind::kResponse, question["id"], "", {}, Json{{"role", "user"}}};
    client = std::thread([this, answer] { session_.answer(answer); });
    return true;
  };
  const Message message{Message::Kind::kRequest, 1, "tools/call", {{"name", "ask"}}, Json()};
  const auto reply = server_.handle(session_, message, send);
  client.join();
  EXPECT_EQ((*reply)["result"]["role"], "user");
}

TEST_F(ServerTest, NobodyWaitsForAClientThatIsGone) {
  const Send gone = [](const Json&) { return false; };
  const Message message{Message::Kind::kRequest, 1, "tools/call", {{"name", "ask"}}, Json()};
  const auto reply = server_.handle(session_, message, gone);
  EXPECT_EQ((*reply)["result"]["isError"], true);
}

}  // namespace
}  // namespace holdfast::mcp
