#include "memory/recall.h"

#include <algorithm>

#include "base/utf8.h"
#include "memory/keys.h"
#include "memory/observation_index.h"
#include "memory/observation_store.h"
#include "memory/observation_strength.h"
#include "memory/text_maintenance.h"
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
  if (!(query.strength_weight >= 0 && query.strength_weight <= 1)) {
    return Status(StatusCode::kInvalidArgument, "strength_weight must be 0 to 1");
  }
  return Status::ok();
}

search::TextQuery text_query(search::Analyzer& analyzer, const RecallQuery& query,
                             const IdSpan& span) {
  search::TextQuery text = search::parse_query(analyzer, query.text);
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

bool has_phrases(search::Analyzer& analyzer, const std::vector<search::Phrase>& phrases,
                 const Observation& observation) {
  if (phrases.empty()) return true;
  std::vector<std::string_view> texts = {observation.content};
  if (observation.title) texts.push_back(*observation.title);
  texts.insert(texts.end(), observation.tags.begin(), observation.tags.end());
  return search::matches_phrases(analyzer, phrases, texts);
}

void fill_snippet(search::Analyzer& analyzer, const std::vector<QueryTerm>& terms,
                  size_t snippet_size, RecallHit& hit) {
  search::Snippet snippet =
      search::make_snippet(analyzer, hit.observation.content, terms, snippet_size);
  hit.snippet = std::move(snippet.text);
  hit.snippet_offset = snippet.offset;
  for (const auto& [begin, end] : snippet.highlights) hit.highlights.push_back({begin, end});
}

Status fill_explanation(search::Ranking& ranking, RecallHit& hit) {
  HOLDFAST_ASSIGN(const auto terms, ranking.explain());
  for (const search::TermScore& one : terms) {
    const QueryTerm& term = ranking.terms()[one.term];
    hit.explanation.push_back({.term = term.term,
                               .weight = term.weight,
                               .frequency = term.frequency,
                               .observations = ranking.documents(),
                               .count = one.count,
                               .length = one.length,
                               .length_mean = ranking.length_mean(),
                               .score = one.score});
  }
  return Status::ok();
}

// The terms by which a text was found, for its snippet: neither labels nor what it must not have.
std::vector<QueryTerm> shown_terms(const search::Ranking& ranking) {
  std::vector<QueryTerm> shown;
  for (const QueryTerm& term : ranking.terms()) {
    if (term.weight > 0) shown.push_back(term);
  }
  return shown;
}

// What the words have given, and what the observation's strength makes of it: never more.
Status set_score(KeySource& source, uint32_t space_id, const Uuid& id, const RecallQuery& query,
                 int64_t now_us, RecallHit& hit) {
  hit.score = hit.text_score;
  if (query.strength_weight == 0) return Status::ok();
  HOLDFAST_ASSIGN(hit.strength, read_strength(source, space_id, id, hit.observation, now_us));
  hit.score *= 1 - query.strength_weight + query.strength_weight * hit.strength->value();
  return Status::ok();
}

// Behind those with the same score. `hits` stay at most `limit`, best first.
void insert_hit(RecallHit hit, size_t limit, std::vector<RecallHit>& hits) {
  const auto at =
      std::upper_bound(hits.begin(), hits.end(), hit.score,
                       [](double score, const RecallHit& other) { return score > other.score; });
  hits.insert(at, std::move(hit));
  if (hits.size() > limit) hits.pop_back();
}

Status recall_from(KeySource& source, uint32_t space_id, const RecallQuery& query,
                   const IdSpan& span, int64_t now_us, std::vector<RecallHit>& hits) {
  HOLDFAST_TRY(check_index(source, space_id));
  search::Analyzer analyzer;
  search::TextQuery text = text_query(analyzer, query, span);
  const std::vector<search::Phrase> phrases = text.phrases;
  // Some more than are wanted, as a few may not hold now; of those that have the words of a phrase,
  // most may not have it, and those with the best words may have faded.
  const bool takes_many = !phrases.empty() || query.strength_weight > 0;
  const size_t spare = takes_many ? 250 : 8;
  HOLDFAST_ASSIGN(search::Ranking ranking,
                  search::Ranking::open(source, space_prefix(KeyKind::kTextIndex, space_id),
                                        std::move(text), query.limit + spare));
  const std::vector<QueryTerm> shown = shown_terms(ranking);
  search::TextMatch match;
  while (query.strength_weight > 0 || hits.size() < query.limit) {
    HOLDFAST_ASSIGN(const bool is_more, ranking.take(match));
    if (!is_more) break;
    // Nothing that comes can have more than its words give.
    if (hits.size() == query.limit && match.score <= hits.back().score) break;
    Uuid id;
    std::copy(match.id.begin(), match.id.end(), id.bytes.begin());
    HOLDFAST_ASSIGN(std::optional<Observation> observation,
                    read_observation(source, space_id, id, false));
    if (!observation) {
      return Status(StatusCode::kCorruption, "the search index names observation " + id.to_text() +
                                                 ", which is not there; run `holdfast reindex`");
    }
    if (!passes(*observation, query, query.as_of_us.value_or(now_us))) continue;
    if (!has_phrases(analyzer, phrases, *observation)) continue;
    RecallHit hit;
    hit.observation = std::move(*observation);
    hit.text_score = match.score;
    HOLDFAST_TRY(set_score(source, space_id, id, query, now_us, hit));
    if (query.explain) HOLDFAST_TRY(fill_explanation(ranking, hit));
    insert_hit(std::move(hit), query.limit, hits);
  }
  for (RecallHit& hit : hits) fill_snippet(analyzer, shown, query.snippet_size, hit);
  return Status::ok();
}

}  // namespace

Result<std::vector<RecallHit>> recall(Access& access, const RecallQuery& query) {
  HOLDFAST_TRY(check_query(query));
  std::vector<RecallHit> hits;
  const std::optional<IdSpan> span = ids_between(query.since_us, query.until_us);
  if (!span) return hits;
  const int64_t now_us = access.now_us();
  HOLDFAST_TRY(access.read([&](KeySource& source, uint32_t space_id) {
    return recall_from(source, space_id, query, *span, now_us, hits);
  }));
  return hits;
}

}  // namespace holdfast::memory
