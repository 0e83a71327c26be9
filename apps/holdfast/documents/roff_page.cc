#include "documents/roff_page.h"

#include <cctype>
#include <utility>

namespace holdfast::documents {

void RoffPage::text(std::string_view line) {
  if (fill_) {
    size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) {
      end_paragraph();
      return;
    }
    line = line.substr(begin, line.find_last_not_of(" \t") - begin + 1);
  }
  bool inside_line = !body_.empty() && body_.back() != '\n';
  if (inside_line && !join_next_) body_ += fill_ ? ' ' : '\n';
  join_next_ = false;
  body_ += line;
}

void RoffPage::end_line() {
  join_next_ = false;
  if (!body_.empty() && body_.back() != '\n') body_ += '\n';
}

void RoffPage::end_paragraph() {
  end_line();
  if (body_.size() >= 2 && body_[body_.size() - 2] != '\n') body_ += '\n';
}

void RoffPage::set_fill(bool fill) {
  end_line();
  fill_ = fill;
}

void RoffPage::begin_section(std::string heading) {
  flush();
  fill_ = true;
  section_ = std::move(heading);
  subsection_.clear();
}

void RoffPage::begin_subsection(std::string heading) {
  flush();
  fill_ = true;
  subsection_ = std::move(heading);
}

std::vector<Section> RoffPage::take() {
  flush();
  return std::move(sections_);
}

void RoffPage::flush() {
  join_next_ = false;
  size_t end = body_.find_last_not_of(" \t\n");
  if (end != std::string::npos) {
    body_.resize(end + 1);
    std::string heading = section_;
    if (!subsection_.empty()) heading += heading.empty() ? subsection_ : " > " + subsection_;
    size_t begin = body_.find_first_not_of('\n');
    sections_.push_back({std::move(heading), body_.substr(begin)});
  }
  body_.clear();
}

std::string title_of_page(const std::vector<std::string>& arguments) {
  std::string title = arguments[0];
  for (char& c : title) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (arguments.size() > 1) title += "(" + arguments[1] + ")";
  return title;
}

}  // namespace holdfast::documents
