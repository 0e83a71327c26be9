// What tools read from their arguments. A schema has been checked before: types are right.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "mcp/catalogue.h"

namespace holdfast::mcp {

std::optional<std::string> text_of(const Json& arguments, const char* name);
// None when it is missing.
std::vector<std::string> texts_of(const Json& arguments, const char* name);
// Errors: InvalidArgument (not a time).
Result<std::optional<int64_t>> time_of(const Json& arguments, const char* name);
std::chrono::milliseconds seconds_of(const Json& arguments, const char* name, double otherwise);

// InvalidArgument when what the argument "action" does needs `name`, and it is missing.
Status needs(const Json& arguments, const char* name);

// The bytes of "text" or "base64". InvalidArgument: neither or both, or no base64.
Result<std::string> bytes_of(const Json& arguments);

// Drops a character that is cut at the end of `piece`, if there is text before it.
void drop_cut_character(std::string& piece);

inline constexpr const char* kIdHelp = "Id of an observation, or the first 8 or more digits of one";
inline constexpr const char* kTimeHelp = "2026-01-31 or 2026-01-31T09:05:00Z";

// Waits as long as the argument wait_seconds says, in steps, so that a tool sees between them
// whether its client has lost interest. Tells the client how long it has waited, so that the client
// does not give up before.
class Patience {
 public:
  Patience(Peer& peer, const Json& arguments);

  std::chrono::milliseconds step() const;
  // After a step in vain: whether to take another.
  bool another();

 private:
  Peer& peer_;
  const std::chrono::milliseconds whole_;
  std::chrono::milliseconds left_;
  std::chrono::milliseconds told_{0};
};

}  // namespace holdfast::mcp
