// Era: what the revisions of the protocol differ in, so that the server has one core. The ones up
// to 2025-11-25 begin with a handshake and keep a session; since 2026-07-28 every request says for
// itself which revision it is of and what its client can do.
//
// Thread-safety: eras are constants.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mcp/message.h"
#include "mcp/session.h"

namespace holdfast::mcp {

constexpr const char* kModernVersion = "2026-07-28";
// Those with a handshake, the newest first.
constexpr const char* kHandshakeVersions[] = {"2025-11-25", "2025-06-18", "2025-03-26"};

// Members of `_meta` of the modern era.
constexpr const char* kMetaVersion = "io.modelcontextprotocol/protocolVersion";
constexpr const char* kMetaCapabilities = "io.modelcontextprotocol/clientCapabilities";

class Era {
 public:
  virtual ~Era() = default;

  // Why the request cannot be answered at all; nullopt: it can.
  virtual std::optional<RpcError> refusal(const Message& request) const = 0;
  // How the request's tool may talk to the client.
  virtual PeerOptions peer_options(const Message& request) const = 0;
  // The reply as this era says it.
  virtual Reply finished(const std::string& method, Reply reply) const = 0;
};

const Era& modern_era();
const Era& era_of(const Message& request);
bool is_modern(const Message& request);

std::vector<std::string> supported_versions();
// Name and version of this program.
Json server_info();

}  // namespace holdfast::mcp
