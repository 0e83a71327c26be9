#include "memory/recall.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/utf8.h"
#include "memory/filter.h"
#include "memory/fusion.h"
#include "memory/keys.h"
#include "memory/observation_index.h"
#include "memory/observation_store.h"
#include "memory/observation_strength.h"
#include "memory/recall_choice.h"
#include "memory/text_maintenance.h"
#include "memory/vector_spaces.h"
#include "search/snippet.h"
#include "search/text_languages.h"
#include "vector/codes.h"

namespace holdfast::memory {
namespace {

using search::KeySource;
using search::QueryTerm;

constexpr size_t kSnippetSizeMin = 16;
constexpr size_t kPoolMin = 100;  // candidates that each leg of a recall by both gives

bool is_share(double value) {
  return value >= 0 && value <= 1;
}

}  // namespace

Status check_query(const RecallQuery& query) {
  if (query.text.empty() && !query.vector) {
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
  if (!is_share(query.vector_weight)) {
    return Status(StatusCode::kInvalidArgument, "vector_weight must be 0 to 1");
  }
  if (query.snippet_size < kSnippetSizeMin || query.snippet_size > kSnippetSizeMax) {
    return Status(StatusCode::kInvalidArgument, "snippet_size must be " +
                                                    std::to_string(kSnippetSizeMin) + " to " +
                                                    std::to_string(kSnippetSizeMax) + " bytes");
  }
  if (!is_share(query.strength_weight)) {
    return Status(StatusCode::kInvalidArgument, "strength_weight must be 0 to 1");
  }
  if (!is_share(query.link_weight) || !is_share(query.variety)) {
    return Status(StatusCode::kInvalidArgument, "link_weight and variety must be 0 to 1");
  }
  return Status::ok();
}

// Facets are hashes: what passed them is compared with what was asked.
const char* failed_filter(const Observation& observation, const RecallQuery& query,
                          int64_t as_of_us) {
  const auto has_tag = [&](const std::string& tag) {
    return std::find(observation.tags.begin(), observation.tags.end(), tag) !=
           observation.tags.end();
  };
  if (!holds_at(observation, as_of_us)) return "as_of";
  if (query.trust_min && observation.effective_trust < *query.trust_min) return "trust_min";
  if (query.kind && observation.kind != query.kind) return "kind";
  if (query.source && observation.source != query.source) return "source";
  if (query.session && observation.session != query.session) return "session";
  if (query.run && observation.run != query.run) return "run";
  if (!std::all_of(query.tags.begin(), query.tags.end(), has_tag)) return "tags";
  if (!is_between(observation.created_us, query.since_us, {})) return "since";
  return is_between(observation.created_us, {}, query.until_us) ? nullptr : "until";
}

Result<search::TextQuery> parse_text(search::Analyzer& analyzer, KeySource& source,
                                     uint32_t space_id, const RecallQuery& query) {
  HOLDFAST_ASSIGN(const auto languages,
                  search::live_languages(source, space_prefix(KeyKind::kTextIndex, space_id)));
  search::TextQuery text = search::parse_query(analyzer, query.text, languages, !query.as_typed);
  text.reads_misspelt = !query.as_typed;
  return text;
}

bool has_phrases(search::Analyzer& analyzer, const std::vector<search::Phrase>& phrases,
                 const Observation& observation) {
  if (phrases.empty()) return true;
  std::vector<std::string_view> texts = {observation.content};
  if (observation.title) texts.push_back(*observation.title);
  texts.insert(texts.end(), observation.tags.begin(), observation.tags.end());
  analyzer.set_language(language_of(observation));
  return search::matches_phrases(analyzer, phrases, texts);
}

Status fill_explanation(search::Ranking& ranking, const search::DocumentId& id,
                        std::vector<ScoreTerm>& explanation) {
  HOLDFAST_ASSIGN(const auto terms, ranking.explain(id));
  for (const search::TermScore& one : terms) {
    const QueryTerm& term = ranking.terms()[one.term];
    explanation.push_back(
        {.term = term.term,
         .typed = term.typed,
         .related_to = term.related_to ? ranking.terms()[*term.related_to].term : std::string(),
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

namespace {

std::vector<std::string> facets_of(const RecallQuery& query) {
  NewObservation labels;
  labels.kind = query.kind;
  labels.source = query.source;
  labels.session = query.session;
  labels.run = query.run;
  labels.tags = query.tags;
  return memory::facets_of(labels);
}

Result<search::TextQuery> text_query(search::Analyzer& analyzer, KeySource& source,
                                     uint32_t space_id, const RecallQuery& query,
                                     const IdSpan& span) {
  HOLDFAST_ASSIGN(search::TextQuery text, parse_text(analyzer, source, space_id, query));
  text.facets = facets_of(query);
  text.terms_max = query.words_max;
  text.id_begin = span.first.view();
  text.id_end = std::string(span.last.view()) + '\0';
  return text;
}

void fill_snippet(search::Analyzer& analyzer, const std::vector<QueryTerm>& terms,
                  size_t snippet_size, RecallHit& hit) {
  analyzer.set_language(language_of(hit.observation));
  search::Snippet snippet =
      search::make_snippet(analyzer, hit.observation.content, terms, snippet_size);
  hit.snippet = std::move(snippet.text);
  hit.snippet_offset = snippet.offset;
  for (const auto& [begin, end] : snippet.highlights) hit.highlights.push_back({begin, end});
}

// The terms by which a text was found, for its snippet: neither labels nor what it must not have.
std::vector<QueryTerm> shown_terms(const search::Ranking& ranking) {
  std::vector<QueryTerm> shown;
  for (const QueryTerm& term : ranking.terms()) {
    if (term.weight > 0) shown.push_back(term);
  }
  return shown;
}

// Behind those with the same score. `hits` stay at most `limit`, best first.
void insert_hit(RecallHit hit, size_t limit, std::vector<RecallHit>& hits) {
  const auto at =
      std::upper_bound(hits.begin(), hits.end(), hit.score,
                       [](double score, const RecallHit& other) { return score > other.score; });
  hits.insert(at, std::move(hit));
  if (hits.size() > limit) hits.pop_back();
}

Uuid uuid_of(const search::DocumentId& id) {
  return Uuid{id};
}

// One recall, at one view of a space.
class Recaller {
 public:
  Recaller(KeySource& source, uint32_t space_id, const RecallQuery& query,
           const ObservationFilter& filter, const IdSpan& span, int64_t now_us)
      : source_(source),
        space_id_(space_id),
        query_(query),
        filter_(filter),
        span_(span),
        now_us_(now_us) {}

  Status run(std::vector<RecallHit>& hits);

 private:
  struct Candidate {
    Observation observation;
    FusionScores scores;
  };
  using Candidates = std::map<search::DocumentId, Candidate>;

  Status rank(std::vector<RecallHit>& hits);
  Status add_linked(std::vector<RecallHit>& hits);
  bool is_asked_for(const Observation& observation);
  Status open_text(size_t count);
  Status run_text(std::vector<RecallHit>& hits);
  Status open_vector(size_t count);
  Status run_vector(std::vector<RecallHit>& hits);
  Status run_both(std::vector<RecallHit>& hits);
  Status collect(size_t count, Candidates& candidates);
  Status complete(Candidates& candidates);
  Status compare_parts(Candidates& candidates);
  Result<std::optional<Observation>> read_if_passes(const search::DocumentId& id);
  double shown_similarity(double similarity) const;
  Status set_score(double score, RecallHit& hit);

  KeySource& source_;
  const uint32_t space_id_;
  const RecallQuery& query_;
  const ObservationFilter& filter_;
  const IdSpan& span_;
  const int64_t now_us_;
  size_t limit_ = 0;  // hits that are ranked, to choose from
  search::Analyzer analyzer_;
  std::vector<search::Phrase> phrases_;
  std::optional<search::Ranking> text_;
  VectorDefinition definition_;
  std::optional<search::VectorRanking> vector_;
};

// What words and vector have given, and what the observation's strength makes of it: never more.
Status Recaller::set_score(double score, RecallHit& hit) {
  hit.score = score;
  if (query_.strength_weight == 0) return Status::ok();
  HOLDFAST_ASSIGN(hit.strength, read_strength(source_, space_id_, *Uuid::parse(hit.observation.id),
                                              hit.observation, now_us_));
  const double kept = 1 - query_.strength_weight + query_.strength_weight * hit.strength->value();
  hit.score *= score < 0 ? 2 - kept : kept;  // similarities may be negative
  return Status::ok();
}

// nullopt: it is not what is asked for.
Result<std::optional<Observation>> Recaller::read_if_passes(const search::DocumentId& id) {
  HOLDFAST_ASSIGN(std::optional<Observation> observation,
                  read_observation(source_, space_id_, uuid_of(id), false));
  if (!observation) {
    return Status(StatusCode::kCorruption, "the search index names observation " +
                                               uuid_of(id).to_text() +
                                               ", which is not there; run `holdfast reindex`");
  }
  if (!is_asked_for(*observation)) observation.reset();
  return observation;
}

bool Recaller::is_asked_for(const Observation& observation) {
  return failed_filter(observation, query_, query_.as_of_us.value_or(now_us_)) == nullptr &&
         has_phrases(analyzer_, phrases_, observation) && filter_.passes(observation);
}

Status Recaller::open_text(size_t count) {
  HOLDFAST_ASSIGN(search::TextQuery text, text_query(analyzer_, source_, space_id_, query_, span_));
  phrases_ = text.phrases;
  // Some more than are wanted, as a few may not hold now; and of those that may have a phrase, many
  // do not.
  count += phrases_.empty() ? 8 : 50;
  HOLDFAST_ASSIGN(text_,
                  search::Ranking::open(source_, space_prefix(KeyKind::kTextIndex, space_id_),
                                        std::move(text), count));
  return Status::ok();
}

Status Recaller::run_text(std::vector<RecallHit>& hits) {
  // Those with the best words may have faded.
  HOLDFAST_TRY(open_text(limit_ + (query_.strength_weight > 0 ? 250 : 0)));
  search::TextMatch match;
  while (query_.strength_weight > 0 || hits.size() < limit_) {
    HOLDFAST_ASSIGN(const bool is_more, text_->take(match));
    if (!is_more) break;
    // Nothing that comes can have more than its words give.
    if (hits.size() == limit_ && match.score <= hits.back().score) break;
    HOLDFAST_ASSIGN(auto observation, read_if_passes(match.id));
    if (!observation) continue;
    RecallHit hit;
    hit.observation = std::move(*observation);
    hit.text_score = match.score;
    HOLDFAST_TRY(set_score(match.score, hit));
    if (query_.explain) HOLDFAST_TRY(fill_explanation(*text_, match.id, hit.explanation));
    insert_hit(std::move(hit), limit_, hits);
  }
  return Status::ok();
}

Status Recaller::open_vector(size_t count) {
  // They are made anew together.
  HOLDFAST_TRY(search::check_built(source_, space_prefix(KeyKind::kTextIndex, space_id_)));
  const RecallVector& vector = *query_.vector;
  HOLDFAST_ASSIGN(definition_, require_definition(source_, space_id_, vector.space));
  const VectorSpaceOptions& options = definition_.options;
  const Embedding embedding{vector.model.empty() ? options.model : vector.model,
                            vector.model.empty() ? options.model_version : vector.model_version,
                            vector.values,
                            {}};
  HOLDFAST_TRY(check_fits(definition_, vector.space, embedding));
  if (!vector.part.empty()) HOLDFAST_TRY(search::check_parts({&vector.part, 1}));
  search::VectorSearch search;
  search.values = vector.values;
  search.accuracy = vector.accuracy;
  for (const std::string& one : facets_of(query_)) search.signature.add(one);
  search.id_begin = span_.first.view();
  search.id_end = std::string(span_.last.view()) + '\0';
  search.count = count;
  HOLDFAST_ASSIGN(vector_, search::VectorRanking::open(source_, definition_.prefix(space_id_),
                                                       definition_.shape(), std::move(search)));
  return Status::ok();
}

double Recaller::shown_similarity(double similarity) const {
  const bool is_distance = definition_.options.metric == VectorMetric::l2;
  return is_distance ? -std::sqrt(std::max(0.0, -2 * similarity)) : similarity;
}

Status Recaller::run_vector(std::vector<RecallHit>& hits) {
  const bool takes_many = query_.strength_weight > 0;
  const size_t count = takes_many ? std::max(kPoolMin, 4 * limit_) : limit_;
  HOLDFAST_TRY(open_vector(count));
  search::VectorMatch match;
  for (size_t taken = 0; taken < count;) {
    HOLDFAST_ASSIGN(const bool is_more, vector_->take(match));
    if (!is_more) break;
    HOLDFAST_ASSIGN(auto observation, read_if_passes(match.id));
    if (!observation) continue;
    ++taken;
    RecallHit hit;
    hit.observation = std::move(*observation);
    hit.similarity = shown_similarity(match.similarity);
    HOLDFAST_TRY(set_score(*hit.similarity, hit));
    insert_hit(std::move(hit), limit_, hits);
  }
  return Status::ok();
}

// The best of each leg.
Status Recaller::collect(size_t count, Candidates& candidates) {
  search::TextMatch by_text;
  for (size_t taken = 0; taken < count;) {
    HOLDFAST_ASSIGN(const bool is_more, text_->take(by_text));
    if (!is_more) break;
    HOLDFAST_ASSIGN(auto observation, read_if_passes(by_text.id));
    if (!observation) continue;
    ++taken;
    candidates[by_text.id] = {std::move(*observation), {.text = by_text.score}};
  }
  search::VectorMatch match;
  for (size_t taken = 0; taken < count;) {
    HOLDFAST_ASSIGN(const bool is_more, vector_->take(match));
    if (!is_more) break;
    auto known = candidates.find(match.id);
    if (known == candidates.end()) {
      HOLDFAST_ASSIGN(const auto text_score, text_->score(match.id));
      if (!text_score) continue;  // it lacks a word that it must have
      HOLDFAST_ASSIGN(auto observation, read_if_passes(match.id));
      if (!observation) continue;
      known = candidates.insert({match.id, {std::move(*observation), {.text = *text_score}}}).first;
    }
    ++taken;
    known->second.scores.similarity = match.similarity;
  }
  return Status::ok();
}

// Of those that only the words have found, the similarity.
Status Recaller::complete(Candidates& candidates) {
  for (auto& [id, candidate] : candidates) {
    if (candidate.scores.similarity) continue;
    HOLDFAST_ASSIGN(const std::string values,
                    search::peek_vector(source_, definition_.prefix(space_id_), id));
    if (values.empty()) continue;
    if (values.size() != query_.vector->values.size() * sizeof(float)) {
      return search::malformed_index("a vector");
    }
    candidate.scores.similarity =
        vector::similarity(definition_.options.metric, query_.vector->values, values.data());
  }
  return Status::ok();
}

// Of those that have a vector, how near the nearest part of them is.
Status Recaller::compare_parts(Candidates& candidates) {
  const std::vector<float>& part = query_.vector->part;
  if (part.empty()) return Status::ok();
  for (auto& [id, candidate] : candidates) {
    if (!candidate.scores.similarity) continue;
    HOLDFAST_ASSIGN(const std::string parts,
                    search::peek_parts(source_, definition_.prefix(space_id_), id));
    if (parts.empty()) continue;
    HOLDFAST_ASSIGN(candidate.scores.part, search::nearest_part(parts, part));
  }
  return Status::ok();
}

Status Recaller::run_both(std::vector<RecallHit>& hits) {
  const size_t count = std::max(kPoolMin, 4 * limit_);
  HOLDFAST_TRY(open_text(count));
  HOLDFAST_TRY(open_vector(count));
  Candidates candidates;
  HOLDFAST_TRY(collect(count, candidates));
  HOLDFAST_TRY(complete(candidates));
  HOLDFAST_TRY(compare_parts(candidates));
  std::vector<FusionScores> scores;
  for (const auto& [id, candidate] : candidates) scores.push_back(candidate.scores);
  fuse(query_.fusion, query_.vector_weight, text_->score_max(), scores);
  // From the newest on: of equal scores it comes first.
  size_t at = scores.size();
  for (auto one = candidates.rbegin(); one != candidates.rend(); ++one) {
    const FusionScores& score = scores[--at];
    RecallHit hit;
    hit.observation = std::move(one->second.observation);
    hit.text_score = score.text;
    if (score.similarity) hit.similarity = shown_similarity(*score.similarity);
    hit.part_similarity = score.part;
    hit.text_share = score.text_share;
    hit.vector_share = score.vector_share;
    HOLDFAST_TRY(set_score(score.text_share + score.vector_share, hit));
    insert_hit(std::move(hit), limit_, hits);
  }
  for (RecallHit& hit : hits) {
    const search::DocumentId id = document_of(*Uuid::parse(hit.observation.id));
    if (query_.explain) HOLDFAST_TRY(fill_explanation(*text_, id, hit.explanation));
  }
  return Status::ok();
}

// The best by words and vector.
Status Recaller::rank(std::vector<RecallHit>& hits) {
  hits.clear();
  if (!query_.vector) return run_text(hits);
  return query_.text.empty() ? run_vector(hits) : run_both(hits);
}

// What links lead to from the best hits, and how much they add to hits.
Status Recaller::add_linked(std::vector<RecallHit>& hits) {
  const size_t ranked = hits.size();
  HOLDFAST_ASSIGN(const LinkValues values, activate_links(source_, space_id_, hits));
  std::set<std::string> known;
  for (const RecallHit& hit : hits) known.insert(hit.observation.id);
  for (const auto& [text, value] : values) {
    const std::optional<Uuid> id = Uuid::parse(text);
    if (!id || known.contains(text)) continue;
    HOLDFAST_ASSIGN(auto observation, read_observation(source_, space_id_, *id, false));
    if (!observation || observation->forgotten_us != 0 || !is_asked_for(*observation)) continue;
    if (text_) {
      HOLDFAST_ASSIGN(const auto text_score, text_->score(document_of(*id)));
      if (!text_score) continue;  // it lacks a word that it must have
    }
    hits.emplace_back().observation = std::move(*observation);
  }
  join_links(query_.link_weight, values, ranked, hits);
  return Status::ok();
}

Status Recaller::run(std::vector<RecallHit>& hits) {
  HOLDFAST_TRY(check_index(source_, space_id_));
  std::vector<RecallHit> ranked;
  for (limit_ = pool_size(query_);; limit_ *= 4) {
    HOLDFAST_TRY(rank(ranked));
    const bool is_all = ranked.size() < limit_;
    if (query_.link_weight > 0) HOLDFAST_TRY(add_linked(ranked));
    hits = choose_hits(analyzer_, query_, std::move(ranked));
    // Those that are too many of a source may have left too few.
    if (is_all || hits.size() == query_.limit) break;
  }
  const std::vector<QueryTerm> shown = text_ ? shown_terms(*text_) : std::vector<QueryTerm>();
  for (RecallHit& hit : hits) fill_snippet(analyzer_, shown, query_.snippet_size, hit);
  return Status::ok();
}

// Of a sub-space: one without the vector space that is asked has nothing to say.
Result<bool> has_what_is_searched(KeySource& source, uint32_t space_id, const RecallQuery& query) {
  if (!query.vector) return true;
  HOLDFAST_ASSIGN(const auto found, find_definition(source, space_id, query.vector->space));
  return found.has_value();
}

}  // namespace

Status recall_in(KeySource& source, uint32_t space_id, const RecallQuery& asked, int64_t now_us,
                 std::vector<RecallHit>& hits) {
  HOLDFAST_ASSIGN(const ObservationFilter filter, ObservationFilter::parse(asked.where));
  RecallQuery query = asked;
  narrow(filter, query);
  const std::optional<IdSpan> span = ids_between(query.since_us, query.until_us);
  if (!span) return Status::ok();
  return Recaller(source, space_id, query, filter, *span, now_us).run(hits);
}

Result<std::vector<RecallHit>> recall(Access& access, const RecallQuery& query) {
  HOLDFAST_TRY(check_query(query));
  HOLDFAST_TRY(ObservationFilter::parse(query.where).status());
  std::vector<RecallHit> hits;
  const int64_t now_us = access.now_us();
  if (!query.with_sub_spaces) {
    HOLDFAST_TRY(access.read([&](KeySource& source, uint32_t space_id) {
      return recall_in(source, space_id, query, now_us, hits);
    }));
    return hits;
  }
  HOLDFAST_TRY(access.read_tree(
      [&](KeySource& source, uint32_t space_id, std::string_view space_path) -> Status {
        HOLDFAST_ASSIGN(const bool is_searchable, has_what_is_searched(source, space_id, query));
        if (!is_searchable) return Status::ok();
        std::vector<RecallHit> found;
        HOLDFAST_TRY(recall_in(source, space_id, query, now_us, found));
        for (RecallHit& hit : found) {
          hit.observation.space = space_path;
          insert_hit(std::move(hit), query.limit, hits);
        }
        return Status::ok();
      }));
  return hits;
}

}  // namespace holdfast::memory
