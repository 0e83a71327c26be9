// Who may talk to the HTTP transport: the checks of Host, Origin and token.
//
// Thread-safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::mcp {

// "localhost", or an address that only this machine reaches.
bool is_loopback(std::string_view address);
// Not one address, but all that the machine has.
bool is_any_address(std::string_view address);

// Whether a Host header ("localhost:7332", "[::1]") names the loopback or one of `hosts`.
bool host_allowed(std::string_view header, const std::vector<std::string>& hosts);
// The same of an Origin header ("http://localhost:3000"); a request without one comes from no page.
bool origin_allowed(std::string_view header, const std::vector<std::string>& hosts);

// Whether an Authorization header carries `token`; takes as long whichever byte differs.
bool token_matches(std::string_view header, std::string_view token);

}  // namespace holdfast::mcp
