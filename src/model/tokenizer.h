// Tokenizer: cuts a text into the pieces of a model, so that the product of their probabilities is
// the greatest.
//
// Text is normalised (NFKC) first, every run of spaces and control characters is one space, and a
// space stands before the first word. Pieces write it as U+2581.
//
// Who: model/ and embed/. Thread-safety: const; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/model.h"

namespace holdfast::model {

class Tokenizer {
 public:
  // `model` must outlive it.
  explicit Tokenizer(const Model& model) : model_(model) {}

  // What no piece begins with is piece 0, once for each run of it.
  std::vector<uint16_t> pieces(std::string_view text) const;
  // What is cut, for tests.
  static std::string normalized(std::string_view text);

 private:
  const Model& model_;
};

}  // namespace holdfast::model
