#include "http/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>

namespace holdfast::http {
namespace {

using testing::ElementsAre;
using testing::Pair;

// What a reader makes of `head`, which the other end of its connection has sent.
std::variant<Request, Refusal> read(const std::string& head) {
  int ends[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
  Socket client(ends[0]);
  Socket server(ends[1]);
  EXPECT_TRUE(client.send(head + "\r\n\r\n"));
  client.shut_down();
  auto parsed =
      RequestReader(server).read_head(std::chrono::steady_clock::now() + std::chrono::minutes(1));
  if (!parsed) return Refusal{-1, "the end"};
  return *std::move(parsed);
}

Request good(const std::string& head) {
  auto parsed = read(head);
  if (const Refusal* refusal = std::get_if<Refusal>(&parsed)) {
    ADD_FAILURE() << refusal->status << " " << refusal->why;
    return {};
  }
  return std::get<Request>(std::move(parsed));
}

int status_of(const std::string& head) {
  const auto parsed = read(head);
  const Refusal* const refusal = std::get_if<Refusal>(&parsed);
  return refusal == nullptr ? 0 : refusal->status;
}

TEST(RequestTest, AHeadIsTakenApart) {
  const Request request =
      good("POST /mcp?x=1 HTTP/1.1\r\nHost: a:1\r\nACCEPT:  text/x, y/z \t\r\nContent-Length: 12");
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/mcp");
  EXPECT_THAT(request.headers, ElementsAre(Pair("host", "a:1"), Pair("accept", "text/x, y/z"),
                                           Pair("content-length", "12")));
  EXPECT_TRUE(request.takes_chunks);
  EXPECT_TRUE(request.stays_open);
}

TEST(RequestTest, ConnectionsStayOpenUnlessToldOrOld) {
  EXPECT_FALSE(good("GET / HTTP/1.1\r\nConnection: Close").stays_open);
  EXPECT_FALSE(good("GET / HTTP/1.0").stays_open);
  EXPECT_TRUE(good("GET / HTTP/1.0\r\nConnection: keep-alive").stays_open);
}

TEST(RequestTest, WhatIsNoRequestLineIsRefused) {
  for (const char* line : {"GET", "GET /", "GET  HTTP/1.1", " / HTTP/1.1", "G\x01T / HTTP/1.1",
                           "GET /a\tb HTTP/1.1"}) {
    EXPECT_EQ(status_of(line), 400) << line;
  }
  for (const char* line : {"GET / HTTP/2.0", "GET / HTTP/1.2", "GET /a b HTTP/1.1"}) {
    EXPECT_EQ(status_of(line), 505) << line;
  }
}

TEST(RequestTest, WhatIsNoHeaderIsRefused) {
  const std::string line = "GET / HTTP/1.1\r\n";
  for (const std::string header :
       {"no colon", ": empty", "with space : x", "control: \x01 b", "new\nline: x", "bare: a\nb"}) {
    EXPECT_EQ(status_of(line + header), 400) << header;
  }
  EXPECT_EQ(status_of(line + std::string("nul: a\0b", 8)), 400);
}

TEST(RequestTest, WhatCouldBeReadInTwoWaysIsRefused) {
  const std::string line = "POST / HTTP/1.1\r\n";
  EXPECT_EQ(status_of(line + "Content-Length: 1\r\nTransfer-Encoding: chunked"), 400);
  EXPECT_EQ(status_of(line + "Content-Length: 1\r\nContent-Length: 1"), 400);
  EXPECT_EQ(status_of(line + "Host: a\r\nHost: b"), 400);
  for (const char* size : {"+1", "-1", "1 2", "0x1", "1,1", "", "99999999999999999999999"}) {
    EXPECT_EQ(status_of(line + "Content-Length: " + size), 400) << size;
  }
  EXPECT_EQ(status_of(line + "Transfer-Encoding: gzip, chunked"), 501);
  EXPECT_EQ(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked"), 501);
  EXPECT_EQ(status_of(line + "Transfer-Encoding: Chunked"), 0);
}

TEST(RequestTest, AHeadOverTheLimitIsRefusedInOnePieceOrInMany) {
  const std::string line = "GET / HTTP/1.1\r\n";
  EXPECT_EQ(status_of(line + "Long: " + std::string(kHeadSizeMax, 'x')), 431);
  std::string many = line;
  while (many.size() <= kHeadSizeMax) many += "Short: x\r\n";
  EXPECT_EQ(status_of(many + "Last: x"), 431);
}

}  // namespace
}  // namespace holdfast::http
