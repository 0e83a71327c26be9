// The page that the roff reader writes: lines filled into paragraphs, paragraphs into sections.
// Who: roff.cc and mdoc.cc. A value; one thread at a time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "documents/section.h"

namespace holdfast::documents {

class RoffPage {
 public:
  // A line of text; joined to the one before while filling, a line of its own otherwise.
  void text(std::string_view line);
  // Ends the line or the paragraph; twice is once.
  void end_line();
  void end_paragraph();
  // The next text follows without a space.
  void join_next() { join_next_ = true; }
  void set_fill(bool fill);

  void begin_section(std::string heading);
  void begin_subsection(std::string heading);

  const std::string& section() const { return section_; }
  std::vector<Section> take();

 private:
  void flush();

  std::string section_;
  std::string subsection_;
  std::string body_;
  bool fill_ = true;
  bool join_next_ = false;
  std::vector<Section> sections_;
};

// As people write it, "ls(1)", from the arguments of .TH or .Dt, "LS" and "1".
// REQUIRES: at least one argument.
std::string title_of_page(const std::vector<std::string>& arguments);

}  // namespace holdfast::documents
