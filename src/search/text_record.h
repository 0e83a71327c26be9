// The text record: the terms of one document and how often each occurs: what the index keeps of a
// document until it is folded into a segment, and of one that was dropped until its segment knows.
//
// Who: search/ and memory/. Thread-safety: pure functions.
// Form: u8 format, varint length, varint terms, then per term, ascending: u8 bytes shared with the
//   term before (all that it does), u8 bytes that follow, those bytes, u8 how often (weighted, at
//   most 255), u8 neighbours (neighbours.h).
// A facet, an exact label to filter by, is a term whose first byte is 1, which no word has; it does
// not count into the length.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/coding.h"
#include "search/analysis.h"

namespace holdfast::search {

// Of records, segments and the terms in them: a change of what Analyzer gives raises it, too.
constexpr uint8_t kTextFormat = 3;
// A record stops there, in the order of its terms: only a text of over 500 KiB of Han characters
// without much repetition reaches it; what it says past that is not found.
constexpr size_t kTextRecordSizeMax = (1u << 20) - 1024;
constexpr char kFacetByte = 1;

struct TextField {
  std::string_view text;
  uint32_t weight = 1;  // an occurrence counts as that many
};

// Stable over processes and builds. Terms and facets are hashed apart.
uint32_t hash_term(std::string_view term);
uint32_t hash_facet(std::string_view facet);
uint64_t hash_term_64(std::string_view term);
// The term under which the label, for example "kind=note", stands.
std::string facet_term(std::string_view facet);

// How many bytes both begin with, at most 255.
size_t shared_size(std::string_view a, std::string_view b);

std::string encode_text_record(Analyzer& analyzer, std::span<const TextField> fields,
                               std::span<const std::string> facets);

// Reads a record's terms in order.
//   for (TextRecord record(bytes); record.next();) use(record.term(), record.count());
class TextRecord {
 public:
  explicit TextRecord(std::string_view bytes);  // which must outlive it

  bool next();  // false at the end, and where the record is malformed
  // Goes on to the first term that is not less than `wanted`, if it is not there yet, and returns
  // whether it is that; false, and no term(), at the end, and where the record is malformed.
  bool seek(std::string_view wanted);
  // Of another format, cut, or longer than it says; known for certain once next() was false, or
  // seek() at the end.
  bool is_malformed() const { return is_malformed_; }
  uint64_t length() const { return length_; }  // weighted number of tokens
  uint64_t term_count() const { return term_count_; }
  bool has_term() const { return has_term_; }
  std::string_view term() const { return {term_, term_size_}; }  // until next() or seek()
  uint8_t count() const { return count_; }
  uint8_t neighbours() const { return neighbours_; }
  bool is_facet() const { return term_size_ > 0 && term_[0] == kFacetByte; }

 private:
  bool take_entry(size_t& shared, std::string_view& rest);
  void set_term(std::string_view shared, std::string_view rest);
  bool end();

  std::string_view rest_;
  uint64_t length_ = 0;
  uint64_t term_count_ = 0;
  uint64_t terms_left_ = 0;
  size_t term_size_ = 0;
  uint8_t count_ = 0;
  uint8_t neighbours_ = 0;
  bool has_term_ = false;
  bool is_malformed_ = false;
  char term_[kTermSizeMax];
};

}  // namespace holdfast::search
