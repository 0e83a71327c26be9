#include "holdfast/redaction.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "memory/text_check.h"

namespace holdfast {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr std::array<bool, 256> kIsWord = [] {
  std::array<bool, 256> is{};
  for (int c = 0; c < 256; ++c) {
    is[static_cast<size_t>(c)] =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  }
  return is;
}();
bool is_word(char c) {
  return kIsWord[static_cast<uint8_t>(c)];
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool is_of(SecretAlphabet alphabet, char c) {
  if (is_letter(c) || is_digit(c)) return true;
  switch (alphabet) {
    case SecretAlphabet::alphanumeric:
      return false;
    case SecretAlphabet::token:
      return c == '-' || c == '_';
    case SecretAlphabet::base64:
      return std::string_view("-_+/=.~").find(c) != std::string_view::npos;
    case SecretAlphabet::graphic:
      return static_cast<unsigned char>(c) > 0x20 && c != 0x7f &&
             std::string_view("\"'`\\,;").find(c) == std::string_view::npos;
  }
  return false;
}

struct PrefixRule {
  std::string_view name;
  std::string_view prefix;
  SecretAlphabet alphabet;
  size_t size_min;
};

constexpr auto kAlnum = SecretAlphabet::alphanumeric;
constexpr auto kToken = SecretAlphabet::token;
constexpr auto kBase64 = SecretAlphabet::base64;

// A longer prefix stands before one that it begins with.
constexpr PrefixRule kPrefixRules[] = {
    {"aws-access-key", "AKIA", kAlnum, 16},
    {"aws-access-key", "ASIA", kAlnum, 16},
    {"github-token", "ghp_", kAlnum, 30},
    {"github-token", "gho_", kAlnum, 30},
    {"github-token", "ghu_", kAlnum, 30},
    {"github-token", "ghs_", kAlnum, 30},
    {"github-token", "ghr_", kAlnum, 30},
    {"github-token", "github_pat_", kToken, 22},
    {"gitlab-token", "glpat-", kToken, 20},
    {"slack-token", "xoxa-", kToken, 10},
    {"slack-token", "xoxb-", kToken, 10},
    {"slack-token", "xoxp-", kToken, 10},
    {"slack-token", "xoxr-", kToken, 10},
    {"slack-token", "xoxs-", kToken, 10},
    {"slack-token", "xapp-", kToken, 10},
    {"slack-webhook", "https://hooks.slack.com/services/", kBase64, 20},
    {"discord-webhook", "https://discord.com/api/webhooks/", kBase64, 40},
    {"anthropic-key", "sk-ant-", kToken, 20},
    {"openai-key", "sk-", kToken, 20},
    {"stripe-key", "sk_live_", kAlnum, 16},
    {"stripe-key", "sk_test_", kAlnum, 16},
    {"stripe-key", "rk_live_", kAlnum, 16},
    {"stripe-key", "rk_test_", kAlnum, 16},
    {"stripe-key", "whsec_", kBase64, 20},
    {"google-key", "AIza", kToken, 35},
    {"google-token", "ya29.", kToken, 20},
    {"npm-token", "npm_", kAlnum, 36},
    {"pypi-token", "pypi-", kToken, 50},
    {"huggingface-token", "hf_", kAlnum, 30},
    {"digitalocean-token", "dop_v1_", kAlnum, 60},
    {"sendgrid-key", "SG.", kBase64, 40},
    {"databricks-token", "dapi", kAlnum, 32},
    {"shopify-token", "shpat_", kAlnum, 32},
    {"age-key", "AGE-SECRET-KEY-1", kAlnum, 50},
    {"vault-token", "hvs.", kToken, 24},
    {"telegram-token", "bot_token:", kBase64, 30},
};

// Names whose values are secret, in lower case; a name in the text may have more in front of it, so
// DB_PASSWORD is one, too.
constexpr std::string_view kSecretNames[] = {
    "password",        "passwd",         "passphrase", "pwd",         "secret",
    "secret_key",      "secretkey",      "api_key",    "apikey",      "api-key",
    "access_key",      "accesskey",      "token",      "auth_token",  "authtoken",
    "private_key",     "client_secret",  "accountkey", "account_key", "secret_access_key",
    "sharedaccesskey", "encryption_key", "signing_key"};

static_assert(std::ranges::all_of(kPrefixRules,
                                  [](const PrefixRule& rule) { return rule.prefix.size() > 2; }));

constexpr std::string_view kWebToken = "eyJ";
constexpr std::string_view kAuthorization = "authorization";

// By the first byte of what a word may begin with, which second and third bytes it may have: a bit
// for the lower six bits of each. Most words are passed over by this.
struct Followers {
  uint64_t second = 0;
  uint64_t third = 0;
};
constexpr uint64_t follower(char c) {
  return uint64_t{1} << (static_cast<uint8_t>(c) & 63);
}
constexpr std::array<Followers, 256> followers() {
  std::array<Followers, 256> all{};
  const auto add = [&all](std::string_view prefix) {
    Followers& one = all[static_cast<uint8_t>(prefix[0])];
    one.second |= follower(prefix[1]);
    one.third |= follower(prefix[2]);
  };
  for (const PrefixRule& rule : kPrefixRules) add(rule.prefix);
  add(kWebToken);
  for (int letters = 0; letters < 8; ++letters) {  // in any case
    char begin[3] = {kAuthorization[0], kAuthorization[1], kAuthorization[2]};
    for (int i = 0; i < 3; ++i) begin[i] -= (letters >> i & 1) != 0 ? 'a' - 'A' : 0;
    add({begin, 3});
  }
  return all;
}
constexpr std::array<Followers, 256> kFollowers = followers();

struct Match {
  std::string_view name;
  size_t begin = 0;
  size_t end = 0;
};

class Scanner {
 public:
  Scanner(std::string_view text, const RedactionOptions& options)
      : text_(text), options_(options) {}

  // The first secret that begins at or behind `from`. None begins inside of a word.
  std::optional<Match> next(size_t from) {
    size_t at = from > 0 && is_word(text_[from - 1]) ? word_end(from) : from;
    while (at < text_.size()) {
      const auto match = may_begin(at) ? at_position(at) : std::nullopt;
      if (match && !is_excepted(*match)) return match;
      at = is_word(text_[at]) ? word_end(at) : at + 1;
    }
    return std::nullopt;
  }

 private:
  size_t word_end(size_t at) const {
    while (at < text_.size() && is_word(text_[at])) ++at;
    return at;
  }

  // False: certainly no secret does. REQUIRES: `at` is not inside of a word.
  bool may_begin(size_t at) const {
    const char c = text_[at];
    if (!options_.rules.empty() || c == '-' || c == ':' || c == '=') return true;
    if (at + 2 >= text_.size()) return false;
    const Followers& of = kFollowers[static_cast<uint8_t>(c)];
    return (of.second & follower(text_[at + 1])) != 0 && (of.third & follower(text_[at + 2])) != 0;
  }

  std::optional<Match> at_position(size_t at) {
    const bool begins_word = at == 0 || !is_word(text_[at - 1]);
    if (begins_word) {
      for (const RedactionRule& rule : options_.rules) {
        const PrefixRule own{rule.name, rule.prefix, rule.alphabet, rule.size_min};
        if (const auto match = prefixed(own, at)) return match;
      }
    }
    if (!options_.builtin) return std::nullopt;
    if (begins_word) {
      for (const PrefixRule& rule : kPrefixRules) {
        if (const auto match = prefixed(rule, at)) return match;
      }
      if (const auto match = web_token(at)) return match;
      if (const auto match = authorization(at)) return match;
    }
    switch (text_[at]) {
      case '-':
        return private_key(at);
      case ':':
        if (const auto match = url_password(at)) return match;
        return assigned(at);
      case '=':
        return assigned(at);
      default:
        return std::nullopt;
    }
  }

  bool is_excepted(const Match& match) const {
    const std::string_view found = text_.substr(match.begin, match.end - match.begin);
    return std::find(options_.exceptions.begin(), options_.exceptions.end(), found) !=
           options_.exceptions.end();
  }

  size_t run_end(size_t at, SecretAlphabet alphabet) const {
    while (at < text_.size() && is_of(alphabet, text_[at])) ++at;
    return at;
  }

  // Of many that begin in one run it is looked for once.
  size_t graphic_end(size_t at) {
    if (at < graphic_begin_ || at >= graphic_end_) {
      graphic_begin_ = at;
      graphic_end_ = run_end(at, SecretAlphabet::graphic);
    }
    return at < graphic_end_ ? graphic_end_ : at;
  }

  std::optional<Match> prefixed(const PrefixRule& rule, size_t at) const {
    if (text_[at] != rule.prefix[0] || !text_.substr(at).starts_with(rule.prefix)) {
      return std::nullopt;
    }
    const size_t body = at + rule.prefix.size();
    const size_t end = run_end(body, rule.alphabet);
    if (end - body < rule.size_min) return std::nullopt;
    return Match{rule.name, at, end};
  }

  // header.payload.signature, each base64url; the first two are JSON objects, so they begin "eyJ".
  std::optional<Match> web_token(size_t at) {
    if (at < no_header_end_ || !text_.substr(at).starts_with(kWebToken)) return std::nullopt;
    const size_t header = run_end(at, kToken);
    if (text_.substr(header).starts_with(".eyJ")) {
      const size_t payload = run_end(header + 1, kToken);
      const bool is_signed = payload < text_.size() && text_[payload] == '.';
      if (is_signed) return Match{"jwt", at, run_end(payload + 1, kToken)};
    }
    no_header_end_ = header;
    return std::nullopt;
  }

  // "Bearer xyz", "Basic xyz" behind "authorization:".
  std::optional<Match> authorization(size_t at) const {
    if (!equal_folded(at, kAuthorization)) return std::nullopt;
    size_t value = at + kAuthorization.size();
    while (value < text_.size() && std::string_view("\"' \t:=").find(text_[value]) != text_.npos) {
      ++value;
    }
    for (const std::string_view scheme : {"bearer ", "basic ", "token "}) {
      if (equal_folded(value, scheme)) value += scheme.size();
    }
    const size_t end = run_end(value, kBase64);
    constexpr size_t kSizeMin = 8;
    if (end - value < kSizeMin) return std::nullopt;
    return Match{"authorization", value, end};
  }

  bool equal_folded(size_t at, std::string_view expected) const {
    if (text_.size() - std::min(at, text_.size()) < expected.size()) return false;
    for (size_t i = 0; i < expected.size(); ++i) {
      if (lower(text_[at + i]) != expected[i]) return false;
    }
    return true;
  }

  // From BEGIN to END; without an END to where the text, or the string that it is in, ends.
  std::optional<Match> private_key(size_t at) const {
    constexpr std::string_view kBegin = "-----BEGIN ";
    constexpr size_t kLabelSizeMax = 64;
    if (!text_.substr(at).starts_with(kBegin)) return std::nullopt;
    const size_t label = at + kBegin.size();
    const size_t label_end = text_.find("-----", label);
    if (label_end == text_.npos || label_end - label > kLabelSizeMax) return std::nullopt;
    const std::string_view what = text_.substr(label, label_end - label);
    if (what.find("PRIVATE KEY") == what.npos) return std::nullopt;
    const std::string closing = "-----END " + std::string(what) + "-----";
    const size_t closed = text_.find(closing, label_end);
    const size_t end = closed == text_.npos ? std::min(text_.find('"', label_end), text_.size())
                                            : closed + closing.size();
    return Match{"private-key", at, end};
  }

  // The password of scheme://user:password@host; `at` is the colon behind the scheme.
  std::optional<Match> url_password(size_t at) const {
    if (!text_.substr(at).starts_with("://") || at == 0 || !is_word(text_[at - 1])) {
      return std::nullopt;
    }
    const size_t authority = at + 3;
    const size_t stop =
        std::min(text_.find_first_of(" \t\r\n/?#\"'`<>\\", authority), text_.size());
    const std::string_view before_path = text_.substr(authority, stop - authority);
    const std::string_view user = before_path.substr(0, before_path.rfind('@'));
    const size_t colon = user.find(':');
    if (user.size() == before_path.size() || colon == user.npos) return std::nullopt;
    const std::string_view password = user.substr(colon + 1);
    if (is_placeholder(password)) return std::nullopt;
    return Match{"url-password", authority + colon + 1, authority + user.size()};
  }

  // name = value, name: value, "name": "value"; `at` is the sign between them.
  std::optional<Match> assigned(size_t at) {
    size_t name_end = at;
    while (name_end > 0 && (text_[name_end - 1] == ' ' || text_[name_end - 1] == '\\' ||
                            is_quote(text_[name_end - 1]))) {
      --name_end;
    }
    const std::string_view name = secret_name(name_end);
    if (name.empty()) return std::nullopt;
    size_t value = at + 1;
    while (value < text_.size() && (text_[value] == '=' || text_[value] == '>')) ++value;
    while (value < text_.size() && (text_[value] == ' ' || text_[value] == '\t')) ++value;
    const bool is_escaped = text_.substr(value).starts_with("\\\"");
    if (is_escaped) ++value;
    size_t end = value;
    if (value < text_.size() && is_quote(text_[value])) {
      const char quote = text_[value++];
      end = value;
      while (end < text_.size() && text_[end] != quote && text_[end] != '\\' &&
             text_[end] != '\n') {
        ++end;
      }
    } else {
      end = graphic_end(value);
      while (end > value && std::string_view(".)]}>").find(text_[end - 1]) != text_.npos) --end;
    }
    return value_match(value, end, name);
  }

  std::optional<Match> value_match(size_t value, size_t end, std::string_view name) const {
    const std::string_view found = text_.substr(value, end - value);
    const bool is_password = name.starts_with("pass") || name == "pwd";
    constexpr size_t kPasswordSizeMin = 4;
    constexpr size_t kSecretSizeMin = 8;
    if (found.size() < (is_password ? kPasswordSizeMin : kSecretSizeMin)) return std::nullopt;
    if (is_placeholder(found)) return std::nullopt;
    // "token: refreshed" is a sentence; a secret has a digit or a sign in it.
    const bool is_plain = std::all_of(found.begin(), found.end(), [](char c) {
      return is_letter(c) || static_cast<unsigned char>(c) >= 0x80;
    });
    const bool quoted = value > 0 && is_quote(text_[value - 1]);
    const bool spaced = value > 0 && is_space(text_[value - 1]);
    if (is_plain && !quoted && (spaced || !is_password)) return std::nullopt;
    return Match{"secret", value, end};
  }

  static bool is_quote(char c) { return c == '"' || c == '\'' || c == '`'; }

  // The secret name that ends at `end`; empty: none.
  std::string_view secret_name(size_t end) const {
    for (const std::string_view name : kSecretNames) {
      if (end < name.size() || !equal_folded(end - name.size(), name)) continue;
      const size_t begin = end - name.size();
      if (begin == 0 || !is_letter(text_[begin - 1]) || is_letter_case_change(begin)) return name;
    }
    return {};
  }

  // dbPassword
  bool is_letter_case_change(size_t begin) const {
    return text_[begin] >= 'A' && text_[begin] <= 'Z' && text_[begin - 1] >= 'a' &&
           text_[begin - 1] <= 'z';
  }

  // What stands for a secret and is none: $VAR, ${VAR}, <token>, %s, {{x}}, ****, xxxx.
  static bool is_placeholder(std::string_view value) {
    if (value.empty()) return true;
    if (std::string_view("$<%{[*").find(value[0]) != value.npos) return true;
    constexpr std::string_view kWords[] = {"null",      "none",        "true",       "false",
                                           "undefined", "process.env", "os.environ", "env.",
                                           "getenv",    "required",    "string",     "redacted",
                                           "changeme",  "your_",       "your-",      "example"};
    constexpr size_t kWordSizeMax = 16;
    std::string folded;
    for (const char c : value.substr(0, kWordSizeMax)) folded.push_back(lower(c));
    for (const std::string_view word : kWords) {
      const bool is_open = word.back() == '.' || word.back() == '_' || word.back() == '-' ||
                           word.find('.') != word.npos || word == "getenv";
      if (is_open ? folded.starts_with(word) : folded == word) return true;
    }
    const auto is_first = [&](char c) { return lower(c) == folded[0]; };
    return std::all_of(value.begin(), value.end(), is_first);
  }

  const std::string_view text_;
  const RedactionOptions& options_;
  size_t no_header_end_ = 0;  // what ends here as the header of a web token is none
  size_t graphic_begin_ = 0;
  size_t graphic_end_ = 0;
};

}  // namespace

Status check_redaction(const RedactionOptions& options) {
  const auto invalid = [](const std::string& message) {
    return Status(StatusCode::kInvalidArgument, message);
  };
  if (options.rules.size() > kRedactionRulesMax || options.exceptions.size() > kRedactionRulesMax) {
    return Status(StatusCode::kTooLarge, "at most " + std::to_string(kRedactionRulesMax) +
                                             " rules and as many exceptions are allowed");
  }
  constexpr size_t kSizeMinMax = 10'000;
  for (const RedactionRule& rule : options.rules) {
    HOLDFAST_TRY(memory::check_name("a rule's name", rule.name, kRedactionTextSizeMax));
    HOLDFAST_TRY(memory::check_name("a rule's prefix", rule.prefix, kRedactionTextSizeMax));
    const bool is_plain = std::all_of(rule.name.begin(), rule.name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-';
    });
    if (!is_plain) return invalid("a rule's name has only a-z, 0-9 and -");
    const bool breaks_json = rule.prefix.find_first_of("\"\\") != std::string::npos;
    if (breaks_json) return invalid("a rule's prefix has no quotes and no backslash");
    if (rule.size_min == 0 || rule.size_min > kSizeMinMax) {
      return invalid("a rule's size_min must be 1 to 10000");
    }
  }
  for (const std::string& text : options.exceptions) {
    HOLDFAST_TRY(memory::check_name("an exception", text, kRedactionTextSizeMax));
  }
  return Status::ok();
}

std::string redact(std::string_view text, const RedactionOptions& options,
                   std::vector<Redaction>* found) {
  if (!options.enabled) return std::string(text);
  Scanner scanner(text, options);
  std::string out;
  size_t at = 0;
  while (const auto match = scanner.next(at)) {
    out.append(text.substr(at, match->begin - at));
    out.append("[redacted:").append(match->name).append("]");
    if (found != nullptr) {
      found->push_back({std::string(match->name), match->begin, match->end - match->begin});
    }
    at = match->end;
  }
  return out.append(text.substr(at));
}

}  // namespace holdfast
