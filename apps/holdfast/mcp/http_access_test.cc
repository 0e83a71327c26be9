#include "mcp/http_access.h"

#include <gtest/gtest.h>

namespace holdfast::mcp {
namespace {

TEST(HttpAccessTest, TheLoopbackIsWelcomeByItsNames) {
  for (const char* host :
       {"localhost", "localhost:7332", "LOCALHOST", "127.0.0.1:80", "[::1]:80"}) {
    EXPECT_TRUE(host_allowed(host, {})) << host;
  }
  EXPECT_TRUE(origin_allowed("", {}));
  EXPECT_TRUE(origin_allowed("http://localhost:3000", {}));
}

TEST(HttpAccessTest, OtherNamesAreNot) {
  for (const char* host : {"", "example.com", "localhost.example.com", "127.0.0.1.example.com",
                           "evil.com:127.0.0.1", "[::1", "127.0.0.2"}) {
    EXPECT_FALSE(host_allowed(host, {})) << host;
  }
  for (const char* origin : {"null", "http://example.com", "file://localhost", "localhost"}) {
    EXPECT_FALSE(origin_allowed(origin, {})) << origin;
  }
}

TEST(HttpAccessTest, NamesCanBeAdded) {
  EXPECT_TRUE(host_allowed("Memory.example.com:443", {"memory.example.com"}));
  EXPECT_TRUE(origin_allowed("https://memory.example.com", {"memory.example.com"}));
  EXPECT_FALSE(host_allowed("example.com", {"memory.example.com"}));
}

TEST(HttpAccessTest, ATokenMatchesAsAWholeOnly) {
  EXPECT_TRUE(token_matches("Bearer secret", "secret"));
  for (const char* header : {"", "Bearer ", "Bearer secre", "Bearer secrets", "Basic secret",
                             "secret", "Bearer secretsecret"}) {
    EXPECT_FALSE(token_matches(header, "secret")) << header;
  }
}

}  // namespace
}  // namespace holdfast::mcp
