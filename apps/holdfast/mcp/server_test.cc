#include "mcp/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <new>
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
    Tool raise{.name = "raise", .title = "Raise", .description = "Throws"};
    raise.input = object_schema({});
    raise.run = [](Peer&, const Json&) -> Result<Json> { throw std::bad_alloc(); };
    Tool gate{.name = "gate", .title = "Gate", .description = "Waits until somebody opens it"};
    gate.input = object_schema(
        {{"wait_seconds", number_schema("So long", 0, 60)}, {"open", flag_schema("Open it")}});
    gate.run = [this](Peer& peer, const Json& arguments) -> Result<Json> {
      if (arguments.contains("open")) is_open_ = true;
      while (!is_open_ && !peer.cancelled()) std::this_thread::yield();
      return structured_result({{"open", is_open_.load()}});
    };
    catalogue_.tools = {echo, fail, wait, ask, raise, gate};
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

  std::atomic<bool> is_open_ = false;
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

TEST_F(ServerTest, WhatIsThrownEndsTheRequestAlone) {
  EXPECT_EQ(call("tools/call", {{"name", "raise"}})["error"]["code"], kInternalError);
  EXPECT_EQ(call("ping", Json::object())["result"], Json::object());
}

// What it waits for may come from the same client: it must not stand in its way.
TEST_F(ServerTest, WhoWaitsForOthersWaitsAside) {
  const Json wait = {{"name", "gate"}, {"arguments", {{"wait_seconds", 60}}}};
  const Json open = {{"name", "gate"}, {"arguments", {{"open", true}}}};
  const std::string said = converse(request_of(1, "tools/call", wait).dump() + "\n" +
                                    request_of(2, "tools/call", wait).dump() + "\n" +
                                    request_of(3, "tools/call", open).dump() + "\n");
  for (const char* id : {"\"id\":1", "\"id\":2", "\"id\":3"}) EXPECT_THAT(said, HasSubstr(id));
  EXPECT_EQ(said.find("false"), std::string::npos) << said;
}

TEST_F(ServerTest, WhoWaitsAsideIsToldWhenTheClientIsGone) {
  const Json wait = {{"name", "gate"}, {"arguments", {{"wait_seconds", 60}}}};
  EXPECT_THAT(converse(request_of(1, "tools/call", wait).dump() + "\n"),
              HasSubstr("\"open\":false"));
}

TEST_F(ServerTest, AnIdThatIsInUseIsRefused) {
  const std::string wait = request_of(1, "tools/call", {{"name", "wait"}}).dump() + "\n";
  const std::string said =
      converse(wait + wait + notification_of("notifications/cancelled", {{"requestId", 1}}).dump() +
               "\n" + request_of(2, "ping", Json::object()).dump() + "\n");
  EXPECT_THAT(said, HasSubstr("not been answered yet"));
  EXPECT_THAT(said, HasSubstr("\"id\":2"));
}

TEST_F(ServerTest, WhatWaitsIsBounded) {
  std::string lines = request_of(0, "tools/call", {{"name", "wait"}}).dump() + "\n";
  constexpr int kMore = 10;
  for (int i = 1; i <= static_cast<int>(kWaitingMax) + kMore; ++i) {
    lines += request_of(i, "tools/list", Json::object()).dump() + "\n";
  }
  lines += notification_of("notifications/cancelled", {{"requestId", 0}}).dump() + "\n";
  std::istringstream answers(converse(lines));
  int refused = 0;
  int answered = 0;
  for (std::string line; std::getline(answers, line); ++answered) {
    if (Json::parse(line).contains("error")) ++refused;
  }
  EXPECT_EQ(answered, static_cast<int>(kWaitingMax) + kMore);
  EXPECT_GE(refused, kMore);
  EXPECT_LE(refused, kMore + 1);  // the first may wait itself when the last ones come
}

TEST_F(ServerTest, ABatchIsAnsweredWhereTheRevisionHasThem) {
  const Json batch = {request_of(2, "ping", Json::object()), 7,
                      notification_of("notifications/initialized", Json::object()),
                      request_of("a", "tools/call", {{"name", "fail"}})};
  Session session;
  session.introduce("2025-03-26", Json::object());
  std::istringstream in(batch.dump() + "\n[]\n");
  std::ostringstream out;
  EXPECT_TRUE(serve_stdio(server_, session, in, out));
  std::istringstream answers(out.str());
  std::vector<Json> said;
  for (std::string line; std::getline(answers, line);) said.push_back(Json::parse(line));
  ASSERT_EQ(said.size(), 2u) << out.str();
  const Json& all = said[0].is_array() ? said[0] : said[1];
  const Json& empty = said[0].is_array() ? said[1] : said[0];
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0]["id"], 2);
  EXPECT_EQ(all[1]["error"]["code"], kInvalidRequest);
  EXPECT_EQ(all[2]["result"]["isError"], true);
  EXPECT_EQ(empty["error"]["code"], kInvalidRequest);
  session_.introduce("2025-11-25", Json::object());
  EXPECT_THAT(converse(batch.dump() + "\n"), HasSubstr("2025-03-26 only"));
}

TEST_F(ServerTest, SubscriptionsOfAClientAreBounded) {
  for (size_t i = 0; i < kSubscriptionsMax; ++i) {
    const Json answer = call("resources/subscribe", {{"uri", "t://" + std::to_string(i)}});
    ASSERT_TRUE(answer.contains("result")) << answer;
  }
  EXPECT_TRUE(call("resources/subscribe", {{"uri", "t://0"}}).contains("result"));
  EXPECT_EQ(call("resources/subscribe", {{"uri", "t://more"}})["error"]["code"], kInvalidParams);
  (void)call("resources/unsubscribe", {{"uri", "t://0"}});
  EXPECT_TRUE(call("resources/subscribe", {{"uri", "t://more"}}).contains("result"));
}

TEST_F(ServerTest, AnUpdateThatNobodyHeardIsToldToWhoListensNext) {
  session_.subscribe("t://1");
  session_.subscribe("t://2");
  const auto all = [](const std::string&) { return true; };
  session_.tell_updated(all);
  session_.unsubscribe("t://2");
  std::vector<std::string> heard;
  const Send listener = [&](const Json& message) {
    heard.push_back(message["params"]["uri"]);
    return true;
  };
  session_.set_listener(listener);
  EXPECT_EQ(heard, std::vector<std::string>{"t://1"});
  session_.set_listener([](const Json&) { return false; });  // its stream is broken
  session_.tell_updated(all);
  session_.set_listener(listener);
  EXPECT_EQ(heard, (std::vector<std::string>{"t://1", "t://1"}));
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
  ASSERT_TRUE(session.begin(1, [] { return false; }));
  ASSERT_TRUE(session.begin(2, [] { return true; }));
  EXPECT_TRUE(session.is_cancelled(1));
  EXPECT_FALSE(session.is_cancelled(2));
  session.end(1);
  EXPECT_FALSE(session.is_cancelled(1));
  EXPECT_TRUE(session.begin(1));
  EXPECT_FALSE(session.begin(2, [] { return false; }));  // another of that id is not answered yet
  EXPECT_FALSE(session.is_cancelled(2));
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
