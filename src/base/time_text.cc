#include "base/time_text.h"

#include <chrono>
#include <cstdio>

namespace holdfast {
namespace {

constexpr int64_t kDayUs = 86'400'000'000;
constexpr int64_t kSecondUs = 1'000'000;

int64_t day_us(int year, unsigned month, unsigned day) {
  using namespace std::chrono;
  const year_month_day date{std::chrono::year(year), std::chrono::month(month),
                            std::chrono::day(day)};
  return sys_days(date).time_since_epoch().count() * kDayUs;
}

bool date_exists(int year, int month, int day) {
  using namespace std::chrono;
  return year_month_day{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                        std::chrono::day(static_cast<unsigned>(day))}
      .ok();
}

// Reads a text from left to right; after the first mismatch everything fails.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool failed() const { return failed_; }
  bool at_end() const { return text_.empty(); }

  // The next character if it is one of `choices`, else a failure.
  char one_of(std::string_view choices) {
    if (text_.empty() || choices.find(text_[0]) == std::string_view::npos) failed_ = true;
    return failed_ ? '\0' : take();
  }

  bool next_is(char c) const { return !text_.empty() && text_[0] == c; }
  bool next_is_digit() const { return !text_.empty() && text_[0] >= '0' && text_[0] <= '9'; }

  // Exactly `count` digits with a value of at most `max`.
  int number(int count, int max) {
    int value = 0;
    for (int i = 0; i < count; ++i) value = value * 10 + digit();
    if (value > max) failed_ = true;
    return failed_ ? 0 : value;
  }

  int digit() {
    const char c = one_of("0123456789");
    return failed_ ? 0 : c - '0';
  }

 private:
  char take() {
    const char c = text_[0];
    text_.remove_prefix(1);
    return c;
  }

  std::string_view text_;
  bool failed_ = false;
};

// ".5" is 500000; nothing is 0.
int64_t scan_fraction_us(Scanner& scanner) {
  if (!scanner.next_is('.')) return 0;
  scanner.one_of(".");
  int64_t us = scanner.digit() * int64_t{100'000};
  for (int64_t unit = 10'000; scanner.next_is_digit(); unit /= 10) us += scanner.digit() * unit;
  return us;
}

// "Z" or "+hh:mm", what the local time is ahead of UTC.
int64_t scan_zone_us(Scanner& scanner) {
  const char sign = scanner.one_of("Zz+-");
  if (sign != '+' && sign != '-') return 0;
  const int hours = scanner.number(2, 23);
  scanner.one_of(":");
  const int minutes = scanner.number(2, 59);
  const int64_t ahead = (hours * 60 + minutes) * 60 * kSecondUs;
  return sign == '+' ? ahead : -ahead;
}

}  // namespace

std::string time_text(int64_t unix_us) {
  using namespace std::chrono;
  if (unix_us < day_us(0, 1, 1) || unix_us >= day_us(10000, 1, 1)) {
    return std::to_string(unix_us) + " us";
  }
  int64_t days_count = unix_us / kDayUs;
  if (unix_us % kDayUs < 0) --days_count;
  const year_month_day date{sys_days(days(days_count))};
  const int64_t us = unix_us - days_count * kDayUs;
  const int64_t second = us / kSecondUs;
  char text[64];
  std::snprintf(text, sizeof(text), "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(second / 3600),
                static_cast<int>(second / 60 % 60), static_cast<int>(second % 60),
                static_cast<int>(us % kSecondUs));
  return text;
}

std::optional<int64_t> parse_time(std::string_view text) {
  Scanner scanner(text);
  const int year = scanner.number(4, 9999);
  scanner.one_of("-");
  const int month = scanner.number(2, 12);
  scanner.one_of("-");
  const int day = scanner.number(2, 31);
  scanner.one_of("Tt ");
  const int hour = scanner.number(2, 23);
  scanner.one_of(":");
  const int minute = scanner.number(2, 59);
  scanner.one_of(":");
  const int second = scanner.number(2, 60);
  const int64_t fraction_us = scan_fraction_us(scanner);
  const int64_t ahead_us = scan_zone_us(scanner);
  if (scanner.failed() || !scanner.at_end() || !date_exists(year, month, day)) return std::nullopt;
  const int64_t second_of_day = (hour * 60 + minute) * 60 + second;
  return day_us(year, static_cast<unsigned>(month), static_cast<unsigned>(day)) +
         second_of_day * kSecondUs + fraction_us - ahead_us;
}

}  // namespace holdfast
