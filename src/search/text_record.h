// The text record: what the index keeps of one document: its length, its terms and how often each
// occurs. One key per document: writing, replacing or removing a document touches that one key, so
// documents never conflict with each other, nothing is left behind by a removal, and a commit of
// one document dirties one page instead of one per distinct term.
//
// Who: search/ only. Thread-safety: pure functions.
// Form: u8 format, varint length, varint facets, varint terms, u32 x facets, u32 x terms
//   (ascending), u8 x terms (how often, weighted, at most 255). Little-endian.
// Terms are kept as 32-bit hashes. Two different terms with one hash are rare (one pair among
// 90,000 distinct terms), and a hit by such a chance is told apart when its text is analysed for
// the snippet.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/coding.h"
#include "search/analysis.h"

namespace holdfast::search {

constexpr uint8_t kTextRecordFormat = 1;
// Distinct terms kept of one document: with it a record stays below 1 MiB. Only a text of over
// 600 KiB of Han characters without much repetition reaches it; its terms past that are not found.
constexpr size_t kDocumentTermsMax = 200'000;

struct TextField {
  std::string_view text;
  uint32_t weight = 1;  // an occurrence counts as that many
};

// Stable over processes and builds. Terms and facets are hashed apart.
uint32_t hash_term(std::string_view term);
// A facet is an exact label to filter by, for example "kind=note".
uint32_t hash_facet(std::string_view facet);

std::string encode_text_record(Analyzer& analyzer, std::span<const TextField> fields,
                               std::span<const std::string> facets);

// A view of a record. The arrays are unaligned: read them with the methods.
struct TextRecord {
  uint64_t length = 0;  // weighted number of tokens
  uint32_t facet_count = 0;
  uint32_t term_count = 0;
  const char* facets = nullptr;
  const char* terms = nullptr;
  const char* counts = nullptr;

  uint32_t facet(uint32_t i) const { return load_le<uint32_t>(facets + 4 * size_t{i}); }
  uint32_t term(uint32_t i) const { return load_le<uint32_t>(terms + 4 * size_t{i}); }
  uint8_t count(uint32_t i) const { return static_cast<uint8_t>(counts[i]); }
};

// nullopt: malformed, or of a newer format.
std::optional<TextRecord> decode_text_record(std::string_view bytes);

}  // namespace holdfast::search
