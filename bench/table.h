// Table: rows of text in columns; a column in which no row says anything is left out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace holdfast::bench {

// Stands where there is nothing to say.
inline const std::string kNothing = "-";

enum class TableStyle : uint8_t { kText, kMarkdown };

class Table {
 public:
  explicit Table(std::vector<std::string> titles) : titles_(std::move(titles)) {}
  // REQUIRES: one cell per title.
  void add(std::vector<std::string> row);
  // The first column stands left, the others right.
  void print(TableStyle style) const;

 private:
  size_t width(size_t column) const;

  std::vector<std::string> titles_;
  std::vector<std::vector<std::string>> rows_;
};

// 12,345 and 12.3 and 1.23: as much as is worth reading of a number.
std::string readable(double number);

}  // namespace holdfast::bench
