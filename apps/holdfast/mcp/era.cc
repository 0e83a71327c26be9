#include "mcp/era.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

namespace holdfast::mcp {
namespace {

constexpr const char* kMetaLogLevel = "io.modelcontextprotocol/logLevel";
constexpr const char* kMetaServerInfo = "io.modelcontextprotocol/serverInfo";

const Json* meta_of(const Message& message) {
  if (!message.params.contains("_meta") || !message.params["_meta"].is_object()) return nullptr;
  return &message.params["_meta"];
}

Json progress_token_of(const Message& request) {
  const Json* meta = meta_of(request);
  return meta == nullptr ? Json(nullptr) : meta->value("progressToken", Json(nullptr));
}

RpcError no_method(const std::string& method) {
  return {kMethodNotFound, "there is no method \"" + cli::one_line(method, 80) + "\""};
}

class HandshakeEra : public Era {
 public:
  std::optional<RpcError> refusal(const Message&) const override { return std::nullopt; }
  PeerOptions peer_options(const Message& request) const override {
    return {.progress_token = progress_token_of(request)};
  }
  Reply finished(const std::string&, Reply reply) const override { return reply; }
};

class ModernEra : public Era {
 public:
  std::optional<RpcError> refusal(const Message& request) const override {
    const Json* meta = meta_of(request);
    if (meta == nullptr || !meta->contains(kMetaVersion) || !(*meta)[kMetaVersion].is_string()) {
      return RpcError{kInvalidParams,
                      "params._meta needs \"" + std::string(kMetaVersion) + "\", a string"};
    }
    const auto version = (*meta)[kMetaVersion].get<std::string>();
    if (version != kModernVersion) {
      return RpcError{kUnsupportedVersion,
                      "this revision of the protocol is not spoken here without a handshake",
                      {{"supported", supported_versions()}, {"requested", version}}};
    }
    if (!meta->contains(kMetaCapabilities) || !(*meta)[kMetaCapabilities].is_object()) {
      return RpcError{kInvalidParams,
                      "params._meta needs \"" + std::string(kMetaCapabilities) + "\", an object"};
    }
    constexpr std::string_view kMethods[] = {
        "server/discover",      "tools/list",         "tools/call",  "resources/list",
        "resources/read",       "prompts/list",       "prompts/get", "resources/templates/list",
        "subscriptions/listen", "completion/complete"};
    const bool known =
        std::find(std::begin(kMethods), std::end(kMethods), request.method) != std::end(kMethods);
    return known ? std::nullopt : std::optional(no_method(request.method));
  }

  PeerOptions peer_options(const Message& request) const override {
    PeerOptions options{.progress_token = progress_token_of(request), .is_stateless = true};
    const Json* meta = meta_of(request);
    if (meta != nullptr && meta->contains(kMetaLogLevel) && (*meta)[kMetaLogLevel].is_string()) {
      options.log_level = (*meta)[kMetaLogLevel].get<std::string>();
    }
    return options;
  }

  Reply finished(const std::string& method, Reply reply) const override {
    if (RpcError* error = std::get_if<RpcError>(&reply)) {
      if (error->code == kResourceNotFound) error->code = kInvalidParams;
      return reply;
    }
    Json& result = std::get<Json>(reply);
    result["resultType"] = "complete";
    result["_meta"][kMetaServerInfo] = server_info();
    const bool lists = method.ends_with("/list") || method == "server/discover";
    if (lists || method == "resources/read") {
      // What is offered changes with the program; what is remembered changes at any time.
      constexpr int kListTtlMs = 3'600'000;
      result["ttlMs"] = lists ? kListTtlMs : 0;
      result["cacheScope"] = lists ? "public" : "private";
    }
    return reply;
  }
};

}  // namespace

bool is_modern(const Message& request) {
  if (request.method == "server/discover" || request.method == "subscriptions/listen") return true;
  const Json* meta = meta_of(request);
  return meta != nullptr && meta->contains(kMetaVersion);
}

const Era& modern_era() {
  static const ModernEra era;
  return era;
}

const Era& era_of(const Message& request) {
  static const HandshakeEra handshake;
  if (is_modern(request)) return modern_era();
  return handshake;
}

std::vector<std::string> supported_versions() {
  std::vector<std::string> versions = {kModernVersion};
  versions.insert(versions.end(), std::begin(kHandshakeVersions), std::end(kHandshakeVersions));
  return versions;
}

Json server_info() {
  return {{"name", "holdfast"}, {"title", "Holdfast"}, {"version", HOLDFAST_VERSION}};
}

}  // namespace holdfast::mcp
