// Section: the piece of a document that becomes one observation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::documents {

struct Section {
  std::string heading = {};  // "OPTIONS > Output"; empty where the document has none
  std::string text = {};     // UTF-8, not blank
  // Of a message in a transcript; else empty.
  std::string kind = {};     // "prompt", "answer"
  std::string session = {};  // whose it is
  std::optional<int64_t> happened_us = {};
};

// A whole document as sections, in order.
struct Document {
  std::string title;  // "ls(1)", "bash/README.Debian"
  std::vector<Section> sections;
};

// Longer sections are cut at paragraphs: what is recalled should be short enough to read.
constexpr size_t kSectionBytesMax = 8 * 1024;
// Plain text has no headings: chunks of whole paragraphs, about this long.
constexpr size_t kChunkBytesMax = 2 * 1024;

}  // namespace holdfast::documents
