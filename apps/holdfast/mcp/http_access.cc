#include "mcp/http_access.h"

#include <arpa/inet.h>

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

// Nothing, or a colon and digits.
bool is_port(std::string_view text) {
  if (text.empty()) return true;
  return text.front() == ':' && std::all_of(text.begin() + 1, text.end(),
                                            [](unsigned char c) { return std::isdigit(c) != 0; });
}

// "name:port" without the port; "[::1]:80" without the brackets too; empty: it is neither.
std::string name_of(std::string_view host) {
  const bool is_bracketed = host.starts_with('[');
  const size_t end = is_bracketed ? host.find(']') : std::min(host.find(':'), host.size());
  if (end == std::string_view::npos) return {};
  if (!is_port(host.substr(end + (is_bracketed ? 1 : 0)))) return {};
  return lower(host.substr(is_bracketed ? 1 : 0, is_bracketed ? end - 1 : end));
}

// The bytes of an address; empty: it is none.
std::string address_bytes(std::string_view text) {
  unsigned char bytes[16];
  const std::string address(text);
  if (::inet_pton(AF_INET, address.c_str(), bytes) == 1) return {bytes, bytes + 4};
  if (::inet_pton(AF_INET6, address.c_str(), bytes) == 1) return {bytes, bytes + 16};
  return {};
}

}  // namespace

bool is_loopback(std::string_view address) {
  const std::string bytes = address_bytes(address);
  return address == "localhost" || (bytes.size() == 4 && bytes[0] == 127) ||
         bytes == std::string(15, '\0') + '\1';
}

bool is_any_address(std::string_view address) {
  const std::string bytes = address_bytes(address);
  return !bytes.empty() && bytes.find_first_not_of('\0') == std::string::npos;
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
  constexpr std::string_view kScheme = "bearer ";
  if (lower(header.substr(0, kScheme.size())) != kScheme) return false;
  const std::string_view given = header.substr(kScheme.size());
  unsigned differ = given.size() == token.size() ? 0 : 1;
  for (size_t i = 0; i < given.size(); ++i) {
    const char expected = token.empty() ? '\0' : token[i % token.size()];
    differ |= static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(expected);
  }
  return differ == 0;
}

}  // namespace holdfast::mcp
