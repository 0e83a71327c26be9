#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <thread>

#include "holdfast/embedder.h"
#include "http/listener.h"

namespace holdfast {
namespace {

using testing::HasSubstr;
using testing::Not;

// An endpoint whose answers are given beforehand.
class HttpEmbedderTest : public testing::Test {
 protected:
  HttpEmbedderTest()
      : listener_({.admit = [](http::Exchange&) { return true; },
                   .serve = [this](http::Exchange& exchange) { serve(exchange); },
                   .body_size_max = 1u << 20}) {
    const auto port = listener_.bind("127.0.0.1", 0);
    EXPECT_TRUE(port) << port.status().to_string();
    options_.url = "http://127.0.0.1:" + std::to_string(*port) + "/v1";
    options_.model = "small";
    options_.api_key = "secret";
    options_.pause_first = std::chrono::milliseconds(1);
    options_.pause_max = std::chrono::milliseconds(2);
    thread_ = std::thread([this] { EXPECT_TRUE(listener_.serve()); });
  }
  ~HttpEmbedderTest() override {
    listener_.stop();
    thread_.join();
  }
  void serve(http::Exchange& exchange) {
    const http::Request& request = exchange.request();
    const std::lock_guard lock(mutex_);
    requests_.push_back(request.body);
    keys_.push_back(request.header("authorization").value_or("none"));
    EXPECT_EQ(request.path, "/v1/embeddings");
    const auto& [status, body] = answers_[std::min(requests_.size(), answers_.size()) - 1];
    if (status == 429) exchange.set_header("Retry-After", "1");
    if (status == 307) exchange.set_header("Location", "/elsewhere");
    exchange.answer(status, body, "application/json");
  }
  Result<std::vector<Embedder::Values>> ask(const std::vector<std::string>& texts) {
    auto embedder = http_embedder(options_);
    EXPECT_TRUE(embedder) << embedder.status().to_string();
    return (*embedder)->embed(texts);
  }

  http::Listener listener_;
  HttpEmbedderOptions options_;
  std::vector<std::pair<int, std::string>> answers_ = {
      {200, R"({"data":[{"index":0,"embedding":[1,2]}]})"}};
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::vector<std::string> keys_;
  std::thread thread_;
};

TEST_F(HttpEmbedderTest, AsksInOpenAisForm) {
  options_.dimension = 2;
  const auto values = ask({"a \"quoted\" text"});
  ASSERT_TRUE(values) << values.status().to_string();
  EXPECT_EQ((*values)[0], (Embedder::Values{1, 2}));
  ASSERT_EQ(requests_.size(), 1);
  EXPECT_THAT(requests_[0], HasSubstr(R"("input":["a \"quoted\" text"])"));
  EXPECT_THAT(requests_[0], HasSubstr(R"("model":"small")"));
  EXPECT_THAT(requests_[0], HasSubstr(R"("dimensions":2)"));
  EXPECT_THAT(keys_, testing::ElementsAre("Bearer secret"));
}

TEST_F(HttpEmbedderTest, ABusyOrFailingEndpointIsAskedAgain) {
  answers_ = {{503, "no"}, {429, "slower"}, {500, "no"}, answers_[0]};
  EXPECT_TRUE(ask({"text"}));
  EXPECT_EQ(requests_.size(), 4);
}

TEST_F(HttpEmbedderTest, ItIsNotAskedForEver) {
  answers_ = {{503, "come back later"}};
  options_.attempts_max = 3;
  const Status status = ask({"text"}).status();
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_THAT(status.to_string(), HasSubstr("3 times"));
  EXPECT_THAT(status.to_string(), HasSubstr("come back later"));
  EXPECT_EQ(requests_.size(), 3);
}

TEST_F(HttpEmbedderTest, RefusalsAreNotRepeatedAndSayWhatToDo) {
  const auto refusal = [&](int code, const char* body) {
    answers_ = {{code, body}};
    requests_.clear();
    const Status status = ask({"text"}).status();
    EXPECT_EQ(requests_.size(), 1);
    EXPECT_THAT(status.to_string(), Not(HasSubstr("secret")));
    return status;
  };
  const Status key = refusal(401, "{}");
  EXPECT_EQ(key.code(), StatusCode::kPermissionDenied);
  EXPECT_THAT(key.to_string(), HasSubstr("HOLDFAST_EMBED_API_KEY"));
  EXPECT_EQ(refusal(404, "no such model").code(), StatusCode::kNotFound);
  EXPECT_EQ(refusal(400, "too long").code(), StatusCode::kInvalidArgument);
}

TEST_F(HttpEmbedderTest, TheKeyDoesNotFollowToAnotherPlace) {
  answers_ = {{307, ""}};
  EXPECT_FALSE(ask({"text"}));
  EXPECT_THAT(keys_, testing::ElementsAre("Bearer secret"));
}

TEST_F(HttpEmbedderTest, AnEndpointThatIsNotThereIsNamed) {
  options_.url = "http://127.0.0.1:1/v1";
  options_.attempts_max = 2;
  const Status status = ask({"text"}).status();
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_THAT(status.to_string(), HasSubstr("http://127.0.0.1:1/v1"));
}

TEST_F(HttpEmbedderTest, TheDimensionIsThatOfAnAnswer) {
  auto embedder = http_embedder(options_);
  ASSERT_TRUE(embedder);
  EXPECT_EQ(*(*embedder)->dimension(), 2);
  EXPECT_EQ(*(*embedder)->dimension(), 2);
  EXPECT_EQ(requests_.size(), 1);
}

}  // namespace
}  // namespace holdfast
