// The macros of mdoc(7), the language of the BSD manual pages. Who: roff.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "documents/roff_escapes.h"
#include "documents/roff_page.h"

namespace holdfast::documents {

class Mdoc {
 public:
  Mdoc(RoffPage& page, const RoffStrings& strings) : page_(page), strings_(strings) {}

  // True if `name` is a macro of mdoc, which it then has done. `title` is set by .Dt.
  bool macro(std::string_view name, const std::vector<std::string>& arguments, std::string& title);

 private:
  bool block(std::string_view name, const std::vector<std::string>& arguments, std::string& title);
  void begin_list(const std::vector<std::string>& arguments);
  void item(const std::vector<std::string>& arguments);
  std::string line(const std::vector<std::string>& tokens);

  RoffPage& page_;
  const RoffStrings& strings_;
  std::string name_;                // of the first .Nm
  bool spaced_ = true;              // .Sm off: words follow each other without spaces
  std::vector<std::string> lists_;  // types of the open lists, "-bullet"
};

}  // namespace holdfast::documents
