// Reads manual pages: the man(7) and mdoc(7) macros and as much of roff as pages use, into sections
// of readable text. Not a formatter: fonts, widths and pictures are left out, words never.
#pragma once

#include <string>
#include <string_view>

#include "documents/section.h"

namespace holdfast::documents {

struct RoffDocument {
  std::string title;  // "ls(1)"; empty where the page has none
  std::string alias;  // the page that this one only points to (.so), else empty
  std::vector<Section> sections;
};

// `source` is UTF-8.
RoffDocument read_roff(std::string_view source);

// True if `text` begins like a manual page: a control line that pages begin with.
bool looks_like_roff(std::string_view text);

}  // namespace holdfast::documents
