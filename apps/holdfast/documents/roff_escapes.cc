#include "documents/roff_escapes.h"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <utility>

namespace holdfast::documents {
namespace {

struct SpecialCharacter {
  std::string_view name;
  std::string_view text;
};

constexpr SpecialCharacter kSpecialCharacters[] = {
    {"-", "-"},         {"hy", "-"},        {"en", "-"},        {"em", "--"},
    {"mi", "-"},        {"bu", "*"},        {"aq", "'"},        {"cq", "'"},
    {"oq", "'"},        {"dq", "\""},       {"lq", "\""},       {"rq", "\""},
    {"ga", "`"},        {"aa", "'"},        {"ha", "^"},        {"ti", "~"},
    {"rs", "\\"},       {"sl", "/"},        {"ba", "|"},        {"or", "|"},
    {"bv", "|"},        {"br", "|"},        {"ul", "_"},        {"ru", "_"},
    {"at", "@"},        {"sh", "#"},        {"Do", "$"},        {"lB", "["},
    {"rB", "]"},        {"lC", "{"},        {"rC", "}"},        {"la", "<"},
    {"ra", ">"},        {"lt", "<"},        {"gt", ">"},        {"<=", "<="},
    {">=", ">="},       {"!=", "!="},       {"==", "=="},       {"->", "->"},
    {"<-", "<-"},       {"+-", "+-"},       {"pl", "+"},        {"eq", "="},
    {"**", "*"},        {"mu", "x"},        {"co", "(C)"},      {"rg", "(R)"},
    {"tm", "(TM)"},     {"de", "\xC2\xB0"}, {"mc", "\xC2\xB5"}, {"sc", "\xC2\xA7"},
    {"ss", "\xC3\x9F"}, {":a", "\xC3\xA4"}, {":o", "\xC3\xB6"}, {":u", "\xC3\xBC"},
    {":A", "\xC3\x84"}, {":O", "\xC3\x96"}, {":U", "\xC3\x9C"}, {":e", "\xC3\xAB"},
    {":i", "\xC3\xAF"}, {"'e", "\xC3\xA9"}, {"'a", "\xC3\xA1"}, {"'o", "\xC3\xB3"},
    {"'u", "\xC3\xBA"}, {"'i", "\xC3\xAD"}, {"'E", "\xC3\x89"}, {"`e", "\xC3\xA8"},
    {"`a", "\xC3\xA0"}, {"^e", "\xC3\xAA"}, {"^a", "\xC3\xA2"}, {"^o", "\xC3\xB4"},
    {"~n", "\xC3\xB1"}, {",c", "\xC3\xA7"}, {"/o", "\xC3\xB8"}, {"oa", "\xC3\xA5"},
    {"oA", "\xC3\x85"}, {"/O", "\xC3\x98"}, {"12", "1/2"},      {"14", "1/4"},
    {"34", "3/4"},      {"fm", "'"},        {"dg", "+"},        {"sq", "[]"},
    {"lh", "<="},       {"rh", "=>"},       {"if", "infinity"}, {"no", "not"},
    {"*a", "alpha"},    {"*b", "beta"},     {"*p", "pi"},       {"*m", "mu"},
    {"*l", "lambda"},   {"*W", "Omega"},    {"es", "{}"},       {"mo", "in"},
    {"lA", "<="},       {"rA", "=>"},       {"ua", "^"},        {"da", "v"},
    {"bq", ","},        {"Bq", ",,"},       {"Fo", "\xC2\xAB"}, {"Fc", "\xC2\xBB"},
    {"fo", "<"},        {"fc", ">"},        {"Po", "\xC2\xA3"}, {"Ye", "\xC2\xA5"},
    {"Eu", "EUR"},      {"ct", "\xC2\xA2"}, {"S1", "1"},        {"S2", "2"},
    {"S3", "3"},        {"pc", "."},        {"md", "."},        {"r!", "\xC2\xA1"},
    {"r?", "\xC2\xBF"}, {"ff", "ff"},       {"fi", "fi"},       {"fl", "fl"},
    {"Fi", "ffi"},      {"Fl", "ffl"},      {"~=", "~="},       {"ap", "~"},
    {"vS", "\xC5\xA1"}, {"vs", "\xC5\xA1"}, {"vz", "\xC5\xBE"}, {"OK", "ok"},
    {"*D", "Delta"},    {"*S", "Sigma"},    {"*s", "sigma"},    {"*e", "epsilon"},
    {"*h", "theta"},    {"*f", "phi"},      {"*d", "delta"},    {"*g", "gamma"},
};

void append_utf8(std::string& out, uint32_t code) {
  auto push = [&out](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    push(code);
  } else if (code < 0x800) {
    push(0xC0 | (code >> 6));
    push(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    if (code >= 0xD800 && code < 0xE000) return;
    push(0xE0 | (code >> 12));
    push(0x80 | ((code >> 6) & 0x3F));
    push(0x80 | (code & 0x3F));
  } else if (code < 0x110000) {
    push(0xF0 | (code >> 18));
    push(0x80 | ((code >> 12) & 0x3F));
    push(0x80 | ((code >> 6) & 0x3F));
    push(0x80 | (code & 0x3F));
  }
}

void append_special(std::string& out, std::string_view name) {
  for (const SpecialCharacter& special : kSpecialCharacters) {
    if (special.name == name) {
      out += special.text;
      return;
    }
  }
  if (name.size() >= 5 && name[0] == 'u') {
    append_utf8(
        out, static_cast<uint32_t>(std::strtoul(std::string(name.substr(1)).c_str(), nullptr, 16)));
  }
}

class Unescaper {
 public:
  Unescaper(std::string_view line, const RoffStrings& strings, int depth)
      : rest_(line), strings_(strings), depth_(depth) {}

  std::string run() {
    while (!rest_.empty()) {
      size_t plain = rest_.find('\\');
      out_ += rest_.substr(0, plain);
      if (plain == std::string_view::npos) break;
      rest_.remove_prefix(plain + 1);
      if (rest_.empty()) break;
      char kind = rest_[0];
      rest_.remove_prefix(1);
      if (!take(kind)) break;
    }
    return std::move(out_);
  }

 private:
  // False: the rest of the line is a comment.
  bool take(char kind) {
    switch (kind) {
      case '"':
      case '#':
        return false;
      case 'e':
      case '\\':
        out_ += '\\';
        break;
      case '-':
      case '.':
      case '\'':
      case '`':
        out_ += kind;
        break;
      case ' ':
      case '~':
      case '0':
        out_ += ' ';
        break;
      case 't':
        out_ += '\t';
        break;
      case '(':
        append_special(out_, take_characters(2));
        break;
      case '[':
        append_special(out_, take_until("]"));
        break;
      case 'C':
        append_special(out_, take_quoted());
        break;
      case 'N':
        append_utf8(out_, static_cast<uint32_t>(std::atoi(std::string(take_quoted()).c_str())));
        break;
      case '*':
        take_string();
        break;
      default:
        take_invisible(kind);
    }
    return true;
  }

  void take_string() {
    auto found = strings_.find(take_name());
    if (found == strings_.end() || depth_ >= 8) return;
    out_ += Unescaper(found->second, strings_, depth_ + 1).run();
  }

  void take_invisible(char kind) {
    constexpr std::string_view kNamed = "fFgkmMnVY";
    constexpr std::string_view kQuoted = "AbBDhHlLoRSvwxXZ";
    if (static_cast<unsigned char>(kind) >= 0x80) {
      out_ += kind;  // the first byte of a character that needs no escape
    } else if (kind == 's') {
      take_size();
    } else if (kNamed.find(kind) != std::string_view::npos) {
      if (kind == 'n' && !rest_.empty() && (rest_[0] == '+' || rest_[0] == '-')) take_characters(1);
      take_name();
    } else if (kQuoted.find(kind) != std::string_view::npos) {
      take_quoted();
    }
    // Everything else (\& \, \/ \| \^ \% \: \c \) \{ \} ...) takes no room.
  }

  // \s0 \s-1 \s+2 \s(10 \s[10] \s'10'
  void take_size() {
    if (rest_.empty()) return;
    if (rest_[0] == '+' || rest_[0] == '-') rest_.remove_prefix(1);
    if (rest_.empty()) return;
    if (rest_[0] == '\'') {
      take_quoted();
      return;
    }
    char first = rest_[0];
    take_name();
    bool two_digits =
        first >= '1' && first <= '3' && !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9';
    if (two_digits) rest_.remove_prefix(1);
  }

  // x, (xx or [xxx]
  std::string_view take_name() {
    if (rest_.empty()) return {};
    if (rest_[0] == '(') {
      rest_.remove_prefix(1);
      return take_characters(2);
    }
    if (rest_[0] == '[') {
      rest_.remove_prefix(1);
      return take_until("]");
    }
    return take_characters(1);
  }

  std::string_view take_quoted() { return take_until(take_characters(1)); }

  // Whole characters: a cut inside one would make the text malformed.
  std::string_view take_characters(size_t count) {
    size_t end = 0;
    while (count > 0 && end < rest_.size()) {
      ++end;
      while (end < rest_.size() && (static_cast<unsigned char>(rest_[end]) & 0xC0) == 0x80) ++end;
      --count;
    }
    std::string_view taken = rest_.substr(0, end);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view take_until(std::string_view end) {
    size_t position = end.empty() ? std::string_view::npos : rest_.find(end);
    std::string_view taken = rest_.substr(0, position);
    rest_.remove_prefix(position == std::string_view::npos ? rest_.size() : position + end.size());
    return taken;
  }

  std::string_view rest_;
  const RoffStrings& strings_;
  int depth_;
  std::string out_;
};

}  // namespace

std::string unescape_roff(std::string_view line, const RoffStrings& strings) {
  if (line.find('\\') == std::string_view::npos) return std::string(line);
  return Unescaper(line, strings, 0).run();
}

std::vector<std::string> split_roff_arguments(std::string_view line) {
  std::vector<std::string> arguments;
  size_t i = 0;
  while (i < line.size()) {
    if (line[i] == ' ' || line[i] == '\t') {
      ++i;
      continue;
    }
    if (line.substr(i, 2) == "\\\"") break;  // a comment
    std::string argument;
    bool quoted = line[i] == '"';
    if (quoted) ++i;
    while (i < line.size()) {
      if (line[i] == '\\' && i + 1 < line.size()) {
        argument += line.substr(i, 2);
        i += 2;
      } else if (quoted && line[i] == '"') {
        ++i;
        if (i >= line.size() || line[i] != '"') break;
        argument += line[i++];
      } else if (!quoted && (line[i] == ' ' || line[i] == '\t')) {
        break;
      } else {
        argument += line[i++];
      }
    }
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

}  // namespace holdfast::documents
