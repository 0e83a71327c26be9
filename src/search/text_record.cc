#include "search/text_record.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace holdfast::search {
namespace {

constexpr uint32_t kCountMax = 255;  // BM25 saturates long before

// FNV-1a, then the finalizer of MurmurHash3, so that the low bits depend on every byte.
uint32_t hash_bytes(std::string_view bytes, uint64_t seed) {
  uint64_t hash = 0xcbf29ce484222325 ^ seed;
  for (const char c : bytes) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccd;
  hash ^= hash >> 33;
  return static_cast<uint32_t>(hash);
}

void append_u32(std::string& out, uint32_t value) {
  char bytes[4];
  store_le(bytes, value);
  out.append(bytes, 4);
}

struct Occurrences {
  std::vector<uint64_t> all;  // term hash above, weight below; one for each token
  uint64_t length = 0;
};

Occurrences collect(Analyzer& analyzer, std::span<const TextField> fields) {
  Occurrences found;
  for (const TextField& field : fields) {
    analyzer.analyze(field.text, [&](const Token& token) {
      found.all.push_back(uint64_t{hash_term(token.term)} << 32 | field.weight);
      found.length += field.weight;
      return true;
    });
  }
  return found;
}

// Distinct terms, ascending, with their weighted counts.
std::vector<std::pair<uint32_t, uint32_t>> count_terms(std::vector<uint64_t>& all) {
  std::sort(all.begin(), all.end());
  std::vector<std::pair<uint32_t, uint32_t>> terms;
  for (const uint64_t occurrence : all) {
    const auto hash = static_cast<uint32_t>(occurrence >> 32);
    const auto weight = static_cast<uint32_t>(occurrence);
    if (terms.empty() || terms.back().first != hash) terms.emplace_back(hash, 0);
    terms.back().second = std::min(terms.back().second + weight, kCountMax);
  }
  return terms;
}

}  // namespace

uint32_t hash_term(std::string_view term) {
  return hash_bytes(term, 0);
}
uint32_t hash_facet(std::string_view facet) {
  return hash_bytes(facet, 0x9e3779b97f4a7c15);
}

std::string encode_text_record(Analyzer& analyzer, std::span<const TextField> fields,
                               std::span<const std::string> facets) {
  Occurrences found = collect(analyzer, fields);
  auto terms = count_terms(found.all);
  if (terms.size() > kDocumentTermsMax) terms.resize(kDocumentTermsMax);

  std::string out;
  out.reserve(16 + 4 * facets.size() + 5 * terms.size());
  out.push_back(static_cast<char>(kTextRecordFormat));
  append_varint(out, found.length);
  append_varint(out, facets.size());
  append_varint(out, terms.size());
  for (const std::string& facet : facets) append_u32(out, hash_facet(facet));
  for (const auto& [hash, count] : terms) append_u32(out, hash);
  for (const auto& [hash, count] : terms) out.push_back(static_cast<char>(count));
  return out;
}

std::optional<TextRecord> decode_text_record(std::string_view bytes) {
  if (bytes.empty() || static_cast<uint8_t>(bytes[0]) != kTextRecordFormat) return std::nullopt;
  bytes.remove_prefix(1);
  const auto length = take_varint(bytes);
  const auto facets = take_varint(bytes);
  const auto terms = take_varint(bytes);
  if (!length || !facets || !terms) return std::nullopt;
  if (*facets > bytes.size() / 4 || *terms > bytes.size() / 5) return std::nullopt;
  if (bytes.size() != 4 * *facets + 5 * *terms) return std::nullopt;
  TextRecord record;
  record.length = *length;
  record.facet_count = static_cast<uint32_t>(*facets);
  record.term_count = static_cast<uint32_t>(*terms);
  record.facets = bytes.data();
  record.terms = record.facets + 4 * *facets;
  record.counts = record.terms + 4 * *terms;
  return record;
}

}  // namespace holdfast::search
