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
    std::vector<Values> all(texts.size());
    if (hashing_) {
      HOLDFAST_ASSIGN(all, hashing_->embed(texts));
    }
    for (size_t i = 0; i < texts.size(); ++i) {
      Values meaning = meaning_of(texts[i]);
      if (hashing_) {
        scale_to(std::sqrt(kWordsShare), all[i]);
        scale_to(std::sqrt(1 - kWordsShare), meaning);
      }
      all[i].insert(all[i].end(), meaning.begin(), meaning.end());
    }
    return all;
  }

  Result<std::vector<std::vector<Values>>> embed_parts(
      std::span<const std::string> texts) override {
    std::vector<std::vector<Values>> all;
    for (const std::string& text : texts) {
      std::vector<Values>& parts = all.emplace_back();
      for (const std::string_view sentence : embed::sentences_of(text, kVectorPartsMax)) {
        parts.push_back(meaning_of(sentence));
      }
    }
    return all;
  }

  Result<Values> embed_question(const std::string& question) override {
    return meaning_of(question);
  }

 private:
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
