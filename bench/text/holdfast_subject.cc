#include "bench/engine.h"
#include "bench/text/subjects.h"
#include "holdfast/holdfast.h"

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
    const auto hits = space_.recall({.text = text_of(query), .limit = kHits});
    require(hits.is_ok(), "cannot recall");
    return hits->size();
  }

 private:
  Store store_;
  Space space_;
};

}  // namespace

std::unique_ptr<Subject> holdfast_subject(const std::string& folder) {
  return std::make_unique<HoldfastSubject>(folder);
}

}  // namespace holdfast::bench
