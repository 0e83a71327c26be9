#include "documents/roff.h"

#include <algorithm>
#include <map>
#include <utility>

#include "documents/mdoc.h"
#include "documents/roff_escapes.h"
#include "documents/roff_page.h"
#include "documents/text_splitter.h"

namespace holdfast::documents {
namespace {

using Arguments = std::vector<std::string>;

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// \{ and \} on a line: +1 for each open, -1 for each close.
int braces(std::string_view line) {
  int depth = 0;
  for (size_t i = 0; i + 1 < line.size(); ++i) {
    if (line[i] != '\\') continue;
    if (line[i + 1] == '{') ++depth;
    if (line[i + 1] == '}') --depth;
    ++i;
  }
  return depth;
}

class RoffReader {
 public:
  explicit RoffReader(std::string_view source) : rest_(source), mdoc_(page_, strings_) {}

  RoffDocument run() {
    std::string line;
    while (next_line(line)) take(line);
    result_.sections = split_long(page_.take());
    return std::move(result_);
  }

 private:
  // The next line, with those that a backslash at the end continues.
  bool next_line(std::string& line) {
    if (rest_.empty()) return false;
    line.clear();
    while (!rest_.empty()) {
      size_t end = rest_.find('\n');
      line += rest_.substr(0, end);
      rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
      if (!line.empty() && line.back() == '\r') line.pop_back();
      bool continues = !line.empty() && line.back() == '\\' &&
                       (line.size() < 2 || line[line.size() - 2] != '\\') && !ends_with_open(line);
      if (!continues) break;
      line.pop_back();
    }
    return true;
  }
  static bool ends_with_open(const std::string& line) {
    return line.size() >= 3 && line.compare(line.size() - 3, 3, "\\{\\") == 0;
  }

  void take(std::string_view line) {
    if (!line.empty() && (line[0] == '.' || line[0] == '\'')) {
      control(line.substr(1));
    } else {
      text(line);
    }
  }

  void text(std::string_view line) {
    if (in_table_ && table_line(line)) return;
    if (line.empty() && !heading_pending_) {
      page_.end_paragraph();
      return;
    }
    emit(unescape_roff(line, strings_));
  }

  // Text that goes to the page, or is the heading or tag that the macro before asked for.
  void emit(const std::string& text) {
    if (heading_pending_) {
      heading_pending_ = false;
      heading(text);
      return;
    }
    page_.text(text);
    if (tag_pending_) {
      tag_pending_ = false;
      page_.end_line();
    }
  }

  void heading(const std::string& text) {
    heading_is_sub_ ? page_.begin_subsection(text) : page_.begin_section(text);
  }

  void control(std::string_view line) {
    size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return;
    line.remove_prefix(begin);
    size_t end = line.find_first_of(" \t");
    std::string_view name = line.substr(0, end);
    std::string_view tail = end == std::string_view::npos ? "" : line.substr(end + 1);
    if (name.substr(0, 2) == "\\\"" || name.substr(0, 2) == "\\}") return;
    if (request(name, tail)) return;
    Arguments raw = split_roff_arguments(tail);
    if (mdoc_.macro(name, raw, result_.title)) return;
    Arguments arguments;
    for (const std::string& argument : raw) {
      arguments.push_back(unescape_roff(argument, strings_));
    }
    if (structure(name, arguments) || fonts(name, arguments)) return;
    own_macro(name, arguments);
  }

  // What roff itself knows: definitions, conditions, files.
  bool request(std::string_view name, std::string_view tail) {
    if (name == "if" || name == "ie") {
      condition(tail, name == "ie");
    } else if (name == "el") {
      bool wanted = !else_.empty() && else_.back();
      if (!else_.empty()) else_.pop_back();
      branch(tail, wanted);
    } else if (is_one_of(name, {"de", "de1", "am", "ig"})) {
      definition(name, tail);
    } else if (name == "ds" || name == "as") {
      define_string(tail, name == "as");
    } else if (name == "so") {
      result_.alias = std::string(tail.substr(0, tail.find(' ')));
    } else if (is_one_of(name, {"EQ", "PS", "G1", "cstart"}) && macros_.count(name) == 0) {
      std::string line;
      while (next_line(line) && line.substr(0, 3) != ".EN" && line.substr(0, 3) != ".PE" &&
             line.substr(0, 3) != ".G2" && line.substr(0, 5) != ".cend") {
      }
    } else {
      return false;
    }
    return true;
  }

  // Terminal output of groff: `n` holds, `t` does not, \n(.g is 1; other tests are taken as false.
  void condition(std::string_view tail, bool has_else) {
    bool negated = !tail.empty() && tail[0] == '!';
    if (negated) tail.remove_prefix(1);
    bool holds = false;
    size_t length = 0;
    if (!tail.empty() && (tail[0] == 'n' || tail[0] == 't')) {
      holds = tail[0] == 'n';
      length = 1;
    } else if (!tail.empty() && (tail[0] == '\'' || tail[0] == '"')) {
      length = tail.find(tail[0], 1);
      if (length != std::string_view::npos) length = tail.find(tail[0], length + 1);
      length = length == std::string_view::npos ? tail.size() : length + 1;
    } else {
      holds = tail.substr(0, 5) == "\\n(.g" || tail.substr(0, 6) == "\\n[.g]";
      length = std::min(tail.find(' '), tail.size());
    }
    if (negated) holds = !holds;
    if (has_else) else_.push_back(!holds);
    branch(tail.substr(length), holds);
  }

  void branch(std::string_view tail, bool wanted) {
    size_t begin = tail.find_first_not_of(" \t");
    tail = begin == std::string_view::npos ? "" : tail.substr(begin);
    if (!wanted) {
      skip_block(braces(tail));
      return;
    }
    if (tail.substr(0, 2) == "\\{") tail.remove_prefix(2);
    if (tail == "\\" || tail.empty()) return;
    std::string line(tail);
    take(line);
  }

  void skip_block(int depth) {
    std::string line;
    while (depth > 0 && next_line(line)) depth += braces(line);
  }

  // Remembers that the page has this macro, and whether its text is worth showing.
  void definition(std::string_view kind, std::string_view tail) {
    Arguments arguments = split_roff_arguments(tail);
    std::string end = arguments.size() > 1 ? "." + arguments[1] : "..";
    if (kind == "ig" && !arguments.empty()) end = "." + arguments[0];
    bool shows_arguments = false;
    std::string line;
    while (next_line(line) && line != end && line.substr(0, end.size() + 1) != end + " ") {
      shows_arguments = shows_arguments || line.find("\\$") != std::string::npos ||
                        line.find("\\\\$") != std::string::npos;
    }
    if (kind != "ig" && !arguments.empty()) macros_[arguments[0]] = shows_arguments;
  }

  void define_string(std::string_view tail, bool append) {
    size_t end = tail.find_first_of(" \t");
    std::string name(tail.substr(0, end));
    std::string_view value = end == std::string_view::npos ? "" : tail.substr(end);
    size_t begin = value.find_first_not_of(" \t");
    value = begin == std::string_view::npos ? "" : value.substr(begin);
    if (!value.empty() && value[0] == '"') value.remove_prefix(1);
    if (value.size() >= 2 && value.substr(value.size() - 2) == "\\}") value.remove_suffix(2);
    if (!append) strings_[name].clear();
    strings_[name] += value;
  }

  // Macros of man(7) that shape the page.
  bool structure(std::string_view name, const Arguments& arguments) {
    if (name == "TH") {
      if (!arguments.empty()) result_.title = title_of_page(arguments);
    } else if (name == "SH" || name == "SS") {
      heading_is_sub_ = name == "SS";
      heading_pending_ = arguments.empty();
      tag_pending_ = false;
      if (!heading_pending_) heading(joined(arguments, " "));
    } else if (is_one_of(name, {"PP", "P", "LP", "HP", "sp", "Sp", "SY"})) {
      page_.end_paragraph();
      if (name == "SY" && !arguments.empty()) page_.text(arguments[0]);
    } else if (name == "TP") {
      page_.end_paragraph();
      tag_pending_ = true;
    } else if (name == "TQ") {
      page_.end_line();
      tag_pending_ = true;
    } else if (name == "IP") {
      tagged_paragraph(arguments);
    } else if (is_one_of(name, {"nf", "EX", "Vb"})) {
      page_.set_fill(false);
    } else if (is_one_of(name, {"fi", "EE", "Ve"})) {
      page_.set_fill(true);
    } else if (is_one_of(name, {"br", "RS", "RE", "YS", "in", "ti"})) {
      page_.end_line();
    } else if (name == "TS") {
      in_table_ = in_table_format_ = true;
      page_.end_paragraph();
      page_.set_fill(false);
    } else if (name == "TE") {
      in_table_ = false;
      page_.set_fill(true);
      page_.end_paragraph();
    } else if (name == "UR" || name == "MT") {
      link_ = arguments.empty() ? "" : arguments[0];
    } else if (name == "UE" || name == "ME") {
      page_.text("<" + link_ + ">" + joined(arguments, ""));
    } else {
      return false;
    }
    return true;
  }

  void tagged_paragraph(const Arguments& arguments) {
    page_.end_paragraph();
    if (arguments.empty() || arguments[0].empty()) return;
    page_.text(arguments[0]);
    if (arguments[0].size() > 3) page_.end_line();
  }

  bool fonts(std::string_view name, const Arguments& arguments) {
    if (is_one_of(name, {"B", "I", "SM", "SB", "R", "CW"})) {
      if (!arguments.empty()) emit(joined(arguments, " "));
    } else if (is_one_of(name, {"BR", "RB", "BI", "IB", "IR", "RI"})) {
      emit(joined(arguments, ""));
    } else if (name == "OP") {
      emit("[" + joined(arguments, " ") + "]");
    } else {
      return false;
    }
    return true;
  }

  // A macro that the page itself defines: its arguments, where its definition shows them.
  void own_macro(std::string_view name, const Arguments& arguments) {
    auto found = macros_.find(name);
    if (found == macros_.end() || !found->second || arguments.empty()) return;
    std::string text;
    for (const std::string& argument : arguments) {
      bool punctuation =
          !argument.empty() && std::string_view(".,:;)]?!").find(argument[0]) != std::string::npos;
      if (!text.empty() && !punctuation) text += ' ';
      text += argument;
    }
    emit(text);
  }

  // True if the line belongs to the table's form rather than its content.
  bool table_line(std::string_view line) {
    if (in_table_format_) {
      size_t tab = line.find("tab(");
      if (tab == std::string_view::npos) tab = line.find("tab (");
      if (tab != std::string_view::npos) {
        size_t open = line.find('(', tab);
        bool ascii = open + 1 < line.size() && static_cast<unsigned char>(line[open + 1]) < 0x80;
        if (ascii) table_tab_ = line[open + 1];
      }
      if (!line.empty() && line.back() == '.') in_table_format_ = false;
      return true;
    }
    if (line == "_" || line == "=" || line == "T{") return true;
    std::string row;
    for (char c : line) {
      c == '\t' || c == table_tab_ ? row += "  " : row += c;
    }
    for (std::string_view mark : {"T{", "T}"}) {
      if (size_t at = row.find(mark); at != std::string::npos) row.erase(at, 2);
    }
    page_.text(unescape_roff(row, strings_));
    return true;
  }

  static std::string joined(const Arguments& arguments, std::string_view separator) {
    std::string text;
    for (const std::string& argument : arguments) {
      if (!text.empty()) text += separator;
      text += argument;
    }
    return text;
  }

  std::string_view rest_;
  RoffDocument result_;
  RoffPage page_;
  RoffStrings strings_;
  Mdoc mdoc_;
  std::map<std::string, bool, std::less<>> macros_;  // by name: do they show their arguments
  std::vector<bool> else_;                           // whether each open .ie wants its .el
  std::string link_;
  bool heading_pending_ = false;
  bool heading_is_sub_ = false;
  bool tag_pending_ = false;
  bool in_table_ = false;
  bool in_table_format_ = false;
  char table_tab_ = '\t';
};

}  // namespace

RoffDocument read_roff(std::string_view source) {
  return RoffReader(source).run();
}

bool looks_like_roff(std::string_view text) {
  bool begun = false;
  for (int i = 0; i < 200 && !text.empty(); ++i) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    bool control = line[0] == '.' || line[0] == '\'';
    if (!begun && !control) return false;
    begun = true;  // what follows may be the bodies of macros
    if (control && is_one_of(line.substr(1, 2), {"TH", "Dd", "Dt", "SH", "Sh", "so"})) return true;
  }
  return false;
}

}  // namespace holdfast::documents
