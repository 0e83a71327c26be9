#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <vector>

#include "base/utf8.h"
#include "holdfast/embedder.h"
#include "search/analysis.h"
#include "search/text_record.h"

namespace holdfast {
namespace {

using search::Token;
using search::TokenKind;

constexpr uint32_t kDimension = 768;
constexpr size_t kProbes = 2;  // numbers that a feature is added to: fewer collide in both
constexpr float kStopWeight = 0.1f;
constexpr float kPiecesWeight = 0.6f;  // of all pieces of a word together, beside the word's 1
constexpr size_t kPieceSizeMin = 3;    // characters
constexpr size_t kPieceSizeMax = 5;

// Words that say little of what a text is about; nothing else is known of how often words occur.
constexpr std::string_view kStopWords =
    "a about after all also am an and any are as at be because been before being but by can could "
    "did do does done for from get had has have he her him his how i if in into is it its just "
    "like may me more most my no not now of on one only or other our out over she should so some "
    "such than that the their them then there these they this those to up us use was we were what "
    "when where which while who why will with would you your";

struct Feature {
  uint64_t hash = 0;
  float weight = 0;  // the more, the oftener it occurs
};

// Different features of the same bytes.
enum class FeatureKind : char { kTerm = 't', kPiece = 'p' };

uint64_t hash_of(FeatureKind kind, std::string_view text) {
  return search::hash_term_64(std::string(1, static_cast<char>(kind)).append(text));
}

float weight_of(TokenKind kind) {
  if (kind == TokenKind::kPart) return 0.5f;
  return kind == TokenKind::kCharacter ? 0.25f : 1.0f;
}

// splitmix64's end.
uint64_t mixed(uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
  value = (value ^ value >> 27) * 0x94d049bb133111eb;
  return value ^ value >> 31;
}

class HashingEmbedder final : public Embedder {
 public:
  HashingEmbedder() {
    analyzer_.analyze(kStopWords, [&](const Token& token) {
      stop_terms_.emplace(token.term);
      return true;
    });
  }

  std::string_view model() const override { return kHashingModel; }
  std::string_view model_version() const override { return "1"; }
  Result<uint32_t> dimension() override { return kDimension; }
  double vector_weight() const override { return 0.2; }
  Result<std::vector<Values>> embed(std::span<const std::string> texts) override {
    std::vector<Values> all;
    for (const std::string& text : texts) all.push_back(embed_one(text));
    return all;
  }

 private:
  Values embed_one(std::string_view text);
  void add_token(const Token& token);
  void add_pieces(std::string_view term, float weight);

  search::Analyzer analyzer_;
  std::unordered_set<std::string> stop_terms_;
  std::vector<Feature> features_;
};

// Runs of 3 to 5 characters of the word and of a mark before and behind it.
void HashingEmbedder::add_pieces(std::string_view term, float weight) {
  const std::string marked = "<" + std::string(term) + ">";
  std::vector<size_t> begins;
  for (size_t i = 0; i < marked.size(); ++i) {
    if ((static_cast<unsigned char>(marked[i]) & 0xc0) != 0x80) begins.push_back(i);
  }
  begins.push_back(marked.size());
  const size_t count = begins.size() - 1;
  if (count < kPieceSizeMin + 2) return;  // such a word is a piece itself
  std::vector<std::string_view> pieces;
  for (size_t size = kPieceSizeMin; size <= kPieceSizeMax; ++size) {
    for (size_t i = 0; i + size <= count; ++i) {
      pieces.push_back(std::string_view(marked).substr(begins[i], begins[i + size] - begins[i]));
    }
  }
  const float each = weight * kPiecesWeight / std::sqrt(static_cast<float>(pieces.size()));
  for (const std::string_view piece : pieces) {
    features_.push_back({hash_of(FeatureKind::kPiece, piece), each});
  }
}

void HashingEmbedder::add_token(const Token& token) {
  const bool is_stop = stop_terms_.contains(std::string(token.term));
  const float weight = weight_of(token.kind) * (is_stop ? kStopWeight : 1);
  features_.push_back({hash_of(FeatureKind::kTerm, token.term), weight});
  if (!is_stop && (token.kind == TokenKind::kWord || token.kind == TokenKind::kPart)) {
    add_pieces(token.term, weight);
  }
}

Embedder::Values HashingEmbedder::embed_one(std::string_view text) {
  features_.clear();
  analyzer_.analyze(text, [&](const Token& token) {
    add_token(token);
    return true;
  });
  // A text without words is like others without.
  if (features_.empty()) features_.push_back({hash_of(FeatureKind::kTerm, ""), 1});
  std::sort(features_.begin(), features_.end(), [](const Feature& a, const Feature& b) {
    return a.hash != b.hash ? a.hash < b.hash : a.weight > b.weight;
  });
  Values values(kDimension);
  for (size_t i = 0; i < features_.size();) {
    size_t end = i;
    while (end < features_.size() && features_[end].hash == features_[i].hash) ++end;
    const float weight = features_[i].weight * (1 + std::log(static_cast<float>(end - i)));
    uint64_t place = features_[i].hash;
    for (size_t probe = 0; probe < kProbes; ++probe) {
      place = mixed(place);
      values[(place >> 1) % kDimension] += (place & 1) != 0 ? weight : -weight;
    }
    i = end;
  }
  double square = 0;
  for (const float value : values) square += static_cast<double>(value) * value;
  if (square == 0) values[0] = 1;  // all has cancelled out
  const auto scale = static_cast<float>(square == 0 ? 1 : 1 / std::sqrt(square));
  for (float& value : values) value *= scale;
  return values;
}

}  // namespace

std::unique_ptr<Embedder> hashing_embedder() {
  return std::make_unique<HashingEmbedder>();
}

}  // namespace holdfast
