// model_reference: holds the vectors of a model file against those that the network itself gave,
// run by TensorFlow.js over the weights as they were published.
//
// Usage: model_reference MODEL REFERENCE      lines of {"text", "pieces", "thousandths"}
// Prints the least cosine; the exit code is 1 if it is below 0.999, or a text is cut otherwise.
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "model/encoder.h"
#include "model/tokenizer.h"

namespace holdfast::model {
namespace {

constexpr double kCosineMin = 0.999;

double cosine(const std::vector<float>& a, const std::vector<int>& b) {
  double product = 0;
  double square_a = 0;
  double square_b = 0;
  for (size_t i = 0; i < a.size() && i < b.size(); ++i) {
    product += static_cast<double>(a[i]) * b[i];
    square_a += static_cast<double>(a[i]) * a[i];
    square_b += static_cast<double>(b[i]) * b[i];
  }
  return a.size() == b.size() ? product / std::sqrt(square_a * square_b) : 0;
}

int compare(const char* model_path, const char* reference_path) {
  const auto model = Model::open(os::posix_os(), model_path);
  if (!model) {
    std::fprintf(stderr, "%s\n", model.status().to_string().c_str());
    return 1;
  }
  const Tokenizer tokenizer(**model);
  std::ifstream file(reference_path);
  size_t texts = 0;
  size_t wrong = 0;
  std::vector<vector::NetworkKernels> every = vector::every_network_kernels();
  every.push_back(vector::plain_network_kernels());
  std::vector<double> least(every.size(), 1);
  for (std::string line; std::getline(file, line); ++texts) {
    const auto json = nlohmann::json::parse(line);
    const auto text = json["text"].get<std::string>();
    const auto pieces = tokenizer.pieces(text);
    if (pieces != json["pieces"].get<std::vector<uint16_t>>()) {
      std::printf("cut otherwise: %s\n", text.c_str());
      ++wrong;
    }
    for (size_t i = 0; i < every.size(); ++i) {
      const double near = cosine(Encoder(**model, every[i]).encode(pieces),
                                 json["thousandths"].get<std::vector<int>>());
      if (near < kCosineMin) {
        std::printf("%s: cosine %.6f: %s\n", every[i].name, near, text.c_str());
        ++wrong;
      }
      least[i] = std::min(least[i], near);
    }
  }
  for (size_t i = 0; i < every.size(); ++i) {
    std::printf("%s: %zu texts, least cosine %.6f\n", every[i].name, texts, least[i]);
  }
  return wrong == 0 && texts > 0 ? 0 : 1;
}

}  // namespace
}  // namespace holdfast::model

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "usage: model_reference MODEL REFERENCE\n");
    return 2;
  }
  return holdfast::model::compare(arguments[1], arguments[2]);
}
