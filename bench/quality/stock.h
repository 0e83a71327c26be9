// What histories are drawn from: facts that a user tells, what else is said, and how.
//
// In the forms {v} is a value, {who} somebody else, {a} and {b} nouns of a theme.
#pragma once

#include <span>
#include <string_view>

namespace holdfast::bench {

using Texts = std::span<const std::string_view>;

struct Fact {
  Texts values;
  Texts statements;
  std::string_view update;     // what is said when it has changed
  std::string_view of_others;  // the same of somebody else
  Texts questions;
};
// What the assistant has once said.
struct Advice {
  std::string_view request;
  std::string_view reply;
  Texts answers;
  std::string_view near_by;  // about the same things, without the answer
  std::string_view question;
};
struct Preference {
  Texts statements;
  std::string_view near_by;
  std::string_view question;
  std::string_view answer;
};
// Things of one kind that come one at a time.
struct Count {
  Texts things;
  Texts statements;
  std::string_view of_others;
  std::string_view question;
};
struct Deed {
  std::string_view name;
  std::string_view statement;
};
struct Theme {
  Texts nouns;
};

extern const std::span<const Fact> kFacts;
extern const std::span<const Advice> kAdvice;
extern const std::span<const Preference> kPreferences;
extern const std::span<const Count> kCounts;
extern const std::span<const Deed> kDeeds;
extern const std::span<const Theme> kThemes;
extern const Texts kOthers;
extern const Texts kOrderForms;
extern const Texts kQuestionForms;  // of small talk
extern const Texts kReplyForms;

}  // namespace holdfast::bench
