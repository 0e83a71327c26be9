// The transport over standard input and output: one message a line.
//
// Invariants:
//   1. Nothing but messages is written to `out`.
//   2. Requests are answered in the order in which they came, but for those that wait for others
//      (a claim that somebody has): they wait aside, so that what ends their waiting can come from
//      the same client. Pings, cancellations and answers to the server's own questions pass all.
//   3. It ends when `in` ends or `out` is closed, whatever a running request waits for.
//   4. What waits for its turn is bounded: what comes beyond it is refused.
#pragma once

#include <array>
#include <cstddef>
#include <istream>
#include <ostream>
#include <streambuf>

#include "mcp/server.h"

namespace holdfast::mcp {

constexpr size_t kMessageSizeMax = 32u << 20;  // bytes of one message
constexpr size_t kWaitingMax = 1'000;          // requests that wait for their turn
constexpr size_t kWaitingSizeMax = 64u << 20;  // and their bytes
constexpr size_t kAsideMax = 32;               // requests that wait aside; more wait in line

// What a client sends to descriptor `in`; it ends also when nobody reads `out` any more, which a
// server that waits for its next request would not learn otherwise. What is there by then is read.
class ClientInput : public std::streambuf {
 public:
  ClientInput(int in, int out) : in_(in), out_(out) {}

 protected:
  int_type underflow() override;

 private:
  const int in_;
  const int out_;
  std::array<char, 64 << 10> buffer_;
};

// Serves one client until it is gone. Returns whether every request came to its end; if not, a
// thread still runs and the process should exit without unwinding.
bool serve_stdio(const Server& server, Session& session, std::istream& in, std::ostream& out);

}  // namespace holdfast::mcp
