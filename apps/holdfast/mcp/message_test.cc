#include "mcp/message.h"

#include <gtest/gtest.h>

namespace holdfast::mcp {
namespace {

Message taken(const std::string& text) {
  auto parsed = parse_message(text);
  EXPECT_TRUE(std::holds_alternative<Message>(parsed)) << text;
  return std::holds_alternative<Message>(parsed) ? std::get<Message>(parsed) : Message();
}

int refused(const std::string& text) {
  auto parsed = parse_message(text);
  EXPECT_TRUE(std::holds_alternative<BadMessage>(parsed)) << text;
  return std::holds_alternative<BadMessage>(parsed) ? std::get<BadMessage>(parsed).error.code : 0;
}

TEST(MessageTest, TellsRequestsNotificationsAndResponsesApart) {
  const Message request = taken(R"({"jsonrpc":"2.0","id":7,"method":"ping","params":{"a":1}})");
  EXPECT_EQ(request.kind, Message::Kind::kRequest);
  EXPECT_EQ(request.id, 7);
  EXPECT_EQ(request.params["a"], 1);
  EXPECT_EQ(taken(R"({"jsonrpc":"2.0","method":"x"})").kind, Message::Kind::kNotification);
  const Message response = taken(R"({"jsonrpc":"2.0","id":"a","result":{"b":2}})");
  EXPECT_EQ(response.kind, Message::Kind::kResponse);
  EXPECT_EQ(std::get<Json>(response.reply)["b"], 2);
  const Message error = taken(R"({"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}})");
  EXPECT_EQ(std::get<RpcError>(error.reply).message, "no");
}

TEST(MessageTest, RefusesWhatIsNoMessage) {
  EXPECT_EQ(refused(""), kParseError);
  EXPECT_EQ(refused("{"), kParseError);
  EXPECT_EQ(refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}"), kParseError);
  EXPECT_EQ(refused("[]"), kInvalidRequest);
  EXPECT_EQ(refused("1"), kInvalidRequest);
  EXPECT_EQ(refused("{}"), kInvalidRequest);
  EXPECT_EQ(refused(R"({"jsonrpc":"1.0","id":1,"method":"x"})"), kInvalidRequest);
  EXPECT_EQ(refused(R"({"jsonrpc":"2.0","id":{},"method":"x"})"), kInvalidRequest);
  EXPECT_EQ(refused(R"({"jsonrpc":"2.0","id":1.5,"method":"x"})"), kInvalidRequest);
  EXPECT_EQ(refused(R"({"jsonrpc":"2.0","id":null,"method":"x"})"), kInvalidRequest);
  EXPECT_EQ(refused(R"({"jsonrpc":"2.0","id":1,"method":2})"), kInvalidRequest);
  EXPECT_EQ(refused(R"({"jsonrpc":"2.0","id":1,"method":"x","params":[1]})"), kInvalidParams);
  EXPECT_EQ(refused(R"({"jsonrpc":"2.0","id":1,"result":1,"error":{}})"), kInvalidRequest);
}

TEST(MessageTest, SurvivesDeepNesting) {
  const std::string deep(100'000, '[');
  EXPECT_EQ(refused(deep), kParseError);
  // Well-formed: copying its values would take more stack than there is.
  std::string whole = R"({"jsonrpc":"2.0","id":1,"method":"x","params":{"a":)";
  for (int i = 0; i < 1'000'000; ++i) whole += '[';
  for (int i = 0; i < 1'000'000; ++i) whole += ']';
  EXPECT_EQ(refused(whole + "}}"), kParseError);
}

TEST(MessageTest, ABatchIsTakenApart) {
  const auto batch = parse_batch(R"( [{"jsonrpc":"2.0","id":1,"method":"x"},7,
      {"jsonrpc":"2.0","method":"y"}])");
  ASSERT_TRUE(batch);
  ASSERT_EQ(batch->size(), 3u);
  EXPECT_EQ(std::get<Message>((*batch)[0]).id, 1);
  EXPECT_EQ(std::get<BadMessage>((*batch)[1]).error.code, kInvalidRequest);
  EXPECT_EQ(std::get<Message>((*batch)[2]).kind, Message::Kind::kNotification);
  for (const char* none : {"", "[]", "{}", "[1", "{\"a\":[1]}"})
    EXPECT_FALSE(parse_batch(none)) << none;
  std::string many = "[1";
  for (int i = 0; i < 1'000; ++i) many += ",1";
  EXPECT_FALSE(parse_batch(many + "]"));
}

TEST(MessageTest, WhatIsNotUtf8IsReplacedWhenItIsPrinted) {
  EXPECT_EQ(printed({{"path", "a\xff"}}), "{\"path\":\"a\ufffd\"}");
}

}  // namespace
}  // namespace holdfast::mcp
