// TextIndex: ranked search over the text records of one space.
//
// The keys of an index are <prefix><document id>; a document id is 16 bytes. This index is a plain
// scan of all records: exact, free of shared state, cheap to write, and some 100 ns a document to
// ask. The statistics of BM25 (documents, average length, document frequency) are counted in that
// same scan, so no counter exists that two writers could fight over, and a snapshot gives the same
// scores in every process.
//
// Who: memory/. Thread-safety: one thread at a time per object.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"
#include "search/analysis.h"
#include "search/keyspace.h"

namespace holdfast::search {

constexpr size_t kDocumentIdSize = 16;
using DocumentId = std::array<char, kDocumentIdSize>;

// Terms of a query; further distinct ones are ignored.
constexpr size_t kQueryTermsMax = 256;

struct QueryTerm {
  std::string term;
  uint32_t hash = 0;
  // 1 for what was asked for; less for parts of an identifier and single characters of a run,
  // which should help and not decide.
  double weight = 1;
  double score = 0;  // weight times inverse document frequency
};

// What `text` asks for: distinct terms in order of appearance.
std::vector<QueryTerm> parse_query(Analyzer& analyzer, std::string_view text);

struct TextQuery {
  std::vector<QueryTerm> terms = {};
  std::vector<std::string> facets = {};  // all of them must be among a document's
  // Document ids in [id_begin, id_end); an empty end means to the last.
  std::string id_begin = {};
  std::string id_end = {};
};

struct TextMatch {
  DocumentId id{};
  double score = 0;
};

// Matches best first; of equal scores the greater id, that is the newer document, first.
class Ranking {
 public:
  Ranking(std::vector<QueryTerm> terms, std::vector<TextMatch> matches);
  // False at the end.
  bool take(TextMatch& match);
  const std::vector<QueryTerm>& terms() const { return terms_; }

 private:
  std::vector<QueryTerm> terms_;
  std::vector<TextMatch> heap_;
};

// Ranks by BM25 (k1 1.2, b 0.75; idf = ln(1 + (N - df + 0.5) / (df + 0.5))) all documents that
// contain at least one term. N, df and lengths are of the whole index whatever the filters.
// Errors: Corruption (a malformed record), and those of the scan.
Result<Ranking> rank(KeySource& source, std::string_view prefix, TextQuery query);

}  // namespace holdfast::search
