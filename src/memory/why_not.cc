#include <algorithm>

#include "base/time_text.h"
#include "holdfast/filter.h"
#include "memory/keys.h"
#include "memory/observation_store.h"
#include "memory/recall.h"
#include "memory/vector_spaces.h"

namespace holdfast::memory {
namespace {

using search::KeySource;

std::string number_text(double number) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4g", number);
  return text;
}

// One question, at one view of a space.
class Examiner {
 public:
  Examiner(KeySource& source, uint32_t space_id, const RecallQuery& query, int64_t now_us)
      : source_(source), space_id_(space_id), query_(query), now_us_(now_us) {}

  Status run(const Uuid& id);
  RecallVerdict take() { return std::move(verdict_); }

 private:
  bool decide(RecallReason reason, std::string message) {
    verdict_.reason = reason;
    verdict_.message = std::move(message);
    return true;
  }
  Result<bool> is_out_by_itself(const Uuid& id, const Observation& observation);
  Result<bool> is_out_by_words(const Uuid& id, const Observation& observation);
  Result<bool> has_vector(const Uuid& id);
  Status compare(const std::string& id);

  KeySource& source_;
  const uint32_t space_id_;
  const RecallQuery& query_;
  const int64_t now_us_;
  RecallVerdict verdict_;
};

// True: that is why.
Result<bool> Examiner::is_out_by_itself(const Uuid& id, const Observation& observation) {
  if (observation.forgotten_us != 0) {
    return decide(RecallReason::forgotten, "it was forgotten at " +
                                               time_text(observation.forgotten_us) +
                                               "; restore it, and it is found again");
  }
  HOLDFAST_ASSIGN(const ObservationFilter filter, ObservationFilter::parse(query_.where));
  const char* failed = failed_filter(observation, query_, query_.as_of_us.value_or(now_us_));
  if (failed == nullptr && !filter.passes(observation)) failed = "where";
  if (failed != nullptr) {
    const std::string name(failed);
    return decide(RecallReason::filtered,
                  name == "as_of" ? "it does not hold at the time that is asked for"
                                  : "the filter `" + name + "` does not let it through");
  }
  if (!query_.text.empty()) return is_out_by_words(id, observation);
  HOLDFAST_ASSIGN(const bool is_comparable, has_vector(id));
  if (is_comparable) return false;
  return decide(RecallReason::no_vector, "it has no vector in vector space \"" +
                                             query_.vector->space +
                                             "\", and nothing else was asked for; embed it");
}

Result<bool> Examiner::has_vector(const Uuid& id) {
  if (!query_.vector) return false;
  HOLDFAST_ASSIGN(const auto embedding,
                  read_embedding(source_, space_id_, query_.vector->space, id));
  return embedding.has_value();
}

Result<bool> Examiner::is_out_by_words(const Uuid& id, const Observation& observation) {
  search::Analyzer analyzer;
  HOLDFAST_ASSIGN(search::TextQuery text, parse_text(analyzer, source_, space_id_, query_));
  const auto phrases = text.phrases;
  HOLDFAST_ASSIGN(auto ranking,
                  search::Ranking::open(source_, space_prefix(KeyKind::kTextIndex, space_id_),
                                        std::move(text), 1));
  HOLDFAST_ASSIGN(const auto score, ranking.score(document_of(id)));
  if (!score) {
    return decide(RecallReason::word_condition,
                  "a word that must occur (+word, AND, a phrase) is not in it, or one is that must "
                  "not (-word, NOT)");
  }
  if (!has_phrases(analyzer, phrases, observation)) {
    return decide(RecallReason::word_condition,
                  "it has the words of a phrase, but not one after the other, or it has the phrase "
                  "that it must not have");
  }
  HOLDFAST_TRY(fill_explanation(ranking, document_of(id), verdict_.explanation));
  if (*score > 0 || query_.link_weight > 0) return false;
  HOLDFAST_ASSIGN(const bool is_comparable, has_vector(id));
  if (is_comparable) return false;
  std::string words;
  for (const search::QueryTerm& term : ranking.terms()) {
    if (term.weight > 0) words += (words.empty() ? "" : ", ") + term.term;
  }
  return decide(RecallReason::no_common_word,
                words.empty() ? "the query has no word to search for"
                              : "it has none of the words, as they are indexed: " + words);
}

// Others are better, or it is found.
Status Examiner::compare(const std::string& id) {
  const auto place_in = [&](const std::vector<RecallHit>& hits) {
    const auto at = std::find_if(hits.begin(), hits.end(),
                                 [&](const RecallHit& hit) { return hit.observation.id == id; });
    return static_cast<size_t>(at - hits.begin());
  };
  std::vector<RecallHit> returned;
  HOLDFAST_TRY(recall_in(source_, space_id_, query_, now_us_, returned));
  RecallQuery wide = query_;
  wide.limit = kRecallLimitMax;
  wide.variety = 0;
  wide.per_source_max = wide.per_session_max = 0;
  std::vector<RecallHit> ranked;
  HOLDFAST_TRY(recall_in(source_, space_id_, wide, now_us_, ranked));
  const size_t place = place_in(ranked);
  if (place < ranked.size()) {
    verdict_.place = place + 1;
    verdict_.score = ranked[place].score;
  }
  if (!ranked.empty())
    verdict_.last_score = ranked[std::min(query_.limit, ranked.size()) - 1].score;
  const std::string where = verdict_.place
                                ? "place " + std::to_string(*verdict_.place) + " with a score of " +
                                      number_text(*verdict_.score)
                                : "a place behind the first " + std::to_string(kRecallLimitMax);
  if (place_in(returned) < returned.size()) {
    decide(RecallReason::found, "it is found: it has " + where);
  } else if (verdict_.place && *verdict_.place <= query_.limit) {
    decide(RecallReason::crowded_out,
           "it has " + where +
               ", but is left out for variety, or because its source or session "
               "has as many hits as are allowed");
  } else {
    decide(RecallReason::outranked, "it has " + where + "; place " + std::to_string(query_.limit) +
                                        ", the last that is "
                                        "returned, has " +
                                        number_text(verdict_.last_score));
  }
  return Status::ok();
}

Status Examiner::run(const Uuid& id) {
  HOLDFAST_ASSIGN(const auto observation, read_observation(source_, space_id_, id, false));
  if (!observation) {
    decide(RecallReason::not_in_space,
           "there is no such observation in this space: it was removed, "
           "or never added here");
    return Status::ok();
  }
  HOLDFAST_ASSIGN(const bool is_out, is_out_by_itself(id, *observation));
  return is_out ? Status::ok() : compare(id.to_text());
}

}  // namespace

Result<RecallVerdict> why_not(Access& access, const RecallQuery& query, std::string_view id) {
  HOLDFAST_TRY(check_query(query));
  HOLDFAST_TRY(parse_id_prefix(id).status());
  RecallVerdict verdict;
  verdict.reason = RecallReason::not_in_space;
  verdict.message = "there is no such space";
  const int64_t now_us = access.now_us();
  HOLDFAST_TRY(access.read([&](KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(const Uuid named, resolve_id(source, space_id, id, access.space_path()));
    Examiner examiner(source, space_id, query, now_us);
    HOLDFAST_TRY(examiner.run(named));
    verdict = examiner.take();
    return Status::ok();
  }));
  return verdict;
}

}  // namespace holdfast::memory
