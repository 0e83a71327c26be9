#include <algorithm>
#include <array>
#include <cstdio>
#include <random>

#include "bench/quality/history.h"
#include "bench/quality/stock.h"

namespace holdfast::bench {
namespace {

// Uniform below `count`, by the generator's numbers alone: distributions differ between libraries.
class Chance {
 public:
  explicit Chance(uint64_t seed) : engine_(seed) {}
  size_t below(size_t count) { return engine_() % count; }
  bool happens(size_t percent) { return below(100) < percent; }
  template <typename Container>
  const auto& one_of(const Container& container) {
    return container[below(std::size(container))];
  }
  template <typename Value>
  void shuffle(std::vector<Value>& values) {
    for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }

 private:
  std::mt19937_64 engine_;
};

std::string filled(std::string_view form, std::string_view mark, std::string_view with) {
  std::string text(form);
  for (size_t at = text.find(mark); at != text.npos; at = text.find(mark, at + with.size())) {
    text.replace(at, mark.size(), with);
  }
  return text;
}

std::string date_of(size_t day, size_t minute) {
  constexpr std::array kNames = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  constexpr size_t kDays = 28;  // of a month: no calendar is needed
  char text[40];
  std::snprintf(text, sizeof(text), "%04zu/%02zu/%02zu (%s) %02zu:%02zu", 2023 + day / kDays / 12,
                1 + day / kDays % 12, 1 + day % kDays, kNames[day % 7], minute / 60, minute % 60);
  return text;
}

class Drawer {
 public:
  Drawer(uint64_t seed, size_t sessions) : chance_(seed), sessions_(sessions) {}
  History draw(size_t number);

 private:
  std::string small_talk();
  std::string reply();
  Conversation talk();
  // A session in which the user says this in passing.
  Conversation mention(const std::string& sentence);
  void place(Conversation session, bool is_answer);
  void distract(const Fact& fact);

  void ask_fact(const Fact& fact);
  void ask_advice(const Advice& advice);
  void ask_preference(const Preference& preference);
  void ask_count(const Count& count);
  void ask_order();
  void ask_update(const Fact& fact);

  Chance chance_;
  const size_t sessions_;
  std::vector<std::pair<Conversation, bool>> placed_;  // in the order of time; whether it answers
  History history_;
};

std::string Drawer::small_talk() {
  const Theme& theme = chance_.one_of(kThemes);
  return filled(filled(chance_.one_of(kQuestionForms), "{a}", chance_.one_of(theme.nouns)), "{b}",
                chance_.one_of(theme.nouns));
}

std::string Drawer::reply() {
  const Theme& theme = chance_.one_of(kThemes);
  std::string text;
  for (size_t i = 3 + chance_.below(5); i > 0; --i) {
    text += (text.empty() ? "" : " ") +
            filled(filled(chance_.one_of(kReplyForms), "{a}", chance_.one_of(theme.nouns)), "{b}",
                   chance_.one_of(theme.nouns));
  }
  return text;
}

Conversation Drawer::talk() {
  Conversation session;
  for (size_t i = 3 + chance_.below(4); i > 0; --i) {
    session.turns.push_back({true, small_talk()});
    session.turns.push_back({false, reply()});
  }
  return session;
}

Conversation Drawer::mention(const std::string& sentence) {
  Conversation session = talk();
  Turn& turn = session.turns[2 * chance_.below(session.turns.size() / 2)];
  turn.content =
      chance_.happens(50) ? sentence + " " + turn.content : turn.content + " " + sentence;
  turn.has_answer = true;
  return session;
}

void Drawer::place(Conversation session, bool is_answer) {
  for (Turn& turn : session.turns) turn.has_answer = turn.has_answer && is_answer;
  placed_.emplace_back(std::move(session), is_answer);
}

// Others than the user have such a thing, too.
void Drawer::distract(const Fact& fact) {
  for (size_t i = 2 + chance_.below(3); i > 0; --i) {
    const std::string other(chance_.one_of(kOthers));
    place(
        mention(filled(filled(fact.of_others, "{who}", other), "{v}", chance_.one_of(fact.values))),
        false);
  }
}

void Drawer::ask_fact(const Fact& fact) {
  const std::string_view value = chance_.one_of(fact.values);
  place(mention(filled(chance_.one_of(fact.statements), "{v}", value)), true);
  distract(fact);
  history_.question_type = "single-session-user";
  history_.question = chance_.one_of(fact.questions);
  history_.answer = value;
}

void Drawer::ask_advice(const Advice& advice) {
  Conversation session = talk();
  const std::string_view named = chance_.one_of(advice.answers);
  session.turns.push_back({true, std::string(advice.request)});
  session.turns.push_back({false, filled(advice.reply, "{v}", named) + " " + reply(), true});
  place(std::move(session), true);
  for (size_t i = 0; i < 2; ++i) place(mention(std::string(advice.near_by)), false);
  history_.question_type = "single-session-assistant";
  history_.question = advice.question;
  history_.answer = named;
}

void Drawer::ask_preference(const Preference& preference) {
  place(mention(std::string(chance_.one_of(preference.statements))), true);
  place(mention(std::string(preference.near_by)), false);
  history_.question_type = "single-session-preference";
  history_.question = preference.question;
  history_.answer = preference.answer;
}

void Drawer::ask_count(const Count& count) {
  std::vector<std::string_view> things(count.things.begin(), count.things.end());
  chance_.shuffle(things);
  const size_t how_many = 2 + chance_.below(2);
  for (size_t i = 0; i < how_many; ++i) {
    place(mention(filled(chance_.one_of(count.statements), "{v}", things[i])), true);
  }
  for (size_t i = 0; i < 2; ++i) {
    place(mention(filled(filled(count.of_others, "{who}", chance_.one_of(kOthers)), "{v}",
                         things[how_many + i])),
          false);
  }
  history_.question_type = "multi-session";
  history_.question = count.question;
  history_.answer = std::to_string(how_many);
}

void Drawer::ask_order() {
  const size_t first = chance_.below(std::size(kDeeds));
  const size_t second = (first + 1 + chance_.below(std::size(kDeeds) - 1)) % std::size(kDeeds);
  place(mention(std::string(kDeeds[first].statement)), true);
  place(mention(std::string(kDeeds[second].statement)), true);
  const bool swaps = chance_.happens(50);
  history_.question_type = "temporal-reasoning";
  history_.question =
      filled(filled(chance_.one_of(kOrderForms), "{a}", kDeeds[swaps ? second : first].name), "{b}",
             kDeeds[swaps ? first : second].name);
  history_.answer = kDeeds[first].name;
}

void Drawer::ask_update(const Fact& fact) {
  const size_t before = chance_.below(std::size(fact.values));
  const size_t after =
      (before + 1 + chance_.below(std::size(fact.values) - 1)) % std::size(fact.values);
  place(mention(filled(chance_.one_of(fact.statements), "{v}", fact.values[before])), true);
  place(mention(filled(fact.update, "{v}", fact.values[after])), true);
  distract(fact);
  history_.question_type = "knowledge-update";
  history_.question = chance_.one_of(fact.questions);
  history_.answer = fact.values[after];
}

History Drawer::draw(size_t number) {
  history_ = History();
  placed_.clear();
  switch (number % 7) {
    case 0:
      ask_fact(chance_.one_of(kFacts));
      break;
    case 1:
      ask_advice(chance_.one_of(kAdvice));
      break;
    case 2:
      ask_preference(chance_.one_of(kPreferences));
      break;
    case 3:
      ask_count(chance_.one_of(kCounts));
      break;
    case 4:
      ask_order();
      break;
    case 5:
      ask_update(chance_.one_of(kFacts));
      break;
    default: {  // what was never said of the user
      const Fact& fact = chance_.one_of(kFacts);
      distract(fact);
      history_.question_type = "single-session-user";
      history_.question = chance_.one_of(fact.questions);
      history_.answer = "The information is not there.";
    }
  }
  history_.question_id = "drawn_" + std::to_string(number) + (number % 7 == 6 ? "_abs" : "");
  // What is placed keeps its order among sessions that say nothing of it, or of other things.
  while (placed_.size() < sessions_) {
    const Fact& fact = chance_.one_of(kFacts);
    const bool is_near =
        fact.questions[0] == history_.question || fact.questions[1] == history_.question;
    Conversation session =
        is_near || chance_.happens(60)
            ? talk()
            : mention(filled(chance_.one_of(fact.statements), "{v}", chance_.one_of(fact.values)));
    for (Turn& turn : session.turns) turn.has_answer = false;
    const auto at = static_cast<ptrdiff_t>(chance_.below(placed_.size() + 1));
    placed_.insert(placed_.begin() + at, {std::move(session), false});
  }
  size_t day = 0;
  for (auto& [session, is_answer] : placed_) {
    day += 1 + chance_.below(4);
    session.id = history_.question_id + "_s" + std::to_string(history_.sessions.size());
    session.date = date_of(day, chance_.below(24 * 60));
    if (is_answer) history_.answer_session_ids.push_back(session.id);
    history_.sessions.push_back(std::move(session));
  }
  history_.question_date = date_of(day + 1, 600);
  return history_;
}

}  // namespace

std::vector<History> draw_histories(uint64_t seed, size_t count, size_t sessions) {
  std::vector<History> histories;
  for (size_t i = 0; i < count; ++i) {
    histories.push_back(Drawer(seed * 1'000'003 + i, sessions).draw(i));
  }
  return histories;
}

}  // namespace holdfast::bench
