// Many MCP servers, each a process of its own as clients start them, on one store.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "support/child_process.h"
#include "support/program_fixture.h"

namespace holdfast {
namespace {

using testing::HasSubstr;

// A client's end of a server that it started.
class McpClient {
 public:
  McpClient(const std::string& program, const std::string& store) {
    std::array<int, 2> to{};
    std::array<int, 2> from{};
    EXPECT_EQ(::pipe2(to.data(), O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(from.data(), O_CLOEXEC), 0);
    server_.emplace(ChildProcess::start([&] {
      ::dup2(to[0], 0);
      ::dup2(from[1], 1);
      ::execl(program.c_str(), program.c_str(), "--store", store.c_str(), "--space", "test", "mcp",
              nullptr);
      ::_exit(127);
    }));
    ::close(to[0]);
    ::close(from[1]);
    to_ = to[1];
    from_ = ::fdopen(from[0], "r");
  }
  ~McpClient() {
    if (to_ >= 0) ::close(to_);
    std::fclose(from_);
  }

  void send(const std::string& line) {
    const std::string whole = line + "\n";
    EXPECT_EQ(::write(to_, whole.data(), whole.size()), static_cast<ssize_t>(whole.size()));
  }
  // The next line; empty: the server is gone.
  std::string receive() {
    std::string line;
    for (int c = std::fgetc(from_); c != EOF && c != '\n'; c = std::fgetc(from_)) {
      line.push_back(static_cast<char>(c));
    }
    return line;
  }
  void remember(int number, const std::string& content) {
    send(R"({"jsonrpc":"2.0","id":)" + std::to_string(number) +
         R"(,"method":"tools/call","params":{"name":"remember","arguments":{"content":")" +
         content + R"("}}})");
  }
  void kill() {
    server_->kill();
    server_->wait();
  }
  ChildProcess::End leave() {
    ::close(to_);
    to_ = -1;
    return server_->wait();
  }

 private:
  std::optional<ChildProcess> server_;
  int to_ = -1;
  std::FILE* from_ = nullptr;
};

class McpTest : public ProgramFixture {
 protected:
  void SetUp() override {
    ProgramFixture::SetUp();
    auto store = Store::open(path_);
    ASSERT_TRUE(store) << store.status().to_string();
  }
};

TEST_F(McpTest, WhatAnyServerAcknowledgedIsThereAfterKills) {
  constexpr int kServers = 8;
  constexpr int kEach = 25;
  std::vector<std::unique_ptr<McpClient>> clients;
  for (int i = 0; i < kServers; ++i) {
    clients.push_back(std::make_unique<McpClient>(program_, path_));
  }
  std::set<std::string> acknowledged;
  for (int number = 0; number < kEach; ++number) {
    std::vector<std::string> sent;
    for (int i = 0; i < kServers; ++i) {
      sent.push_back("server " + std::to_string(i) + " says " + std::to_string(number));
      clients[i]->remember(number, sent.back());
    }
    // Two are killed with a request under way, and started again.
    const bool kills = number == kEach / 2;
    for (int i = 0; i < kServers; ++i) {
      if (kills && i < 2) {
        clients[i]->kill();
        if (!clients[i]->receive().empty()) acknowledged.insert(sent[i]);
        clients[i] = std::make_unique<McpClient>(program_, path_);
        continue;
      }
      EXPECT_THAT(clients[i]->receive(), HasSubstr("\"existed\":false"));
      acknowledged.insert(sent[i]);
    }
  }
  for (auto& client : clients) EXPECT_EQ(client->leave(), ChildProcess::kSuccess);
  EXPECT_GE(acknowledged.size(), size_t{kServers * kEach - 2});
  const auto found = contents();
  for (const std::string& content : acknowledged) EXPECT_EQ(found.count(content), 1u) << content;
}

TEST_F(McpTest, EndsWhenItsInputEnds) {
  McpClient client(program_, path_);
  EXPECT_EQ(client.leave(), ChildProcess::kSuccess);
}

TEST_F(McpTest, EndsWhenItsInputEndsWhileARequestWaits) {
  McpClient holder(program_, path_);
  const std::string take = R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":)"
                           R"("claim","arguments":{"action":"take","resources":["a"],)"
                           R"("wait_seconds":600}}})";
  holder.send(take);
  EXPECT_THAT(holder.receive(), HasSubstr("token"));
  McpClient waiter(program_, path_);
  waiter.send(take);
  EXPECT_EQ(waiter.leave(), ChildProcess::kSuccess);
  EXPECT_EQ(holder.leave(), ChildProcess::kSuccess);
}

TEST_F(McpTest, ACommitOfOneServerIsToldToTheSubscribersOfAnother) {
  McpClient reader(program_, path_);
  McpClient writer(program_, path_);
  writer.remember(1, "first");
  EXPECT_THAT(writer.receive(), HasSubstr("\"existed\":false"));
  reader.send(R"({"jsonrpc":"2.0","id":1,"method":"resources/subscribe",)"
              R"("params":{"uri":"holdfast://recent"}})");
  EXPECT_THAT(reader.receive(), HasSubstr("\"result\":{}"));
  EXPECT_THAT(reader.receive(), HasSubstr("resources/updated"));  // the watch has begun
  writer.remember(2, "second");
  EXPECT_THAT(reader.receive(), HasSubstr("resources/updated"));
  EXPECT_EQ(reader.leave(), ChildProcess::kSuccess);
  EXPECT_EQ(writer.leave(), ChildProcess::kSuccess);
}

TEST_F(McpTest, AStoreThatVanishesIsAnErrorAndNoCrash) {
  McpClient client(program_, path_);
  client.remember(1, "first");
  EXPECT_THAT(client.receive(), HasSubstr("\"existed\":false"));
  std::filesystem::rename(path_, path_ + ".moved");
  client.remember(2, "second");
  EXPECT_THAT(client.receive(), HasSubstr("vanished"));
  std::filesystem::rename(path_ + ".moved", path_);
  client.remember(3, "third");
  EXPECT_THAT(client.receive(), HasSubstr("\"existed\":false"));
  EXPECT_EQ(client.leave(), ChildProcess::kSuccess);
}

}  // namespace
}  // namespace holdfast
