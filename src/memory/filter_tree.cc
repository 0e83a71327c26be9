#include "memory/filter_tree.h"

#include <algorithm>
#include <optional>

#include "base/utf8.h"
#include "holdfast/filter.h"

namespace holdfast::memory {
namespace {

constexpr struct {
  std::string_view text;
  FilterOperator compare;
} kSigns[] = {
    {"!=", FilterOperator::kNotEqual}, {"<=", FilterOperator::kAtMost},
    {">=", FilterOperator::kAtLeast},  {"=", FilterOperator::kEqual},
    {"<", FilterOperator::kLess},      {">", FilterOperator::kGreater},
};
constexpr struct {
  std::string_view text;
  FilterOperator compare;
} kWords[] = {
    {"IN", FilterOperator::kIn},
    {"BEGINS", FilterOperator::kBegins},
    {"CONTAINS", FilterOperator::kContains},
    {"EXISTS", FilterOperator::kExists},
};
constexpr std::string_view kJoints[] = {"AND", "OR", "NOT"};

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_word_char(char c) {
  return !is_space(c) && std::string_view("(),=<>!\"'").find(c) == std::string_view::npos;
}

bool is_same_word(std::string_view a, std::string_view b) {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return upper(x) == upper(y); });
}

bool is_keyword(std::string_view word) {
  const auto is_word = [&](std::string_view other) { return is_same_word(word, other); };
  return std::any_of(std::begin(kJoints), std::end(kJoints), is_word) ||
         std::any_of(std::begin(kWords), std::end(kWords),
                     [&](const auto& one) { return is_word(one.text); });
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<FilterNode> parse() {
    skip_space();
    if (at_ == text_.size()) return FilterNode();
    HOLDFAST_ASSIGN(FilterNode root, parse_any(0));
    if (at_ < text_.size()) return unexpected("AND, OR or the end");
    return root;
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  char next() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  std::string_view word_at(size_t at) const {
    size_t end = at;
    while (end < text_.size() && is_word_char(text_[end])) ++end;
    return text_.substr(at, end - at);
  }
  bool take_word(std::string_view word) {
    const std::string_view found = word_at(at_);
    if (!is_same_word(found, word)) return false;
    at_ += found.size();
    skip_space();
    return true;
  }
  bool take_sign(std::string_view sign) {
    if (!text_.substr(at_).starts_with(sign)) return false;
    at_ += sign.size();
    skip_space();
    return true;
  }
  // What is there instead, in a few words.
  Status unexpected(const std::string& expected) const {
    constexpr size_t kShownMax = 24;
    if (at_ == text_.size()) return wrong_filter(at_, "expected " + expected + ", but it ends");
    std::string_view found = word_at(at_);
    if (found.empty()) found = text_.substr(at_, 1);
    if (found.size() > kShownMax) {
      size_t end = kShownMax;
      while ((static_cast<uint8_t>(found[end]) & 0xc0) == 0x80) --end;
      found = found.substr(0, end);
    }
    return wrong_filter(at_, "expected " + expected + ", not `" + std::string(found) + "`");
  }

  Result<FilterNode> parse_any(size_t depth) {
    return parse_joined(FilterNode::Kind::kAny, "OR", [&] { return parse_all(depth); });
  }
  Result<FilterNode> parse_all(size_t depth) {
    return parse_joined(FilterNode::Kind::kAll, "AND", [&] { return parse_one(depth); });
  }
  // One alone is itself.
  template <typename Part>
  Result<FilterNode> parse_joined(FilterNode::Kind kind, std::string_view joint, const Part& part) {
    HOLDFAST_ASSIGN(FilterNode first, part());
    if (!is_same_word(word_at(at_), joint)) return first;
    FilterNode joined;
    joined.kind = kind;
    joined.children.push_back(std::move(first));
    while (take_word(joint)) {
      HOLDFAST_ASSIGN(FilterNode other, part());
      joined.children.push_back(std::move(other));
    }
    return joined;
  }

  Result<FilterNode> parse_one(size_t depth) {
    if (depth > kFilterDepthMax) {
      return Status(StatusCode::kTooLarge, "the filter is nested deeper than " +
                                               std::to_string(kFilterDepthMax) +
                                               " times; write it flatter");
    }
    if (take_word("NOT")) {
      FilterNode node;
      node.kind = FilterNode::Kind::kNot;
      HOLDFAST_ASSIGN(FilterNode child, parse_one(depth + 1));
      node.children.push_back(std::move(child));
      return node;
    }
    if (take_sign("(")) {
      HOLDFAST_ASSIGN(FilterNode node, parse_any(depth + 1));
      if (!take_sign(")")) return unexpected("AND, OR or `)`");
      return node;
    }
    return parse_condition();
  }

  Result<FilterNode> parse_condition() {
    if (++conditions_ > kFilterConditionsMax) {
      return Status(StatusCode::kTooLarge, "the filter has more than " +
                                               std::to_string(kFilterConditionsMax) +
                                               " conditions; ask in several calls");
    }
    FilterNode node;
    node.kind = FilterNode::Kind::kCondition;
    node.offset = at_;
    HOLDFAST_ASSIGN(node.path, parse_path());
    skip_space();
    node.compare_offset = at_;
    HOLDFAST_ASSIGN(node.compare, parse_operator());
    if (node.compare == FilterOperator::kExists) return node;
    const bool is_list = node.compare == FilterOperator::kIn;
    if (is_list && !take_sign("(")) return unexpected("`(`");
    do {
      HOLDFAST_ASSIGN(FilterValue value, parse_value());
      node.values.push_back(std::move(value));
    } while (is_list && take_sign(","));
    if (is_list && !take_sign(")")) return unexpected("`,` or `)`");
    return node;
  }

  Result<std::vector<std::string>> parse_path() {
    std::vector<std::string> path;
    if (is_keyword(word_at(at_))) return unexpected("a field");
    do {
      if (next() == '"' || next() == '\'') {
        HOLDFAST_ASSIGN(std::string name, parse_quoted());
        path.push_back(std::move(name));
        continue;
      }
      const std::string_view word = word_at(at_);
      const std::string_view name = word.substr(0, word.find('.'));
      if (name.empty()) return unexpected(path.empty() ? "a field" : "a name behind `.`");
      path.emplace_back(name);
      at_ += name.size();
    } while (next() == '.' && ++at_);
    return path;
  }

  Result<FilterOperator> parse_operator() {
    for (const auto& [sign, compare] : kSigns) {
      if (take_sign(sign)) return compare;
    }
    for (const auto& [word, compare] : kWords) {
      if (take_word(word)) return compare;
    }
    return unexpected("one of = != < <= > >= IN BEGINS CONTAINS EXISTS");
  }

  Result<FilterValue> parse_value() {
    FilterValue value;
    value.offset = at_;
    if (next() == '"' || next() == '\'') {
      HOLDFAST_ASSIGN(value.text, parse_quoted());
      value.is_quoted = true;
    } else {
      const std::string_view word = word_at(at_);
      if (word.empty()) return unexpected("a value");
      if (is_keyword(word)) return unexpected("a value (in quotes, if it is that word)");
      value.text = word;
      at_ += word.size();
    }
    skip_space();
    return value;
  }

  // A backslash stands before a quote or a backslash that is meant itself.
  Result<std::string> parse_quoted() {
    const size_t begin = at_;
    const char quote = text_[at_++];
    std::string text;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == quote) {
        ++at_;
        return text;
      }
      if (text_[at_] == '\\' && ++at_ == text_.size()) break;
      text.push_back(text_[at_]);
    }
    return wrong_filter(begin, "this quote is not closed");
  }

  const std::string_view text_;
  size_t at_ = 0;
  size_t conditions_ = 0;
};

}  // namespace

Status wrong_filter(size_t offset, std::string_view what) {
  return Status(StatusCode::kInvalidArgument,
                "the filter is wrong at byte " + std::to_string(offset) + ": " + std::string(what))
      .with_offset(offset);
}

Result<FilterNode> parse_filter(std::string_view text) {
  if (text.size() > kFilterSizeMax) {
    return Status(StatusCode::kTooLarge, "the filter has " + std::to_string(text.size()) +
                                             " bytes; at most " + std::to_string(kFilterSizeMax) +
                                             " are allowed");
  }
  if (const auto bad = utf8_first_bad_byte(text)) return wrong_filter(*bad, "it is not UTF-8");
  return Parser(text).parse();
}

}  // namespace holdfast::memory
