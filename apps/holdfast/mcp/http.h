// The transport "Streamable HTTP" at /mcp: a POST for each message; the answer to a tool's call is
// a stream of events, on which the tool can say and ask something first; a GET for what belongs to
// no call; a DELETE ends the session.
//
// Invariants:
//   1. It listens on the loopback unless told otherwise, and beyond it only with a token.
//   2. A request whose Host or Origin is not one of ours is refused before anything is read from
//      it: a web page must not reach it by a name of its own (DNS rebinding).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mcp/server.h"
#include "mcp/sessions.h"

namespace holdfast::mcp {

struct HttpOptions {
  std::string address = "127.0.0.1";
  int port = 0;                         // 0: any that is free
  std::string token = {};               // demanded as "Authorization: Bearer ..."; empty: none
  std::vector<std::string> hosts = {};  // names beside the loopback's under which it is reached
};

class HttpServer {
 public:
  // `server` and `sessions` must outlive it.
  HttpServer(const Server& server, Sessions& sessions, HttpOptions options);
  ~HttpServer();

  // Takes the port; returns it. Errors: InvalidArgument (beyond the loopback without a token),
  // IoError (the port is taken).
  Result<int> bind();
  // Serves until stop(), which may be called from any thread or from a signal's.
  Status serve();
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::mcp
