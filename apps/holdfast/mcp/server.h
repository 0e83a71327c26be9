// Server: answers the messages of the Model Context Protocol from a catalogue, whichever way they
// come, in every era of the protocol (mcp/era.h).
//
// Thread-safety: handle() from any thread, also for one session at a time several requests.
// Invariants:
//   1. Every request gets exactly one response, a cancelled one none.
//   2. What a client sends changes nothing before it has been held against the tool's schema.
#pragma once

#include <optional>
#include <string>

#include "mcp/catalogue.h"
#include "mcp/era.h"
#include "mcp/message.h"
#include "mcp/session.h"

namespace holdfast::mcp {

class Server {
 public:
  // `catalogue` must outlive the server.
  explicit Server(const Catalogue& catalogue) : catalogue_(catalogue) {}

  // Takes a message; what the request says while it runs goes to `send`. Returns what to answer;
  // nullopt: nothing. The transport has called Session::begin() for a request before.
  std::optional<Json> handle(Session& session, const Message& message, const Send& send) const;
  // The same for the requests of a batch, and for what was no message in it.
  std::optional<Json> handle_batch(Session& session, const std::vector<ParsedMessage>& batch,
                                   const Send& send) const;

  // Whether carrying out the request may take until somebody else does something.
  bool may_wait(const Message& message) const;

 private:
  // Whatever is thrown on the way (memory is short) is the end of the request alone.
  std::optional<Reply> guarded_reply_to(Session& session, const Message& message,
                                        const Send& send) const;
  // nullopt: the answer comes when the client has gone, or never.
  std::optional<Reply> reply_to(Session& session, const Message& message, const Send& send) const;
  std::optional<Reply> reply_of_session(Session& session, const Message& message) const;
  Reply reply_of_catalogue(Session& session, const Message& message, const Send& send) const;
  Reply initialize(Session& session, const Json& params) const;
  Reply discover() const;
  std::optional<Reply> listen(Session& session, const Message& message, const Send& send) const;
  Json capabilities() const;
  Reply list_tools() const;
  Reply call_tool(Peer& peer, const Json& params) const;
  Reply list_resources() const;
  Reply list_templates() const;
  Reply read_resource(const Json& params) const;
  Reply subscribe(Session& session, const Json& params, bool on) const;
  bool is_resource(const std::string& uri) const;
  Reply list_prompts() const;
  Reply get_prompt(const Json& params) const;
  Reply complete(const Json& params) const;

  const Catalogue& catalogue_;
};

}  // namespace holdfast::mcp
