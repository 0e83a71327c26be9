#include "embed/http_embedder.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

TEST(EmbeddingsAnswer, EmbeddingsComeInTheOrderOfTheTexts) {
  const auto values = embed::parse_embeddings(
      R"({"data":[{"index":1,"embedding":[3,4.5]},{"index":0,"embedding":[1,2]}]})", 2);
  ASSERT_TRUE(values) << values.status().to_string();
  EXPECT_EQ((*values)[0], (Embedder::Values{1, 2}));
  EXPECT_EQ((*values)[1], (Embedder::Values{3, 4.5}));
}

TEST(EmbeddingsAnswer, WhatHasAnotherFormIsRefused) {
  for (const char* answer :
       {"", "no JSON", "[]", R"({"data":3})", R"({"data":[]})", R"({"data":[{"index":0}]})",
        R"({"data":[{"index":0,"embedding":[]}]})", R"({"data":[{"index":1,"embedding":[1]}]})",
        R"({"data":[{"index":0,"embedding":["1"]}]})",
        R"({"data":[{"index":0,"embedding":[1e99]}]})",
        R"({"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]})"}) {
    EXPECT_EQ(embed::parse_embeddings(answer, 1).status().code(), StatusCode::kIoError) << answer;
  }
  EXPECT_FALSE(embed::parse_embeddings(
      R"({"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[1,2]}]})", 2));
}

TEST(Endpoint, AKeyDoesNotGoOverTheNetworkInTheClear) {
  const auto check = [](const char* url, const char* key) {
    return embed::check_endpoint({.url = url, .model = "m", .api_key = key}).code();
  };
  EXPECT_EQ(check("http://example.com/v1", "secret"), StatusCode::kInvalidArgument);
  EXPECT_EQ(check("http://localhost@example.com/v1", "secret"), StatusCode::kInvalidArgument);
  EXPECT_EQ(check("http://localhost.example.com/v1", "secret"), StatusCode::kInvalidArgument);
  EXPECT_EQ(check("http://localhost:11434/v1", "secret"), StatusCode::kOk);
  EXPECT_EQ(check("http://[::1]:80/v1", "secret"), StatusCode::kOk);
  EXPECT_EQ(check("https://example.com/v1", "secret"), StatusCode::kOk);
  EXPECT_EQ(check("http://example.com/v1", ""), StatusCode::kOk);
  EXPECT_EQ(check("https://example.com", "two\r\nlines"), StatusCode::kInvalidArgument);
  for (const char* url : {"", "example.com", "file:///etc/passwd", "http://", "https:///v1"}) {
    EXPECT_EQ(check(url, ""), StatusCode::kInvalidArgument) << url;
  }
}

}  // namespace
}  // namespace holdfast
