// Redaction: secrets are taken out of what is to be remembered before anything of it is written.
//
// What is known by its form: keys and tokens of common services (AWS, GitHub, GitLab, Slack,
// OpenAI, Anthropic, Stripe, Google, npm, PyPI, Hugging Face, SendGrid ...), JSON web tokens,
// private keys in PEM, passwords in URLs and connection strings, Authorization headers, and values
// that are assigned to a name such as password, secret, token or api_key. Each is replaced by
// "[redacted:NAME]". A rule of one's own is a prefix and what follows it. Forms are guesses: what
// has no form, such as a password in a sentence, stays.
//
// Thread-safety: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"

namespace holdfast {

constexpr size_t kRedactionRulesMax = 256;
constexpr size_t kRedactionTextSizeMax = 200;  // bytes of a name, prefix or exception

enum class SecretAlphabet : uint8_t {
  alphanumeric,  // A-Z a-z 0-9
  token,         // and - _
  base64,        // and + / = . ~
  graphic,       // all but space, quotes, backslash, comma and semicolon
};

// `prefix`, not in the middle of a word, and at least `size_min` characters of the alphabet.
struct RedactionRule {
  std::string name = {};    // 1 to kRedactionTextSizeMax bytes of a-z 0-9 and -
  std::string prefix = {};  // 1 to kRedactionTextSizeMax bytes
  SecretAlphabet alphabet = SecretAlphabet::token;
  size_t size_min = 8;  // 1 to 10,000
};

struct RedactionOptions {
  bool enabled = true;
  bool builtin = true;  // the rules named above
  std::vector<RedactionRule> rules = {};
  // Texts that are no secrets though they look so: whole matches, compared exactly.
  std::vector<std::string> exceptions = {};
};

// What was taken out.
struct Redaction {
  std::string name = {};
  uint64_t offset = 0;  // in the text as given
  uint64_t size = 0;    // bytes
};

// Errors: InvalidArgument, TooLarge.
Status check_redaction(const RedactionOptions& options);
// `text` without secrets; what was taken out is appended to `found`, if that is not null. What JSON
// text holds stays JSON. REQUIRES: check_redaction(options).
std::string redact(std::string_view text, const RedactionOptions& options = {},
                   std::vector<Redaction>* found = nullptr);

}  // namespace holdfast
