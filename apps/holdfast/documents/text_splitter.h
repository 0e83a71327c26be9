// Cuts readable text into sections. Who: documents/reader.cc.
//
// Invariants (of every function):
//   1. No section is blank; their texts in order are the document's, but for blank lines between.
//   2. A cut is never inside a UTF-8 character.
#pragma once

#include <string_view>
#include <vector>

#include "documents/section.h"

namespace holdfast::documents {

// Whole paragraphs (separated by blank lines) up to `size_max` bytes each; a longer paragraph is
// cut at a line, a longer line at a space.
std::vector<std::string> split_paragraphs(std::string_view text, size_t size_max);

// Plain text: chunks of about kChunkBytesMax without headings.
std::vector<Section> split_text(std::string_view text);

// Markdown: one section per heading, ATX (#) or underlined; headings inside code fences are text. A
// section's heading is the path to it: "Usage > Options".
std::vector<Section> split_markdown(std::string_view text);

// JSON lines: one section per line. An object's `content` or `text` is the text and its `title` the
// heading; the messages of an agent's transcript are kept with time and session, without what
// tools said; an entity of the reference memory server becomes its observations, a relation a
// sentence; any other line is kept as it is.
std::vector<Section> split_json_lines(std::string_view text);

// Sections over kSectionBytesMax become several with the same heading.
std::vector<Section> split_long(std::vector<Section> sections);

}  // namespace holdfast::documents
