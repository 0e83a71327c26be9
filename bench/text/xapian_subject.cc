#include "bench/engine.h"
#include "bench/text/subjects.h"

#if defined(HOLDFAST_BENCH_WITH_XAPIAN)
#include <xapian.h>
#endif

namespace holdfast::bench {

#if defined(HOLDFAST_BENCH_WITH_XAPIAN)
namespace {

class XapianSubject final : public Subject {
 public:
  explicit XapianSubject(const std::string& folder)
      : folder_(folder + "/texts"), database_(folder_, Xapian::DB_CREATE_OR_OPEN) {
    terms_.set_stemmer(stem_);
    terms_.set_stemming_strategy(Xapian::TermGenerator::STEM_ALL);
    parser_.set_stemmer(stem_);
    parser_.set_stemming_strategy(Xapian::QueryParser::STEM_ALL);
  }
  const char* name() const override { return "xapian"; }
  void write(std::span<const std::string> texts) override {
    for (const std::string& text : texts) {
      Xapian::Document document;
      document.set_data(text);
      terms_.set_document(document);
      terms_.index_text(text);
      database_.add_document(document);
    }
    database_.commit();
  }
  size_t find(const Query& query) override {
    size_t count = 0;
    const Xapian::MSet found = best(query);
    for (auto at = found.begin(); at != found.end(); ++at) {
      const std::string text = at.get_document().get_data();
      const std::string snippet = found.snippet(text, 160, stem_, 0, "[", "]");
      count += !text.empty() && !snippet.empty();
    }
    return count;
  }
  size_t rank(const Query& query) override {
    size_t count = 0;
    const Xapian::MSet found = best(query);
    for (auto at = found.begin(); at != found.end(); ++at) count += *at > 0;
    return count;
  }

 private:
  Xapian::MSet best(const Query& query) {
    if (!reader_) reader_ = std::make_unique<Xapian::Database>(folder_);
    parser_.set_database(*reader_);
    Xapian::Enquire enquire(*reader_);
    enquire.set_query(query_of(query));
    return enquire.get_mset(0, kHits);
  }
  Xapian::Query query_of(const Query& query) {
    if (query.form == Query::Form::kPrefix) {
      return parser_.parse_query(query.words[0] + "*", Xapian::QueryParser::FLAG_WILDCARD);
    }
    if (query.form == Query::Form::kPhrase) {
      // As parse_query would with STEM_SOME; stemmed as the others are.
      std::vector<std::string> stems;
      for (const std::string& word : query.words) stems.push_back(stem_(word));
      return {Xapian::Query::OP_PHRASE, stems.begin(), stems.end()};
    }
    const auto by = query.form == Query::Form::kAll ? Xapian::Query::OP_AND : Xapian::Query::OP_OR;
    std::vector<std::string> stems;
    for (const std::string& word : query.words) stems.push_back(stem_(word));
    return {by, stems.begin(), stems.end()};
  }

  const std::string folder_;
  Xapian::WritableDatabase database_;
  std::unique_ptr<Xapian::Database> reader_;  // opened after writing
  Xapian::Stem stem_{"english"};
  Xapian::TermGenerator terms_;
  Xapian::QueryParser parser_;
};

}  // namespace

std::unique_ptr<Subject> xapian_subject(const std::string& folder) {
  return std::make_unique<XapianSubject>(folder);
}
#else
std::unique_ptr<Subject> xapian_subject(const std::string&) {
  return nullptr;
}
#endif

}  // namespace holdfast::bench
