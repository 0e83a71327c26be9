#include "bench/engine.h"
#include "bench/text/subjects.h"
#include "holdfast/holdfast.h"
#include "memory/catalog.h"
#include "memory/keys.h"
#include "memory/observation_store.h"
#include "memory/recall.h"
#include "search/store_keyspace.h"
#include "search/text_index.h"
#include "search/text_languages.h"

namespace holdfast::bench {
namespace {

std::string text_of(const Query& query) {
  if (query.form == Query::Form::kPrefix) return query.words[0] + "*";
  const char* const by = query.form == Query::Form::kAll ? " AND " : " ";
  std::string text;
  for (const std::string& word : query.words) text += (text.empty() ? "" : by) + word;
  return query.form == Query::Form::kPhrase ? "\"" + text + "\"" : text;
}

class HoldfastSubject final : public Subject {
 public:
  explicit HoldfastSubject(const std::string& folder)
      : store_(*Store::open(folder)), space_(*store_.space("texts")) {}
  const char* name() const override { return "holdfast"; }
  void write(std::span<const std::string> texts) override {
    std::vector<NewObservation> observations(texts.size());
    for (size_t i = 0; i < texts.size(); ++i) observations[i].content = texts[i];
    const auto added = space_.observations().add_all(observations);
    require(added.is_ok(), "cannot add");
  }
  size_t find(const Query& query) override {
    const auto hits =
        space_.recall({.text = text_of(query), .limit = kHits, .as_typed = query.is_as_typed});
    require(hits.is_ok(), "cannot recall");
    return hits->size();
  }
  size_t rank(const Query& query) override {
    auto snapshot = store_.snapshot();
    require(snapshot.is_ok(), "cannot take a snapshot");
    search::ReaderSource source(*snapshot);
    const auto id = memory::find_space(source, {"texts"});
    require(id.is_ok() && *id, "cannot find the space");
    const std::string prefix = memory::space_prefix(memory::KeyKind::kTextIndex, **id);
    const auto languages = search::live_languages(source, prefix);
    require(languages.is_ok(), "cannot read the languages");
    search::TextQuery text =
        search::parse_query(analyzer_, text_of(query), *languages, !query.is_as_typed);
    text.reads_misspelt = !query.is_as_typed;
    // Who has a phrase only the texts say, for certain.
    const std::vector<search::Phrase> phrases = text.phrases;
    const size_t more = phrases.empty() ? 0 : 50;
    auto ranking = search::Ranking::open(source, prefix, std::move(text), kHits + more);
    require(ranking.is_ok(), "cannot rank");
    size_t count = 0;
    search::TextMatch match;
    while (count < kHits) {
      const auto is_one = ranking->take(match);
      require(is_one.is_ok(), "cannot take a match");
      if (!*is_one) break;
      if (phrases.empty() || has_phrases(source, **id, phrases, match.id)) ++count;
    }
    return count;
  }

 private:
  bool has_phrases(search::KeySource& source, uint32_t space,
                   const std::vector<search::Phrase>& phrases, const search::DocumentId& id) {
    const auto observation = memory::read_observation(source, space, Uuid{id}, false);
    require(observation.is_ok() && *observation, "cannot read a text");
    return memory::has_phrases(analyzer_, phrases, **observation);
  }

  Store store_;
  Space space_;
  search::Analyzer analyzer_;
};

}  // namespace

std::unique_ptr<Subject> holdfast_subject(const std::string& folder) {
  return std::make_unique<HoldfastSubject>(folder);
}

}  // namespace holdfast::bench
