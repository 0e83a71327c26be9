#include "cli/numbers.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

namespace holdfast::cli {
namespace {

thread_local std::string wanted;

template <typename Number>
std::string wanted_of() {
  if constexpr (std::is_floating_point_v<Number>) {
    return "a decimal number";
  } else {
    using Limits = std::numeric_limits<Number>;
    return "a whole number from " + std::to_string(Limits::min()) + " to " +
           std::to_string(Limits::max());
  }
}

template <typename Number>
bool read(const std::string& text, Number& number) {
  std::string_view digits = text;
  // from_chars() knows no plus; "+-1" is none.
  if (digits.size() > 1 && digits[0] == '+' && digits[1] != '-') digits.remove_prefix(1);
  Number found{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), found);
  bool is_number = error == std::errc() && end == digits.data() + digits.size();
  if constexpr (std::is_floating_point_v<Number>) is_number = is_number && std::isfinite(found);
  if (is_number) {
    number = found;
  } else {
    wanted = wanted_of<Number>();
  }
  return is_number;
}

}  // namespace

std::string take_wanted_number() {
  return std::exchange(wanted, {});
}

CLI::Validator above_zero() {
  const auto check = [](std::string& text) -> std::string {
    double number = 0;
    if (CLI::detail::lexical_cast(text, number) && number > 0) return {};
    return "Value " + text + " is not a number above 0";
  };
  return {check, "POSITIVE"};
}

}  // namespace holdfast::cli

namespace CLI::detail {

bool lexical_cast(const std::string& text, int& number) {
  return holdfast::cli::read(text, number);
}
bool lexical_cast(const std::string& text, unsigned& number) {
  return holdfast::cli::read(text, number);
}
bool lexical_cast(const std::string& text, long& number) {
  return holdfast::cli::read(text, number);
}
bool lexical_cast(const std::string& text, unsigned long& number) {
  return holdfast::cli::read(text, number);
}
bool lexical_cast(const std::string& text, unsigned short& number) {
  return holdfast::cli::read(text, number);
}
bool lexical_cast(const std::string& text, float& number) {
  return holdfast::cli::read(text, number);
}
bool lexical_cast(const std::string& text, double& number) {
  return holdfast::cli::read(text, number);
}

}  // namespace CLI::detail
