#include "memory/recall_choice.h"

#include <algorithm>

#include "memory/graph.h"
#include "memory/link_rows.h"
#include "memory/observation_store.h"
#include "search/text_record.h"

namespace holdfast::memory {
namespace {

constexpr size_t kChoicesMin = 48;
constexpr size_t kSeeds = 10;

bool has_limits(const RecallQuery& query) {
  return query.per_source_max > 0 || query.per_session_max > 0;
}

// Each score as a share of the best, above the worst where that is negative, as a distance is.
std::vector<double> relevances(const std::vector<RecallHit>& hits, size_t ranked) {
  double least = 0;
  double greatest = 0;
  for (size_t i = 0; i < ranked; ++i) {
    greatest = i == 0 ? hits[i].score : std::max(greatest, hits[i].score);
    least = std::min(least, hits[i].score);
  }
  std::vector<double> shares(hits.size());
  for (size_t i = 0; i < ranked; ++i) {
    shares[i] = greatest > least ? (hits[i].score - least) / (greatest - least) : 1;
  }
  return shares;
}

// The words of an observation as hashes, ascending.
using Words = std::vector<uint64_t>;

Words words_of(search::Analyzer& analyzer, const Observation& observation) {
  Words words;
  const auto add = [&](const search::Token& token) {
    words.push_back(search::hash_term_64(token.term));
    return true;
  };
  analyzer.set_language(language_of(observation));
  analyzer.analyze(observation.content, add);
  if (observation.title) analyzer.analyze(*observation.title, add);
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return words;
}

// Jaccard.
double likeness(const Words& a, const Words& b) {
  size_t common = 0;
  for (auto x = a.begin(), y = b.begin(); x != a.end() && y != b.end();) {
    if (*x == *y) ++common;
    *x < *y ? ++x : *y < *x ? ++y : (++x, ++y);
  }
  const size_t all = a.size() + b.size() - common;
  return all == 0 ? 0 : static_cast<double>(common) / static_cast<double>(all);
}

class Chooser {
 public:
  Chooser(search::Analyzer& analyzer, const RecallQuery& query, std::vector<RecallHit> hits)
      : query_(query), hits_(std::move(hits)), relevances_(relevances(hits_, hits_.size())) {
    for (const RecallHit& hit : hits_) {
      words_.push_back(query.variety > 0 ? words_of(analyzer, hit.observation) : Words());
    }
    is_taken_.resize(hits_.size());
  }

  std::vector<RecallHit> run() {
    std::vector<RecallHit> chosen;
    while (chosen.size() < query_.limit) {
      const size_t at = next();
      if (at == hits_.size()) break;
      is_taken_[at] = true;
      count(hits_[at].observation);
      for (size_t i = 0; i < hits_.size() && query_.variety > 0; ++i) {
        if (is_taken_[i]) continue;
        hits_[i].likeness = std::max(hits_[i].likeness, likeness(words_[i], words_[at]));
      }
      chosen.push_back(std::move(hits_[at]));
    }
    return chosen;
  }

 private:
  static bool is_full(const std::map<std::string, size_t>& counts,
                      const std::optional<std::string>& label, size_t most) {
    if (most == 0 || !label) return false;
    const auto known = counts.find(*label);
    return known != counts.end() && known->second >= most;
  }
  // The best that is left; hits_.size(): none.
  size_t next() const {
    size_t best = hits_.size();
    double best_value = 0;
    for (size_t i = 0; i < hits_.size(); ++i) {
      if (is_taken_[i]) continue;
      const Observation& observation = hits_[i].observation;
      if (is_full(sources_, observation.source, query_.per_source_max)) continue;
      if (is_full(sessions_, observation.session, query_.per_session_max)) continue;
      const double value =
          (1 - query_.variety) * relevances_[i] - query_.variety * hits_[i].likeness;
      if (best != hits_.size() && value <= best_value) continue;
      best = i;
      best_value = value;
    }
    return best;
  }
  void count(const Observation& observation) {
    if (observation.source) ++sources_[*observation.source];
    if (observation.session) ++sessions_[*observation.session];
  }

  const RecallQuery& query_;
  std::vector<RecallHit> hits_;
  const std::vector<double> relevances_;
  std::vector<Words> words_;
  std::vector<bool> is_taken_;
  std::map<std::string, size_t> sources_;
  std::map<std::string, size_t> sessions_;
};

}  // namespace

size_t pool_size(const RecallQuery& query) {
  const bool is_chosen = query.variety > 0 || query.link_weight > 0 || has_limits(query);
  return is_chosen ? std::max(kChoicesMin, 4 * query.limit) : query.limit;
}

Result<LinkValues> activate_links(search::KeySource& source, uint32_t space_id,
                                  const std::vector<RecallHit>& hits) {
  LinkValues values;
  const std::vector<double> shares = relevances(hits, hits.size());
  std::vector<Activation> seeds;
  for (size_t i = 0; i < hits.size() && i < kSeeds; ++i) {
    if (shares[i] > 0) seeds.push_back({link_end(hits[i].observation.id), shares[i]});
  }
  if (seeds.empty()) return values;
  SpreadOptions options;
  options.steps = 2;
  options.with_seeds = true;  // the best may belong to each other
  options.prefix = kObservationEnd;
  options.limit = 4 * kChoicesMin;
  HOLDFAST_ASSIGN(const auto activations, spread_activation(source, space_id, seeds, options));
  for (const Activation& one : activations) {
    values[one.end.substr(kObservationEnd.size())] = one.value;
  }
  for (const Activation& seed : seeds) {
    values[seed.end.substr(kObservationEnd.size())] -= seed.value;
  }
  return values;
}

void join_links(double link_weight, const LinkValues& values, size_t ranked,
                std::vector<RecallHit>& hits) {
  double greatest = 0;
  for (const auto& [id, value] : values) greatest = std::max(greatest, value);
  const std::vector<double> shares = relevances(hits, ranked);
  for (size_t i = 0; i < hits.size(); ++i) {
    RecallHit& hit = hits[i];
    const auto value = values.find(hit.observation.id);
    // What is left of a seed's own value is rounding.
    if (value != values.end() && value->second > 1e-12) {
      hit.link_share = link_weight * value->second / greatest;
    }
    hit.score = (1 - link_weight) * shares[i] + hit.link_share;
  }
  std::sort(hits.begin(), hits.end(), [](const RecallHit& a, const RecallHit& b) {
    return a.score != b.score ? a.score > b.score : a.observation.id > b.observation.id;
  });
}

std::vector<RecallHit> choose_hits(search::Analyzer& analyzer, const RecallQuery& query,
                                   std::vector<RecallHit> hits) {
  if (query.variety > 0 || has_limits(query)) {
    return Chooser(analyzer, query, std::move(hits)).run();
  }
  if (hits.size() > query.limit) hits.resize(query.limit);
  return hits;
}

}  // namespace holdfast::memory
