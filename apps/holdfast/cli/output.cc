#include "cli/output.h"

#include <sys/ioctl.h>
#include <unistd.h>

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

bool continues_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

// Characters, not bytes. Wide characters count as one: tables may be a little uneven.
size_t width(std::string_view text) {
  size_t count = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      while (i < text.size() && text[i] != 'm') ++i;
    } else if (!continues_character(text[i])) {
      ++count;
    }
  }
  return count;
}

// Makes the widest columns narrower until all fit in a line; none below kWidthMin, so that
// something can be read in each, and not the first one, which names the row.
void fit(std::vector<size_t>& widths, size_t columns) {
  constexpr size_t kWidthMin = 8;
  constexpr size_t kBetween = 2;
  size_t total = kBetween * (widths.size() - 1);
  for (const size_t width : widths) total += width;
  while (total > columns && widths.size() > 1) {
    const auto widest = std::max_element(widths.begin() + 1, widths.end());
    if (*widest <= kWidthMin) return;
    --*widest;
    --total;
  }
}

// Of stdout; 0: it is no terminal, or does not say.
size_t terminal_columns() {
  winsize size = {};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

}  // namespace

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
  std::vector<size_t> widths;
  std::vector<bool> numbers(titles_.size(), true);
  for (const std::string& title : titles_) widths.push_back(width(title));
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], width(row[i]));
      bool number = !row[i].empty() && std::isdigit(static_cast<unsigned char>(row[i][0])) &&
                    row[i].find_first_not_of("0123456789,.") == std::string::npos;
      numbers[i] = numbers[i] && number;
    }
  }
  if (const size_t columns = terminal_columns(); columns > 0) fit(widths, columns);
  auto print_row = [&](const std::vector<std::string>& row, bool title) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      std::string cell = width(row[i]) > widths[i] ? one_line(row[i], widths[i]) : row[i];
      const std::string space(widths[i] - width(cell), ' ');
      if (title) cell = output.bold(cell);
      bool last = i + 1 == row.size();
      line += numbers[i] ? space + cell : cell + (last ? "" : space);
      if (!last) line += "  ";
    }
    output.line(line);
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
  size_t kept = 0;
  size_t end = 0;
  while (end < line.size()) {
    if (!continues_character(line[end]) && ++kept > columns - 3) break;
    ++end;
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
