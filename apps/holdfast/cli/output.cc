#include "cli/output.h"

#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/base64.h"
#include "base/utf8.h"

namespace holdfast::cli {
namespace {

// A character at the beginning of a text: its bytes, and the columns that it takes on a terminal.
struct Character {
  size_t bytes = 1;
  size_t columns = 1;
};

Character first_character(std::string_view text) {
  if (static_cast<unsigned char>(text[0]) < 0x80) return {};
  utf8proc_int32_t point = 0;
  const auto bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                      static_cast<utf8proc_ssize_t>(text.size()), &point);
  if (bytes <= 0) return {};
  return {static_cast<size_t>(bytes), static_cast<size_t>(utf8proc_charwidth(point))};
}

// Columns on a terminal: 2 of a wide character, 0 of an accent.
size_t width(std::string_view text) {
  size_t columns = 0;
  for (size_t i = 0; i < text.size();) {
    if (text[i] == '\x1b') {
      while (i < text.size() && text[i] != 'm') ++i;
      ++i;
      continue;
    }
    const Character character = first_character(text.substr(i));
    columns += character.columns;
    i += character.bytes;
  }
  return columns;
}

struct Column {
  size_t width = 0;
  bool is_number = true;  // all cells are
  bool is_text = false;   // a cell is of several words, or long: it may be cut
};

// Makes the widest columns narrower until all fit in a line; none below kWidthMin, so that
// something can be read in each, and not the first one, which names the row. Times, names and
// numbers say nothing when they are cut: their turn comes when no text is left to cut.
void fit(std::vector<Column>& columns, size_t width_max) {
  constexpr size_t kWidthMin = 8;
  constexpr size_t kBetween = 2;
  size_t total = kBetween * (columns.size() - 1);
  for (const Column& column : columns) total += column.width;
  for (const bool of_texts : {true, false}) {
    while (total > width_max) {
      Column* widest = nullptr;
      for (size_t i = 1; i < columns.size(); ++i) {
        Column& column = columns[i];
        if (of_texts && !column.is_text) continue;
        if (widest == nullptr || column.width > widest->width) widest = &column;
      }
      if (widest == nullptr || widest->width <= kWidthMin) break;
      --widest->width;
      --total;
    }
  }
}

}  // namespace

size_t terminal_columns() {
  winsize size = {};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void set_bytes(Json& object, const std::string& name, std::string_view bytes) {
  if (utf8_valid(bytes)) {
    object[name] = std::string(bytes);
  } else {
    object[name + "_base64"] = base64_text(bytes);
  }
}

Output::Output(bool json) : json_(json), terminal_(::isatty(STDOUT_FILENO) == 1) {
  const char* no_colour = std::getenv("NO_COLOR");
  colour_ = terminal_ && !json && (no_colour == nullptr || *no_colour == '\0');
}

void Output::print(const Json& object) const {
  line(object.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void Output::line(std::string_view text) const {
  raw(text);
  raw("\n");
}

void Output::raw(std::string_view bytes) const {
  std::fwrite(bytes.data(), 1, bytes.size(), stdout);
}

std::string Output::styled(std::string_view style, std::string_view text) const {
  if (!colour_ || text.empty()) return std::string(text);
  return "\x1b[" + std::string(style) + "m" + std::string(text) + "\x1b[0m";
}

Table::Table(std::vector<std::string> titles) : titles_(std::move(titles)) {}

void Table::add(std::vector<std::string> cells) {
  rows_.push_back(std::move(cells));
}

void Table::print(const Output& output) const {
  constexpr size_t kWordMax = 27;  // a time with its microseconds
  std::vector<Column> columns(titles_.size());
  for (size_t i = 0; i < titles_.size(); ++i) columns[i].width = width(titles_[i]);
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      Column& column = columns[i];
      const size_t cell = width(row[i]);
      column.width = std::max(column.width, cell);
      column.is_text |= cell > kWordMax || row[i].find(' ') != std::string::npos;
      column.is_number &= !row[i].empty() && std::isdigit(static_cast<unsigned char>(row[i][0])) &&
                          row[i].find_first_not_of("0123456789,.") == std::string::npos;
    }
  }
  if (const size_t most = terminal_columns(); most > 0) fit(columns, most);
  auto print_row = [&](const std::vector<std::string>& row, bool title) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const Column& column = columns[i];
      std::string cell = width(row[i]) > column.width ? one_line(row[i], column.width) : row[i];
      const std::string space(column.width - width(cell), ' ');
      if (title) cell = output.bold(cell);
      line += column.is_number ? space + cell : cell + space;
      line += "  ";
    }
    output.line(line.substr(0, line.find_last_not_of(' ') + 1));
  };
  print_row(titles_, true);
  for (const auto& row : rows_) print_row(row, false);
}

void Facts::print(const Output& output) const {
  size_t widest = 0;
  for (const auto& [name, value] : lines_) widest = std::max(widest, width(name));
  for (const auto& [name, value] : lines_) {
    output.line(output.dim(name) + std::string(widest - width(name) + 2, ' ') + value);
  }
}

std::string error_text(const Status& status) {
  std::string text = "holdfast: " + std::string(status.message());
  if (status.message().empty()) text += status_code_name(status.code());
  std::string place;
  auto add = [&place](const std::string& part) { place += (place.empty() ? "" : ", ") + part; };
  if (!status.path().empty()) add("path " + std::string(status.path()));
  if (status.version()) add("version " + std::to_string(*status.version()));
  if (status.offset()) add("offset " + std::to_string(*status.offset()));
  return place.empty() ? text : text + " [" + place + "]";
}

void print_error(const Status& status) {
  std::fflush(stdout);
  std::fprintf(stderr, "%s\n", printable(error_text(status), true).c_str());
}

std::string printable(std::string_view text, bool lines) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    bool c1_control =
        byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (byte == '\n' && lines) {
      result += '\n';
    } else if (byte == '\t') {
      result += lines ? "\t" : " ";
    } else if (c1_control) {
      ++i;
    } else if (byte >= 0x20 && byte != 0x7F) {
      result += text[i];
    } else {
      result += ' ';
    }
  }
  return result;
}

std::string one_line(std::string_view text, size_t columns) {
  std::string line;
  for (char c : printable(text)) {
    if (c == ' ' && (line.empty() || line.back() == ' ')) continue;
    line += c;
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  if (width(line) <= columns) return line;
  constexpr size_t kDots = 3;
  size_t end = 0;
  for (size_t used = kDots; end < line.size();) {
    const Character character = first_character(std::string_view(line).substr(end));
    if (used + character.columns > columns) break;
    used += character.columns;
    end += character.bytes;
  }
  return line.substr(0, end) + "...";
}

std::string with_separators(uint64_t number) {
  std::string digits = std::to_string(number);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string counted(uint64_t count, const std::string& one, const std::string& many) {
  return with_separators(count) + " " + (count == 1 ? one : many.empty() ? one + "s" : many);
}

std::string fixed(double number, int decimals) {
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%.*f", decimals, number);
  return text.data();
}

std::string size_text(uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB"};
  double size = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  for (; size >= 1024 && unit + 1 < std::size(kUnits); ++unit) size /= 1024;
  return fixed(size, 1) + " " + kUnits[unit];
}

}  // namespace holdfast::cli
