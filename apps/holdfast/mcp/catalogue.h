// What the server offers: tools, resources, prompts. Each group of tools adds its own; the server
// knows none of them by name.
//
// Thread-safety: filled before the server starts, only read afterwards; the functions in it are
// called from any thread, several at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/status.h"
#include "mcp/message.h"
#include "mcp/schema.h"
#include "mcp/session.h"

namespace holdfast::mcp {

// What a tool does to what is remembered, so that a client knows which calls to ask about first.
enum class Effect : uint8_t { kReads, kAdds, kChanges, kDestroys };

struct Tool {
  std::string name = {};
  std::string title = {};
  std::string description = {};
  Effect effect = Effect::kReads;
  bool repeatable = false;  // calling again with the same arguments changes nothing more
  Json input = {};          // schemas
  Json output = nullptr;    // null: only content
  // The whole result of tools/call. `arguments` fit `input`. An error becomes a result that says
  // so, for the model to read.
  std::function<Result<Json>(Peer& peer, const Json& arguments)> run = {};
};

struct Resource {
  std::string uri = {};
  std::string name = {};
  std::string title = {};
  std::string description = {};
  std::string media_type = {};
  // One element of `contents`, but for its uri and mimeType where it is text.
  std::function<Result<Json>()> read = {};
};

// A family of resources: `prefix` and `suffix` around one value, which is percent-encoded.
struct ResourceTemplate {
  std::string prefix = {};
  std::string variable = {};
  std::string suffix = {};
  std::string name = {};
  std::string title = {};
  std::string description = {};
  std::string media_type = {};
  std::function<Result<Json>(const std::string& value)> read = {};
  // Values that begin with `begin`, at most 100.
  std::function<Result<std::vector<std::string>>(const std::string& begin)> complete = {};

  std::string uri_template() const { return prefix + "{" + variable + "}" + suffix; }
  // The value in `uri`, decoded; nullopt: not of this family.
  std::optional<std::string> match(const std::string& uri) const;
};

struct PromptArgument {
  std::string name;
  std::string description;
  bool required = false;
  std::function<Result<std::vector<std::string>>(const std::string& begin)> complete = {};
};

struct Prompt {
  std::string name = {};
  std::string title = {};
  std::string description = {};
  std::vector<PromptArgument> arguments = {};
  // The messages.
  std::function<Result<Json>(const Json& arguments)> get = {};
};

struct Catalogue {
  std::string instructions;  // for the model: what this server is for
  std::vector<Tool> tools;
  std::vector<Resource> resources;
  std::vector<ResourceTemplate> templates;
  std::vector<Prompt> prompts;
};

// Bytes as a URI's part, and back; nullopt: a '%' without two hexadecimal digits.
std::string percent_encoded(const std::string& bytes);
std::optional<std::string> percent_decoded(const std::string& text);

// {"type": "text", "text": ...}
Json text_content(const std::string& text);
// A result of tools/call: the object, and the same as text for clients that do not read objects.
Json structured_result(Json object);

}  // namespace holdfast::mcp
