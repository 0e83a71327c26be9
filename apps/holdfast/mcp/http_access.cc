#include "mcp/http_access.h"

#include <algorithm>
#include <cctype>
#include <cstddef>

namespace holdfast::mcp {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// "name:port" without the port; "[::1]:80" without the brackets too.
std::string name_of(std::string_view host) {
  if (!host.empty() && host.front() == '[') {
    const size_t end = host.find(']');
    return end == std::string_view::npos ? std::string() : lower(host.substr(1, end - 1));
  }
  return lower(host.substr(0, host.find(':')));
}

}  // namespace

bool is_loopback(std::string_view address) {
  return address == "localhost" || address == "::1" || address.substr(0, 4) == "127.";
}

bool host_allowed(std::string_view header, const std::vector<std::string>& hosts) {
  const std::string name = name_of(header);
  return name == "localhost" || name == "127.0.0.1" || name == "::1" ||
         std::any_of(hosts.begin(), hosts.end(),
                     [&](const std::string& host) { return lower(host) == name; });
}

bool origin_allowed(std::string_view header, const std::vector<std::string>& hosts) {
  if (header.empty()) return true;
  const size_t scheme = header.find("://");
  if (scheme == std::string_view::npos) return false;  // "null": a page without an origin
  const std::string_view protocol = header.substr(0, scheme);
  return (protocol == "http" || protocol == "https") &&
         host_allowed(header.substr(scheme + 3), hosts);
}

bool token_matches(std::string_view header, std::string_view token) {
  constexpr std::string_view kScheme = "Bearer ";
  if (header.substr(0, kScheme.size()) != kScheme) return false;
  const std::string_view given = header.substr(kScheme.size());
  unsigned differ = given.size() == token.size() ? 0 : 1;
  for (size_t i = 0; i < given.size(); ++i) {
    const char expected = token.empty() ? '\0' : token[i % token.size()];
    differ |= static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(expected);
  }
  return differ == 0;
}

}  // namespace holdfast::mcp
