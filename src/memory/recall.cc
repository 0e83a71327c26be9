#include "memory/recall.h"

#include <algorithm>

#include "base/utf8.h"
#include "memory/keys.h"
#include "memory/observation_index.h"
#include "memory/observation_store.h"
#include "search/snippet.h"
#include "search/text_index.h"

namespace holdfast::memory {
namespace {

using search::KeySource;
using search::QueryTerm;

constexpr size_t kSnippetSizeMin = 16;

Status check_query(const RecallQuery& query) {
  if (query.text.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  "recall needs text to search for; to see what is newest, list");
  }
  if (query.text.size() > kContentSizeMax) {
    return Status(StatusCode::kTooLarge, "the text to search for has " +
                                             std::to_string(query.text.size()) +
                                             " bytes; at most " + std::to_string(kContentSizeMax) +
                                             " are allowed: give the words that matter");
  }
  if (const auto bad = utf8_first_bad_byte(query.text)) {
    return Status(StatusCode::kInvalidArgument,
                  "the text to search for is not UTF-8: the byte at offset " +
                      std::to_string(*bad) + " is wrong")
        .with_offset(*bad);
  }
  if (query.limit == 0 || query.limit > kRecallLimitMax) {
    return Status(StatusCode::kInvalidArgument,
                  "limit must be 1 to " + std::to_string(kRecallLimitMax));
  }
  if (query.snippet_size < kSnippetSizeMin || query.snippet_size > kSnippetSizeMax) {
    return Status(StatusCode::kInvalidArgument, "snippet_size must be " +
                                                    std::to_string(kSnippetSizeMin) + " to " +
                                                    std::to_string(kSnippetSizeMax) + " bytes");
  }
  return Status::ok();
}

search::TextQuery text_query(search::Analyzer& analyzer, const RecallQuery& query,
                             const IdSpan& span) {
  search::TextQuery text;
  text.terms = search::parse_query(analyzer, query.text);
  if (query.kind) text.facets.push_back(facet("kind", *query.kind));
  if (query.source) text.facets.push_back(facet("source", *query.source));
  if (query.session) text.facets.push_back(facet("session", *query.session));
  if (query.run) text.facets.push_back(facet("run", *query.run));
  for (const std::string& tag : query.tags) text.facets.push_back(facet("tag", tag));
  text.id_begin = span.first.view();
  text.id_end = std::string(span.last.view()) + '\0';
  return text;
}

// Facets are hashes: what passed is compared with what was asked.
bool passes(const Observation& observation, const RecallQuery& query, int64_t as_of_us) {
  const auto& tags = observation.tags;
  return holds_at(observation, as_of_us) &&
         (!query.trust_min || observation.effective_trust >= *query.trust_min) &&
         (!query.kind || observation.kind == query.kind) &&
         (!query.source || observation.source == query.source) &&
         (!query.session || observation.session == query.session) &&
         (!query.run || observation.run == query.run) &&
         std::all_of(query.tags.begin(), query.tags.end(),
                     [&](const std::string& tag) {
                       return std::find(tags.begin(), tags.end(), tag) != tags.end();
                     }) &&
         is_between(observation.created_us, query.since_us, query.until_us);
}

bool contains_any(search::Analyzer& analyzer, std::string_view text,
                  const std::vector<QueryTerm>& terms) {
  bool found = false;
  analyzer.analyze(text, [&](const search::Token& token) {
    found = std::any_of(terms.begin(), terms.end(),
                        [&](const QueryTerm& term) { return term.term == token.term; });
    return !found;
  });
  return found;
}

// False when no term occurs: two different terms had one hash.
bool fill_snippet(search::Analyzer& analyzer, const std::vector<QueryTerm>& terms,
                  size_t snippet_size, RecallHit& hit) {
  const Observation& observation = hit.observation;
  search::Snippet snippet =
      search::make_snippet(analyzer, observation.content, terms, snippet_size);
  const bool matched =
      snippet.matched || (observation.title && contains_any(analyzer, *observation.title, terms)) ||
      std::any_of(observation.tags.begin(), observation.tags.end(),
                  [&](const std::string& tag) { return contains_any(analyzer, tag, terms); });
  hit.snippet = std::move(snippet.text);
  hit.snippet_offset = snippet.offset;
  for (const auto& [begin, end] : snippet.highlights) hit.highlights.push_back({begin, end});
  return matched;
}

Status recall_from(KeySource& source, uint32_t space_id, const RecallQuery& query,
                   const IdSpan& span, int64_t as_of_us, std::vector<RecallHit>& hits) {
  search::Analyzer analyzer;
  HOLDFAST_ASSIGN(search::Ranking ranking,
                  search::rank(source, space_prefix(KeyKind::kText, space_id),
                               text_query(analyzer, query, span)));
  search::TextMatch match;
  while (hits.size() < query.limit && ranking.take(match)) {
    Uuid id;
    std::copy(match.id.begin(), match.id.end(), id.bytes.begin());
    HOLDFAST_ASSIGN(std::optional<Observation> observation,
                    read_observation(source, space_id, id, false));
    if (!observation) {
      return Status(StatusCode::kCorruption, "the search index names observation " + id.to_text() +
                                                 ", which is not there; run `holdfast check`");
    }
    if (!passes(*observation, query, as_of_us)) continue;
    RecallHit hit;
    hit.observation = std::move(*observation);
    hit.score = match.score;
    if (fill_snippet(analyzer, ranking.terms(), query.snippet_size, hit)) {
      hits.push_back(std::move(hit));
    }
  }
  return Status::ok();
}

}  // namespace

Result<std::vector<RecallHit>> recall(Access& access, const RecallQuery& query) {
  HOLDFAST_TRY(check_query(query));
  std::vector<RecallHit> hits;
  const std::optional<IdSpan> span = ids_between(query.since_us, query.until_us);
  if (!span) return hits;
  const int64_t as_of_us = query.as_of_us.value_or(access.now_us());
  HOLDFAST_TRY(access.read([&](KeySource& source, uint32_t space_id) {
    return recall_from(source, space_id, query, *span, as_of_us, hits);
  }));
  return hits;
}

}  // namespace holdfast::memory
