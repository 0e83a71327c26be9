// What the commands print: tables for people, one JSON object a line for programs. Results go to
// stdout, everything else to stderr.
//
// Invariants:
//   1. With --json, stdout holds nothing but JSON lines.
//   2. Colour appears on a terminal only, and never when NO_COLOR is set.
//   3. Control characters of stored text never reach a terminal.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"

namespace holdfast::cli {

using Json = nlohmann::ordered_json;

// Bytes as a field: text where they are UTF-8, else `<name>_base64`.
void set_bytes(Json& object, const std::string& name, std::string_view bytes);

class Output {
 public:
  explicit Output(bool json);

  bool json() const { return json_; }
  bool terminal() const { return terminal_; }
  bool colour() const { return colour_; }

  void print(const Json& object) const;
  void line(std::string_view text) const;
  void raw(std::string_view bytes) const;

  // `text` in bold, dim ... where colour is on.
  std::string bold(std::string_view text) const { return styled("1", text); }
  std::string dim(std::string_view text) const { return styled("2", text); }
  std::string highlight(std::string_view text) const { return styled("1;33", text); }
  std::string styled(std::string_view style, std::string_view text) const;

 private:
  bool json_;
  bool terminal_;
  bool colour_;
};

// Columns as wide as their widest cell; on a terminal cut to its width, texts first.
class Table {
 public:
  explicit Table(std::vector<std::string> titles);
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  // Numbers (columns whose cells all begin with a digit) are set to the right.
  void print(const Output& output) const;

 private:
  std::vector<std::string> titles_;
  std::vector<std::vector<std::string>> rows_;
};

// "name  value" lines.
class Facts {
 public:
  void add(std::string name, std::string value) {
    lines_.emplace_back(std::move(name), std::move(value));
  }
  void print(const Output& output) const;

 private:
  std::vector<std::pair<std::string, std::string>> lines_;
};

// Of the terminal that stdout is; 0: it is none, or does not say.
size_t terminal_columns();

// "holdfast: what happened and what to do [path /x, version 7]"
std::string error_text(const Status& status);
void print_error(const Status& status);

// Without control characters (line ends too, unless `lines`), for a terminal.
std::string printable(std::string_view text, bool lines = false);
// Printable, on one line, at most so many columns of a terminal, with "..." where cut.
std::string one_line(std::string_view text, size_t columns);

std::string with_separators(uint64_t number);  // 1234567 -> "1,234,567"
// "1 entry", "2 entries"; many: with an s if not given.
std::string counted(uint64_t count, const std::string& one, const std::string& many = {});
std::string size_text(uint64_t bytes);  // "1.5 MiB"
std::string fixed(double number, int decimals);

}  // namespace holdfast::cli
