#include "http/listener.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace holdfast::http {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr size_t kBodySizeMax = 1000;

// A client's end of a connection.
class Client {
 public:
  explicit Client(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  ~Client() { ::close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(const std::string& text) {
    EXPECT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  // Reads until what came ends with `end`, or until the server has ended.
  std::string receive(const std::string& end) {
    std::string text;
    char c = 0;
    while (!text.ends_with(end) && ::recv(fd_, &c, 1, 0) == 1) text.push_back(c);
    return text;
  }
  // Until the server has ended.
  std::string receive_all() {
    std::string text;
    char c = 0;
    while (::recv(fd_, &c, 1, 0) == 1) text.push_back(c);
    return text;
  }

 private:
  const int fd_;
};

// Answers with the method, the path and the body; /stream with them as a stream that goes on until
// the listener stops; /secret is not admitted.
class ListenerTest : public testing::Test {
 protected:
  ListenerTest()
      : listener_({.admit = [this](Exchange& exchange) { return admit(exchange); },
                   .serve = [this](Exchange& exchange) { serve(exchange); },
                   .body_size_max = kBodySizeMax}) {}
  void SetUp() override {
    const auto port = listener_.bind("127.0.0.1", 0);
    ASSERT_TRUE(port) << port.status().to_string();
    port_ = *port;
    serving_ = std::thread([this] { served_ = listener_.serve(); });
  }
  void TearDown() override {
    listener_.stop();
    serving_.join();
    EXPECT_TRUE(served_) << served_.to_string();
  }

  bool admit(Exchange& exchange) {
    if (exchange.request().path != "/secret") return true;
    exchange.close_after();
    exchange.answer(403);
    return false;
  }
  void serve(Exchange& exchange) {
    const Request& request = exchange.request();
    const std::string said = request.method + " " + request.path + " " + request.body;
    if (request.path != "/stream") return exchange.answer(200, said + "\n", "text/plain");
    exchange.begin_stream("text/plain");
    for (bool more = exchange.write(said); more; more = exchange.is_alive()) {
      std::this_thread::yield();
    }
    stream_ended_ = true;
    stream_ended_.notify_all();
  }

  // The whole answer to one request on a connection of its own, which the server ends.
  std::string answer_to(const std::string& request) {
    Client client(port_);
    client.send(request);
    return client.receive_all();
  }

  Listener listener_;
  int port_ = 0;
  Status served_;
  std::atomic<bool> stream_ended_ = false;
  std::thread serving_;
};

TEST_F(ListenerTest, OneConnectionTakesManyRequests) {
  Client client(port_);
  client.send("POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\none");
  EXPECT_THAT(client.receive("\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(client.receive("one\n"), HasSubstr("POST /a one"));
  // Two at once, the second in pieces.
  client.send("GET /b HTTP/1.1\r\n\r\nPOST /c HTTP/1.1\r\nContent-Length: 3\r\n\r\nt");
  EXPECT_THAT(client.receive("/b \n"), HasSubstr("keep-alive"));
  client.send("wo");
  EXPECT_THAT(client.receive("two\n"), HasSubstr("POST /c two"));
}

TEST_F(ListenerTest, ABodyMayComeInChunks) {
  EXPECT_THAT(answer_to("POST /a HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
                        "\r\n3\r\none\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"),
              AllOf(HasSubstr("Connection: close"), HasSubstr("POST /a one0123456789\n")));
}

TEST_F(ListenerTest, WhoWaitsForAContinueGetsOne) {
  Client client(port_);
  client.send("POST /a HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.receive("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("one");
  EXPECT_THAT(client.receive("one\n"), HasSubstr("POST /a one"));
}

TEST_F(ListenerTest, BrokenRequestsAreToldSoAndEndTheConnection) {
  const std::string post = "POST /a HTTP/1.1\r\n";
  EXPECT_THAT(answer_to("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answer_to(post + "Content-Length: 1001\r\n\r\n" + std::string(1001, 'x')),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(answer_to(post + "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n"),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(answer_to(post + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answer_to(post + "Transfer-Encoding: chunked\r\n\r\n-1\r\n"),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answer_to(post + "Many: " + std::string(kHeadSizeMax, 'x') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
}

TEST_F(ListenerTest, ABodyThatIsCutShortIsNotServed) {
  Client client(port_);
  client.send("GET /a HTTP/1.1\r\n\r\n");
  EXPECT_THAT(client.receive("/a \n"), HasSubstr("GET /a"));  // the connection has been taken
  client.send("POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\non");
  listener_.stop();
  EXPECT_EQ(client.receive_all(), "");
}

TEST_F(ListenerTest, WhoIsNotAdmittedIsAnsweredWithoutItsBody) {
  EXPECT_THAT(answer_to("POST /secret HTTP/1.1\r\nContent-Length: 900\r\n\r\n"),
              StartsWith("HTTP/1.1 403 "));
}

TEST_F(ListenerTest, AStreamIsSentAsItComesAndEndsWithTheServer) {
  Client client(port_);
  client.send("GET /stream HTTP/1.1\r\n\r\n");
  EXPECT_THAT(client.receive("\r\n\r\n"), HasSubstr("Transfer-Encoding: chunked"));
  EXPECT_EQ(client.receive("/stream \r\n"), "c\r\nGET /stream \r\n");
  Client old(port_);
  old.send("GET /stream HTTP/1.0\r\n\r\n");
  EXPECT_THAT(old.receive("/stream "), testing::Not(HasSubstr("chunked")));
  listener_.stop();
  client.receive_all();
  old.receive_all();
}

TEST_F(ListenerTest, AStreamEndsWhenItsClientIsGone) {
  {
    Client client(port_);
    client.send("GET /stream HTTP/1.1\r\n\r\n");
    client.receive("/stream \r\n");
  }
  stream_ended_.wait(false);  // for ever, if it does not
}

TEST_F(ListenerTest, APortThatIsTakenIsAnError) {
  Listener other({.admit = {}, .serve = {}, .body_size_max = 0});
  const auto port = other.bind("127.0.0.1", port_);
  ASSERT_FALSE(port);
  EXPECT_THAT(port.status().to_string(), HasSubstr(std::to_string(port_)));
}

}  // namespace
}  // namespace holdfast::http
