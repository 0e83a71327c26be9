// The protocol since 2026-07-28, beside the revisions with a handshake.
#include "mcp/era.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcp/mirrored_headers.h"
#include "mcp/server.h"

namespace holdfast::mcp {
namespace {

using testing::HasSubstr;

Json meta(const Json& version = kModernVersion) {
  return {{kMetaVersion, version}, {kMetaCapabilities, Json::object()}};
}

class EraTest : public testing::Test {
 protected:
  EraTest() {
    Tool echo{.name = "echo", .title = "Echo", .description = "Says it again"};
    echo.input = object_schema({});
    echo.run = [](Peer& peer, const Json&) -> Result<Json> {
      peer.log("info", "called");
      peer.progress(1, 2);
      return structured_result({{"said", true}});
    };
    Tool ask{.name = "ask", .title = "Ask", .description = "Asks the client"};
    ask.input = object_schema({});
    ask.run = [](Peer& peer, const Json&) { return peer.ask("sampling/createMessage", {}); };
    catalogue_.tools = {echo, ask};
    catalogue_.resources.push_back({"t://one", "one", "", "", "text/plain", []() -> Result<Json> {
                                      return Json{{"text", "1"}};
                                    }});
    catalogue_.instructions = "Use it";
  }

  Json call(const std::string& method, Json params, const Json& id = 1) {
    const Message message{Message::Kind::kRequest, id, method, std::move(params), Json()};
    const Send send = [this](const Json& said) {
      said_.push_back(said);
      return true;
    };
    return server_.handle(session_, message, send).value_or(nullptr);
  }
  Json call_tool(const std::string& name, Json with_meta) {
    return call("tools/call", {{"name", name}, {"_meta", std::move(with_meta)}});
  }

  Catalogue catalogue_;
  const Server server_{catalogue_};
  Session session_;
  std::vector<Json> said_;
};

TEST_F(EraTest, DiscoverSaysWhatThereIs) {
  const Json result = call("server/discover", {{"_meta", meta()}})["result"];
  EXPECT_EQ(result["resultType"], "complete");
  EXPECT_EQ(result["supportedVersions"][0], kModernVersion);
  EXPECT_EQ(result["instructions"], "Use it");
  EXPECT_EQ(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "holdfast");
  EXPECT_TRUE(result["capabilities"].contains("tools"));
  EXPECT_EQ(result["cacheScope"], "public");
}

TEST_F(EraTest, ARequestNeedsNoHandshake) {
  const Json result = call_tool("echo", meta())["result"];
  EXPECT_EQ(result["structuredContent"]["said"], true);
  EXPECT_EQ(result["resultType"], "complete");
  EXPECT_FALSE(result.contains("ttlMs")) << "what a tool says is not kept";
  const Json read = call("resources/read", {{"uri", "t://one"}, {"_meta", meta()}})["result"];
  EXPECT_EQ(read["ttlMs"], 0);
  EXPECT_EQ(read["cacheScope"], "private");
}

TEST_F(EraTest, TheOtherErasAnswerAsBefore) {
  const Json result = call("tools/list", Json::object())["result"];
  EXPECT_FALSE(result.contains("resultType"));
  EXPECT_EQ(call("ping", Json::object())["result"], Json::object());
}

TEST_F(EraTest, ARequestThatSaysTooLittleIsRefused) {
  EXPECT_EQ(call("server/discover", Json::object())["error"]["code"], kInvalidParams);
  EXPECT_EQ(call("tools/list", {{"_meta", {{kMetaVersion, 7}}}})["error"]["code"], kInvalidParams);
  EXPECT_EQ(call("tools/list", {{"_meta", {{kMetaVersion, kModernVersion}}}})["error"]["code"],
            kInvalidParams);
  const Json error = call("tools/list", {{"_meta", meta("1999-01-01")}})["error"];
  EXPECT_EQ(error["code"], kUnsupportedVersion);
  EXPECT_EQ(error["data"]["requested"], "1999-01-01");
  EXPECT_EQ(error["data"]["supported"][0], kModernVersion);
}

TEST_F(EraTest, WhatWasTakenOutOfTheProtocolIsNotThere) {
  for (const char* method : {"initialize", "ping", "logging/setLevel", "resources/subscribe"}) {
    EXPECT_EQ(call(method, {{"_meta", meta()}})["error"]["code"], kMethodNotFound) << method;
  }
  EXPECT_EQ(call("resources/read", {{"uri", "x://"}, {"_meta", meta()}})["error"]["code"],
            kInvalidParams);
  EXPECT_EQ(call_tool("ask", meta())["result"]["isError"], true);
}

TEST_F(EraTest, TheLogIsSentToRequestsThatWantIt) {
  (void)call_tool("echo", meta());
  EXPECT_TRUE(said_.empty());
  Json wanting = meta();
  wanting["io.modelcontextprotocol/logLevel"] = "debug";
  wanting["progressToken"] = "t";
  (void)call_tool("echo", wanting);
  ASSERT_EQ(said_.size(), 2u);
  EXPECT_EQ(said_[0]["method"], "notifications/message");
  EXPECT_EQ(said_[1]["params"]["progressToken"], "t");
}

TEST_F(EraTest, ASubscriptionIsAcknowledgedAndTagged) {
  session_.set_listener([this](const Json& said) {
    said_.push_back(said);
    return true;
  });
  const Json filter = {{"toolsListChanged", true}, {"resourceSubscriptions", {"t://one", "t://x"}}};
  EXPECT_EQ(call("subscriptions/listen", {{"_meta", meta()}, {"notifications", filter}}, "s"),
            nullptr);
  ASSERT_EQ(said_.size(), 1u);
  EXPECT_EQ(said_[0]["method"], "notifications/subscriptions/acknowledged");
  EXPECT_EQ(said_[0]["params"]["_meta"][kMetaSubscription], "s");
  EXPECT_EQ(said_[0]["params"]["notifications"],
            Json({{"resourceSubscriptions", Json::array({"t://one"})}}));
  session_.tell_updated([](const std::string&) { return true; });
  ASSERT_EQ(said_.size(), 2u);
  EXPECT_EQ(said_[1]["params"]["uri"], "t://one");
  EXPECT_EQ(said_[1]["params"]["_meta"][kMetaSubscription], "s");
  const Message cancel{Message::Kind::kNotification,
                       nullptr,
                       "notifications/cancelled",
                       {{"requestId", "s"}},
                       Json()};
  (void)server_.handle(session_, cancel, nullptr);
  EXPECT_FALSE(session_.has_subscriptions());
}

TEST_F(EraTest, WhatChangesWhileASubscriptionBeginsIsToldBehindItsAcknowledgement) {
  session_.set_listener([this](const Json& said) {
    said_.push_back(said);
    return true;
  });
  const Send send = [this](const Json& said) {
    session_.tell_updated([](const std::string&) { return true; });  // another thread's
    said_.push_back(said);
    return true;
  };
  const Json filter = {{"resourceSubscriptions", {"t://one"}}};
  const Message message{Message::Kind::kRequest,
                        "s",
                        "subscriptions/listen",
                        {{"_meta", meta()}, {"notifications", filter}},
                        Json()};
  EXPECT_EQ(server_.handle(session_, message, send), std::nullopt);
  ASSERT_EQ(said_.size(), 2u);
  EXPECT_EQ(said_[0]["method"], "notifications/subscriptions/acknowledged");
  EXPECT_EQ(said_[1]["method"], "notifications/resources/updated");
  EXPECT_EQ(said_[1]["params"]["_meta"][kMetaSubscription], "s");
}

TEST_F(EraTest, ASubscriptionToNothingSensibleIsRefused) {
  for (const Json& filter : {Json(), Json(7), Json({{"resourceSubscriptions", "t://one"}}),
                             Json({{"resourceSubscriptions", {1}}})}) {
    const Json answer =
        call("subscriptions/listen", {{"_meta", meta()}, {"notifications", filter}});
    EXPECT_EQ(answer["error"]["code"], kInvalidParams) << filter;
  }
}

TEST(MirroredHeaders, MustSayWhatTheBodySays) {
  const Message request{
      Message::Kind::kRequest, 1, "tools/call", {{"name", "z\u00e9"}, {"_meta", meta()}}, Json()};
  const MirroredHeaders right{kModernVersion, "tools/call", "=?base64?esOp?="};
  EXPECT_FALSE(header_mismatch(right, request));
  const auto wrong = [&](MirroredHeaders headers) {
    const auto error = header_mismatch(headers, request);
    EXPECT_TRUE(error && error->code == kHeaderMismatch);
    return error ? error->message : "";
  };
  EXPECT_THAT(wrong({{}, "tools/call", "x"}), HasSubstr("MCP-Protocol-Version is missing"));
  EXPECT_THAT(wrong({"2025-11-25", "tools/call", "x"}), HasSubstr("another revision"));
  EXPECT_THAT(wrong({kModernVersion, {}, "x"}), HasSubstr("Mcp-Method is missing"));
  EXPECT_THAT(wrong({kModernVersion, "tools/list", "x"}), HasSubstr("another method"));
  EXPECT_THAT(wrong({kModernVersion, "tools/call", {}}), HasSubstr("Mcp-Name is missing"));
  EXPECT_THAT(wrong({kModernVersion, "tools/call", "x"}), HasSubstr("not that of the body"));
  EXPECT_THAT(wrong({kModernVersion, "tools/call", "z\u00e9"}), HasSubstr("not allowed"));
  EXPECT_THAT(wrong({kModernVersion, "tools/call", "=?base64?e?="}), HasSubstr("not allowed"));
}

}  // namespace
}  // namespace holdfast::mcp
