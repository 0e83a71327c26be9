#include <algorithm>
#include <cmath>

#include "base/utf8.h"
#include "embed/sentences.h"
#include "holdfast/embedder.h"
#include "model/convert.h"
#include "model/encoder.h"
#include "model/tokenizer.h"
#include "os/os.h"

namespace holdfast {
namespace {

// No model reads more pieces than such a beginning has, but for pieces of very many bytes.
constexpr size_t kTextSizeMax = 8192;  // bytes
// Of the similarity of joined vectors: the share of the words, the rest being that of the meaning.
constexpr double kWordsShare = 0.5;

void scale_to(double length, std::vector<float>& values) {
  double square = 0;
  for (const float value : values) square += static_cast<double>(value) * value;
  const auto scale = static_cast<float>(length / std::sqrt(std::max(square, 1e-20)));
  for (float& value : values) value *= scale;
}

class SentenceEmbedder final : public Embedder {
 public:
  SentenceEmbedder(std::unique_ptr<model::Model> model, std::unique_ptr<Embedder> hashing)
      : sentence_(std::move(model)),
        hashing_(std::move(hashing)),
        tokenizer_(*sentence_),
        encoder_(*sentence_),
        model_(hashing_ ? std::string(hashing_->model()) + "+" + sentence_->name()
                        : sentence_->name()),
        version_(hashing_ ? std::string(hashing_->model_version()) + "+" + sentence_->version()
                          : sentence_->version()) {}

  std::string_view model() const override { return model_; }
  std::string_view model_version() const override { return version_; }
  Result<uint32_t> dimension() override {
    if (!hashing_) return sentence_->shape().hidden;
    HOLDFAST_ASSIGN(const uint32_t words, hashing_->dimension());
    return words + sentence_->shape().hidden;
  }
  double vector_weight() const override { return 0.35; }

  Result<std::vector<Values>> embed(std::span<const std::string> texts) override {
    std::vector<Values> all;
    for (const std::string& text : texts) {
      HOLDFAST_ASSIGN(all.emplace_back(), whole_of(text, meaning_of(text)));
    }
    return all;
  }

  Result<std::vector<WithParts>> embed_with_parts(std::span<const std::string> texts) override {
    std::vector<WithParts> all;
    for (const std::string& text : texts) {
      WithParts& one = all.emplace_back();
      const Values meaning = meaning_of(text);
      HOLDFAST_ASSIGN(one.values, whole_of(text, meaning));
      for (const std::string_view sentence : embed::sentences_of(text, kVectorPartsMax)) {
        one.parts.push_back(sentence == text ? meaning : meaning_of(sentence));
      }
    }
    return all;
  }

  Result<Question> embed_question(const std::string& question) override {
    Question asked;
    asked.part = meaning_of(question);
    HOLDFAST_ASSIGN(asked.values, whole_of(question, asked.part));
    return asked;
  }

 private:
  // The words of the text, where they are joined, before its meaning.
  Result<Values> whole_of(const std::string& text, Values meaning) {
    if (!hashing_) return meaning;
    HOLDFAST_ASSIGN(auto words, hashing_->embed({&text, 1}));
    Values whole = std::move(words[0]);
    scale_to(std::sqrt(kWordsShare), whole);
    scale_to(std::sqrt(1 - kWordsShare), meaning);
    whole.insert(whole.end(), meaning.begin(), meaning.end());
    return whole;
  }
  Values meaning_of(std::string_view text) {
    return encoder_.encode(tokenizer_.pieces(utf8_prefix(text, kTextSizeMax)));
  }

  const std::unique_ptr<model::Model> sentence_;
  const std::unique_ptr<Embedder> hashing_;  // nullptr: none
  const model::Tokenizer tokenizer_;
  model::Encoder encoder_;
  const std::string model_, version_;
};

}  // namespace

Result<std::unique_ptr<Embedder>> sentence_embedder(const std::string& file,
                                                    SentenceVectors vectors) {
  HOLDFAST_ASSIGN(auto model, model::Model::open(os::posix_os(), file));
  auto hashing = vectors == SentenceVectors::kJoined ? hashing_embedder() : nullptr;
  return std::unique_ptr<Embedder>(
      std::make_unique<SentenceEmbedder>(std::move(model), std::move(hashing)));
}

Result<std::string> make_sentence_model(
    const std::map<std::string, std::string, std::less<>>& files) {
  return model::convert_package(files);
}

}  // namespace holdfast
