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
  for (const char* host :
       {"", "example.com", "localhost.example.com", "127.0.0.1.example.com", "evil.com:127.0.0.1",
        "[::1", "127.0.0.2", "[::1]evil.com", "[::1].evil.com:80", "localhost:evil.com",
        "localhost:80@evil.com", "localhost/", " localhost", "localhost."}) {
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
  EXPECT_TRUE(token_matches("bearer secret", "secret"));
  for (const char* header : {"", "Bearer ", "Bearer secre", "Bearer secrets", "Basic secret",
                             "secret", "Bearer secretsecret", "Bearer  secret", "Bearer SECRET"}) {
    EXPECT_FALSE(token_matches(header, "secret")) << header;
  }
}

TEST(HttpAccessTest, TheLoopbackIsKnownByItsAddressNotByItsBeginning) {
  for (const char* address : {"localhost", "127.0.0.1", "127.3.2.1", "::1", "0:0:0:0:0:0:0:1"}) {
    EXPECT_TRUE(is_loopback(address)) << address;
  }
  for (const char* address : {"", "127.example.com", "127.0.0.1.example.com", "127.1", "0.0.0.0",
                              "::", "192.168.1.5", "::2", "localhost.example.com"}) {
    EXPECT_FALSE(is_loopback(address)) << address;
  }
  EXPECT_TRUE(is_any_address("0.0.0.0"));
  EXPECT_TRUE(is_any_address("::"));
  EXPECT_FALSE(is_any_address("127.0.0.1"));
  EXPECT_FALSE(is_any_address("localhost"));
}

}  // namespace
}  // namespace holdfast::mcp
