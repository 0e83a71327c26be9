#include "bench/table.h"

#include <algorithm>
#include <cstdio>

#include "bench/engine.h"

namespace holdfast::bench {

void Table::add(std::vector<std::string> row) {
  require(row.size() == titles_.size(), "a row of another width");
  rows_.push_back(std::move(row));
}

// 0 for a column to be left out.
size_t Table::width(size_t column) const {
  size_t width = titles_[column].size();
  bool says_something = false;
  for (const auto& row : rows_) {
    width = std::max(width, row[column].size());
    says_something = says_something || row[column] != kNothing;
  }
  return says_something ? width : 0;
}

void Table::print(TableStyle style) const {
  const bool markdown = style == TableStyle::kMarkdown;
  const auto print_row = [&](const std::vector<std::string>& row) {
    if (markdown) std::printf("|");
    for (size_t i = 0; i < row.size(); ++i) {
      const int wide = static_cast<int>(width(i));
      if (wide == 0) continue;
      if (markdown) {
        std::printf(" %s |", row[i].c_str());
      } else {
        std::printf("  %*s", i == 0 ? -wide : wide, row[i].c_str());
      }
    }
    std::printf("\n");
  };
  print_row(titles_);
  if (markdown) print_row(std::vector<std::string>(titles_.size(), "---"));
  for (const auto& row : rows_) print_row(row);
}

std::string readable(double number) {
  char text[64];
  if (number < 100) {
    std::snprintf(text, sizeof(text), "%.*f", number < 10 ? 2 : 1, number);
    return text;
  }
  std::snprintf(text, sizeof(text), "%.0f", number);
  std::string digits = text;
  for (size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

}  // namespace holdfast::bench
