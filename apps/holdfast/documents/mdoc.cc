#include "documents/mdoc.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace holdfast::documents {
namespace {

struct Enclosure {
  std::string_view name;
  std::string_view open;
  std::string_view close;
};

// Macros that enclose the rest of their line.
constexpr Enclosure kEnclosures[] = {
    {"Op", "[", "]"}, {"Pq", "(", ")"}, {"Dq", "\"", "\""}, {"Qq", "\"", "\""}, {"Sq", "'", "'"},
    {"Ql", "'", "'"}, {"Bq", "[", "]"}, {"Brq", "{", "}"},  {"Aq", "<", ">"},
};

// Macros that stand for fixed text.
struct Fixed {
  std::string_view name;
  std::string_view text;
  bool joins_next;
  bool joins_previous;
};
constexpr Fixed kFixed[] = {
    {"Oo", "[", true, false},          {"Oc", "]", false, true},
    {"Po", "(", true, false},          {"Pc", ")", false, true},
    {"Do", "\"", true, false},         {"Dc", "\"", false, true},
    {"Qo", "\"", true, false},         {"Qc", "\"", false, true},
    {"So", "'", true, false},          {"Sc", "'", false, true},
    {"Bo", "[", true, false},          {"Bc", "]", false, true},
    {"Bro", "{", true, false},         {"Brc", "}", false, true},
    {"Ao", "<", true, false},          {"Ac", ">", false, true},
    {"Ap", "'", true, true},           {"Ux", "UNIX", false, false},
    {"Bx", "BSD", false, false},       {"Fx", "FreeBSD", false, false},
    {"Nx", "NetBSD", false, false},    {"Ox", "OpenBSD", false, false},
    {"Dx", "DragonFly", false, false}, {"Ta", "  ", false, false},
};

// Macros that only change the font of their arguments.
constexpr std::string_view kPlain[] = {
    "Cm", "Li", "Pa", "Em", "Sy", "Ev", "Dv", "Ic", "Va", "Vt", "Fa", "Ft", "Tn", "Ad", "An",
    "Er", "Ms", "No", "Sx", "Mt", "Xo", "Xc", "Cd", "Eo", "Ec", "Bf", "Ef", "Fr", "Ot", "Rs",
    "Re", "%A", "%T", "%B", "%D", "%J", "%N", "%O", "%P", "%R", "%V", "%U", "%I", "%C", "%Q",
};

bool is_closing(std::string_view token) {
  return token.size() == 1 && std::string_view(".,:;)]?!").find(token[0]) != token.npos;
}
bool is_opening(std::string_view token) {
  return token == "(" || token == "[";
}

const Enclosure* enclosure_of(std::string_view name) {
  for (const Enclosure& enclosure : kEnclosures) {
    if (enclosure.name == name) return &enclosure;
  }
  return nullptr;
}
const Fixed* fixed_of(std::string_view name) {
  for (const Fixed& fixed : kFixed) {
    if (fixed.name == name) return &fixed;
  }
  return nullptr;
}
bool is_plain(std::string_view name) {
  return std::find(std::begin(kPlain), std::end(kPlain), name) != std::end(kPlain);
}
bool is_inline(std::string_view name) {
  constexpr std::string_view kOthers[] = {"Fl", "Ar", "Nm", "Xr", "Fn", "Fo", "Fc", "In",
                                          "Ns", "Pf", "Lk", "St", "Ex", "Rv", "Nd", "At"};
  return enclosure_of(name) || fixed_of(name) || is_plain(name) ||
         std::find(std::begin(kOthers), std::end(kOthers), name) != std::end(kOthers);
}

// One line of inline macros, as text.
class Line {
 public:
  Line(const std::vector<std::string>& tokens, const RoffStrings& strings, std::string& name,
       bool spaced)
      : tokens_(tokens), strings_(strings), name_(name), spaced_(spaced) {}

  std::string run() {
    size_t end = tokens_.size();
    while (end > 0 && is_closing(tokens_[end - 1])) --end;
    end_ = end;
    while (at_ < end_) step();
    while (!closers_.empty()) {
      attach(closers_.back());
      closers_.pop_back();
    }
    for (size_t i = end; i < tokens_.size(); ++i) attach(tokens_[i]);
    return std::move(out_);
  }

 private:
  void step() {
    std::string_view token = tokens_[at_++];
    if (const Enclosure* enclosure = enclosure_of(token)) {
      word(enclosure->open);
      join_ = true;
      closers_.push_back(enclosure->close);
    } else if (const Fixed* fixed = fixed_of(token)) {
      fixed->joins_previous ? attach(fixed->text) : word(fixed->text);
      join_ = fixed->joins_next;
    } else if (!special(token) && !is_plain(token)) {
      word(text(token));
    }
  }

  bool special(std::string_view token) {
    if (token == "Fl") {
      flags();
    } else if (token == "Ar") {
      at_word() ? words() : word("file ...");
    } else if (token == "Nm") {
      name();
    } else if (token == "Xr") {
      reference();
    } else if (token == "Fn") {
      function();
    } else if (token == "Fo") {
      if (at_word()) word(take() + "(");
      join_ = true;
    } else if (token == "Fc") {
      attach(")");
    } else if (token == "In") {
      if (at_word()) word("#include <" + take() + ">");
    } else if (token == "Ns") {
      join_ = true;
    } else if (token == "Pf") {
      if (at_ < end_) word(take());
      join_ = true;
    } else if (token == "Nd") {
      word("-");
    } else {
      return sentence(token);
    }
    return true;
  }

  bool sentence(std::string_view token) {
    if (token == "Lk") {
      std::string link = at_word() ? take() : "";
      if (at_word()) words();
      word("<" + link + ">");
    } else if (token == "St" || token == "At") {
      if (at_word()) word(token == "At" ? "AT&T UNIX " + take() : take().substr(1));
    } else if (token == "Ex") {
      at_ = end_;
      word("The " + name_ + " utility exits 0 on success, and >0 if an error occurs.");
    } else if (token == "Rv") {
      at_ = end_;
      word("Upon successful completion, 0 is returned; otherwise -1, and errno is set.");
    } else {
      return false;
    }
    return true;
  }

  void flags() {
    if (!at_word()) {
      word("-");
      join_ = at_ < end_ && tokens_[at_] != "Ar";
      return;
    }
    while (at_word()) word("-" + take());
  }

  void name() {
    if (!at_word()) {
      word(name_);
      return;
    }
    if (name_.empty()) name_ = text(tokens_[at_]);
    words();
  }

  void reference() {
    if (!at_word()) return;
    std::string page = take();
    if (at_word() && std::isdigit(static_cast<unsigned char>(tokens_[at_][0]))) {
      page += "(" + take() + ")";
    }
    word(page);
  }

  void function() {
    if (!at_word()) return;
    std::string call = take() + "(";
    for (bool first = true; at_word(); first = false) call += (first ? "" : ", ") + take();
    word(call + ")");
  }

  bool at_word() const {
    return at_ < end_ && !is_inline(tokens_[at_]) && !is_closing(tokens_[at_]);
  }
  std::string take() { return text(tokens_[at_++]); }
  std::string text(std::string_view token) const { return unescape_roff(token, strings_); }
  void words() {
    while (at_word()) word(take());
  }

  void word(std::string_view token) {
    if (is_closing(token)) join_ = true;
    if (!out_.empty() && !join_ && spaced_) out_ += ' ';
    out_ += token;
    join_ = is_opening(token);
  }
  void attach(std::string_view token) {
    out_ += token;
    join_ = false;
  }

  const std::vector<std::string>& tokens_;
  const RoffStrings& strings_;
  std::string& name_;
  bool spaced_;
  size_t at_ = 0;
  size_t end_ = 0;
  bool join_ = false;
  std::vector<std::string_view> closers_;
  std::string out_;
};

}  // namespace

bool Mdoc::macro(std::string_view name, const std::vector<std::string>& arguments,
                 std::string& title) {
  if (block(name, arguments, title)) return true;
  if (!is_inline(name)) return false;
  std::vector<std::string> tokens = {std::string(name)};
  tokens.insert(tokens.end(), arguments.begin(), arguments.end());
  bool in_synopsis = page_.section() == "SYNOPSIS";
  if (in_synopsis && (name == "Nm" || name == "In" || name == "Ft")) page_.end_line();
  if (name == "Ns" || (fixed_of(name) && fixed_of(name)->joins_previous) || name == "Fc") {
    page_.join_next();
  }
  std::string text = line(tokens);
  if (!spaced_) page_.join_next();
  if (!text.empty()) page_.text(text);
  if (name == "Xc" && !lists_.empty()) page_.end_line();
  if (name == "Oo" || name == "Fo" || name == "Po" || name == "Do") page_.join_next();
  if (in_synopsis && (name == "Fn" || name == "Fc" || name == "In")) page_.end_line();
  return true;
}

bool Mdoc::block(std::string_view name, const std::vector<std::string>& arguments,
                 std::string& title) {
  if (name == "Dt") {
    if (!arguments.empty()) title = title_of_page(arguments);
  } else if (name == "Sh") {
    lists_.clear();
    page_.begin_section(line(arguments));
  } else if (name == "Ss") {
    page_.begin_subsection(line(arguments));
  } else if (name == "Pp" || name == "Lp") {
    page_.end_paragraph();
  } else if (name == "Sm") {
    spaced_ = arguments.empty() ? !spaced_ : arguments[0] == "on";
  } else if (name == "Bl") {
    begin_list(arguments);
  } else if (name == "It") {
    item(arguments);
  } else if (name == "El") {
    if (!lists_.empty()) lists_.pop_back();
    page_.end_line();
  } else if (name == "Bd") {
    bool literal = std::find_if(arguments.begin(), arguments.end(), [](const std::string& a) {
                     return a == "-literal" || a == "-unfilled";
                   }) != arguments.end();
    page_.end_paragraph();
    page_.set_fill(!literal);
  } else if (name == "Ed") {
    page_.set_fill(true);
    page_.end_paragraph();
  } else if (name == "D1" || name == "Dl") {
    page_.end_line();
    page_.text(line(arguments));
    page_.end_line();
  } else {
    return name == "Dd" || name == "Os" || name == "Bk" || name == "Ek" || name == "Db" ||
           name == "Hf" || name == "Lb";
  }
  return true;
}

void Mdoc::begin_list(const std::vector<std::string>& arguments) {
  lists_.push_back(arguments.empty() ? "" : arguments[0]);
  page_.end_line();
}

void Mdoc::item(const std::vector<std::string>& arguments) {
  std::string type = lists_.empty() ? "" : lists_.back();
  if (type == "-bullet" || type == "-dash" || type == "-hyphen" || type == "-enum") {
    page_.end_line();
    page_.text("*");
    return;
  }
  if (type == "-column") {
    page_.end_line();
    page_.text(line(arguments));
    return;
  }
  page_.end_paragraph();
  page_.text(line(arguments));
  bool continues = !arguments.empty() && arguments.back() == "Xo";  // until .Xc
  if (!continues) page_.end_line();
}

std::string Mdoc::line(const std::vector<std::string>& tokens) {
  return Line(tokens, strings_, name_, spaced_).run();
}

}  // namespace holdfast::documents
