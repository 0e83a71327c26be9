#include "cli/observation_text.h"

#include <algorithm>

#include "base/time_text.h"
#include "cli/shown_time.h"

namespace holdfast::cli {
namespace {

void set_text(Json& json, const char* name, const std::optional<std::string>& text) {
  if (text) json[name] = *text;
}

void add_fact(Facts& facts, const char* name, const std::optional<std::string>& text) {
  if (text) facts.add(name, printable(*text));
}

const char* tier_name(Tier tier) {
  switch (tier) {
    case Tier::hot:
      return "hot";
    case Tier::warm:
      return "warm";
    case Tier::cold:
      return "cold";
  }
  return "hot";
}

std::string tags_text(const Observation& observation) {
  std::string text;
  for (const std::string& tag : observation.tags) text += (text.empty() ? "" : ", ") + tag;
  return text;
}

void set_embedding(Json& json, const Observation& observation) {
  if (!observation.embedding) return;
  json["embedding"] = {{"model", observation.embedding->model},
                       {"model_version", observation.embedding->model_version},
                       {"values", observation.embedding->values}};
}

}  // namespace

Json json_of(const Observation& observation) {
  Json json;
  json["id"] = observation.id;
  if (!observation.space.empty()) json["space"] = observation.space;
  json["created"] = time_text(observation.created_us);
  set_text(json, "title", observation.title);
  json["content"] = observation.content;
  set_text(json, "source", observation.source);
  set_text(json, "kind", observation.kind);
  set_text(json, "session", observation.session);
  set_text(json, "run", observation.run);
  if (!observation.tags.empty()) json["tags"] = observation.tags;
  if (observation.metadata) {
    Json metadata = Json::parse(*observation.metadata, nullptr, /*allow_exceptions=*/false);
    json["metadata"] = metadata.is_discarded() ? Json(*observation.metadata) : metadata;
  }
  if (observation.confidence) json["confidence"] = *observation.confidence;
  if (observation.happened_us) json["happened"] = time_text(*observation.happened_us);
  if (observation.importance) json["importance"] = *observation.importance;
  if (observation.valid_from_us) json["valid_from"] = time_text(*observation.valid_from_us);
  if (observation.valid_to_us) json["valid_to"] = time_text(*observation.valid_to_us);
  if (observation.trust) json["trust"] = *observation.trust;
  if (observation.effective_trust != 1) json["effective_trust"] = observation.effective_trust;
  if (!observation.derived_from.empty()) json["derived_from"] = observation.derived_from;
  if (!observation.superseded_by.empty()) json["superseded_by"] = observation.superseded_by;
  if (observation.revision != 0) {
    json["revision"] = observation.revision;
    json["edited"] = time_text(observation.edited_us);
  }
  if (observation.forgotten_us != 0) json["forgotten"] = time_text(observation.forgotten_us);
  if (observation.tier != Tier::hot) json["tier"] = tier_name(observation.tier);
  set_text(json, "key", observation.key);
  set_text(json, "language", observation.language);
  set_embedding(json, observation);
  return json;
}

Json json_of(const Strength& strength) {
  return {{"value", strength.value()},
          {"confidence", strength.confidence},
          {"retention", strength.retention},
          {"accesses", strength.accesses},
          {"confirmations", strength.confirmations},
          {"contradictions", strength.contradictions},
          {"renewed", time_text(strength.renewed_us)}};
}

Json json_of(const ScoreTerm& term) {
  Json json = {{"term", term.term},           {"score", term.score},
               {"weight", term.weight},       {"count", term.count},
               {"length", term.length},       {"length_mean", term.length_mean},
               {"frequency", term.frequency}, {"observations", term.observations}};
  if (!term.typed.empty()) json["typed"] = term.typed;
  if (!term.related_to.empty()) json["related_to"] = term.related_to;
  return json;
}

Json json_of(size_t rank, const RecallHit& hit) {
  Json json;
  json["rank"] = rank;
  json["score"] = hit.score;
  json["id"] = hit.observation.id;
  if (!hit.observation.space.empty()) json["space"] = hit.observation.space;
  set_text(json, "title", hit.observation.title);
  set_text(json, "source", hit.observation.source);
  set_text(json, "kind", hit.observation.kind);
  json["created"] = time_text(hit.observation.created_us);
  json["snippet"] = hit.snippet;
  json["highlights"] = Json::array();
  for (const TextRange& range : hit.highlights) {
    json["highlights"].push_back(Json::array({range.begin, range.end}));
  }
  json["content"] = hit.observation.content;
  if (hit.strength || hit.similarity || hit.link_share > 0) json["text_score"] = hit.text_score;
  if (hit.similarity) {
    json["similarity"] = *hit.similarity;
    if (hit.part_similarity) json["part_similarity"] = *hit.part_similarity;
    json["text_share"] = hit.text_share;
    json["vector_share"] = hit.vector_share;
  }
  if (hit.strength) {
    json["strength"] = json_of(*hit.strength);
  }
  if (hit.link_share > 0) json["link_share"] = hit.link_share;
  if (hit.likeness > 0) json["likeness"] = hit.likeness;
  for (const ScoreTerm& one : hit.explanation) json["explanation"].push_back(json_of(one));
  return json;
}

// 20 of 32 digits: the time, the version, and 24 random bits or more.
std::string short_id(const std::string& id) {
  return id.substr(0, 23);
}

namespace {

std::string strength_text(const Strength& strength) {
  return fixed(strength.value(), 3) + ": confidence " + fixed(strength.confidence, 3) +
         ", retention " + fixed(strength.retention, 3) + "; used " +
         std::to_string(strength.accesses) + ", confirmed " +
         std::to_string(strength.confirmations) + ", contradicted " +
         std::to_string(strength.contradictions) + ", renewed " + time_text(strength.renewed_us);
}

}  // namespace

void print_observation(const Output& output, const Observation& observation,
                       const std::optional<Strength>& strength) {
  if (output.json()) {
    Json json = json_of(observation);
    if (strength) json["strength"] = json_of(*strength);
    output.print(json);
    return;
  }
  Facts facts;
  facts.add("id", observation.id);
  facts.add("created", time_text(observation.created_us));
  if (observation.happened_us) facts.add("happened", time_text(*observation.happened_us));
  add_fact(facts, "title", observation.title);
  add_fact(facts, "source", observation.source);
  add_fact(facts, "kind", observation.kind);
  add_fact(facts, "session", observation.session);
  add_fact(facts, "run", observation.run);
  if (!observation.tags.empty()) facts.add("tags", printable(tags_text(observation)));
  if (observation.confidence) facts.add("confidence", fixed(*observation.confidence, 2));
  if (observation.importance) facts.add("importance", fixed(*observation.importance, 2));
  if (observation.valid_from_us) facts.add("holds from", time_text(*observation.valid_from_us));
  if (observation.valid_to_us) facts.add("holds until", time_text(*observation.valid_to_us));
  if (observation.effective_trust != 1) facts.add("trust", fixed(observation.effective_trust, 2));
  for (const std::string& id : observation.derived_from) facts.add("derived from", id);
  if (!observation.superseded_by.empty()) facts.add("superseded by", observation.superseded_by);
  if (observation.revision != 0) {
    facts.add("edited", time_text(observation.edited_us) + ", revision " +
                            std::to_string(observation.revision));
  }
  if (observation.forgotten_us != 0) facts.add("forgotten", time_text(observation.forgotten_us));
  if (observation.tier != Tier::hot) facts.add("tier", tier_name(observation.tier));
  if (strength) facts.add("strength", strength_text(*strength));
  add_fact(facts, "metadata", observation.metadata);
  add_fact(facts, "key", observation.key);
  add_fact(facts, "language", observation.language);
  if (observation.embedding) {
    facts.add("embedding", std::to_string(observation.embedding->values.size()) + " values of " +
                               printable(observation.embedding->model));
  }
  facts.print(output);
  output.line("");
  output.line(output.terminal() ? printable(observation.content, true) : observation.content);
}

std::string explained(const ScoreTerm& one) {
  const std::string read =
      one.typed.empty() ? "" : "unknown word " + one_line(one.typed, 40) + ", read as ";
  const std::string related =
      one.related_to.empty() ? "" : " (related to " + one_line(one.related_to, 40) + ")";
  return fixed(one.score, 3) + "  " + read + one_line(one.term, 40) + related + ": " +
         std::to_string(one.count) + " in a length of " + std::to_string(one.length) + " (mean " +
         fixed(one.length_mean, 1) + "), in " + std::to_string(one.frequency) + " of " +
         std::to_string(one.observations) + ", weight " + fixed(one.weight, 2);
}

void print_hit(const Output& output, size_t rank, const RecallHit& hit) {
  if (output.json()) {
    output.print(json_of(rank, hit));
    return;
  }
  const Observation& observation = hit.observation;
  std::string title = one_line(observation.title.value_or(observation.source.value_or("")), 70);
  if (title.empty()) title = shown_time(observation.created_us);
  std::string number = std::to_string(rank);
  std::string head = std::string(number.size() < 2 ? 2 - number.size() : 0, ' ') + number + "  ";
  output.line(head + output.bold(title) + "  " + output.dim(fixed(hit.score, 2)));
  output.line("    " + highlighted(output, hit));
  for (const ScoreTerm& one : hit.explanation) output.line("    " + output.dim(explained(one)));
  if (hit.similarity && !hit.explanation.empty()) {
    const std::string of_part =
        hit.part_similarity ? ", of its nearest part " + fixed(*hit.part_similarity, 3) : "";
    output.line("    " + output.dim(fixed(hit.text_share, 3) + " for the words, " +
                                    fixed(hit.vector_share, 3) + " for a similarity of " +
                                    fixed(*hit.similarity, 3) + of_part));
  }
  if (hit.link_share > 0 && !hit.explanation.empty()) {
    output.line("    " + output.dim(fixed(hit.link_share, 3) + " for links from the best hits"));
  }
  if (hit.likeness > 0 && !hit.explanation.empty()) {
    output.line("    " + output.dim(fixed(hit.likeness, 3) + " alike to a better hit"));
  }
  if (hit.strength && !hit.explanation.empty()) {
    output.line("    " + output.dim(fixed(hit.text_score, 3) + " by words, strength " +
                                    strength_text(*hit.strength)));
  }
  std::string origin = observation.id;
  if (!observation.space.empty()) origin += "  " + one_line(observation.space, 70);
  if (observation.source) origin += "  " + one_line(*observation.source, 70);
  output.line("    " + output.dim(origin));
}

std::string highlighted(const Output& output, const RecallHit& hit) {
  std::string text;
  size_t at = 0;
  for (const TextRange& range : hit.highlights) {
    if (range.begin < at || range.end > hit.snippet.size() || range.begin > range.end) break;
    text += hit.snippet.substr(at, range.begin - at);
    text += output.highlight(hit.snippet.substr(range.begin, range.end - range.begin));
    at = range.end;
  }
  text += hit.snippet.substr(at);
  auto both_spaces = [](char a, char b) { return a == ' ' && b == ' '; };
  text.erase(std::unique(text.begin(), text.end(), both_spaces), text.end());
  if (!text.empty() && text[0] == ' ') text.erase(0, 1);
  return text;
}

}  // namespace holdfast::cli
