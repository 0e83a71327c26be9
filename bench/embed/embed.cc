// holdfast_embed: how long the sentence model takes, on one core.
//
// Usage: holdfast_embed MODEL      (the file that `holdfast model install` makes)
// Opening it, which reads all of it once for its checksum; cutting a text into pieces; and the
// vector of so many pieces by each instruction set that the machine has. And how long recall takes
// to find the nearest sentence of each of its candidates. Medians, microseconds.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <random>
#include <vector>

#include "bench/engine.h"
#include "bench/table.h"
#include "model/encoder.h"
#include "model/tokenizer.h"
#include "search/vector_parts.h"

namespace holdfast::bench {
namespace {

constexpr size_t kTimes = 101;
constexpr std::string_view kText =
    "The deployment to the staging cluster was rolled back because the readiness probe timed out "
    "after thirty seconds and nobody had raised the limit since the database was moved.";

double median_us(const std::function<void()>& action) {
  std::vector<double> times;
  for (size_t i = 0; i < kTimes; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    action();
    const std::chrono::duration<double, std::micro> passed =
        std::chrono::steady_clock::now() - begin;
    times.push_back(passed.count());
  }
  std::nth_element(times.begin(), times.begin() + kTimes / 2, times.end());
  return times[kTimes / 2];
}

std::string text_of(double us) {
  char text[16];
  std::snprintf(text, sizeof(text), us < 10 ? "%.1f" : "%.0f", us);
  return text;
}

constexpr size_t kCandidates = 200;
constexpr size_t kSentences = 6;

// As of candidates that are in memory; reading them comes on top.
double nearest_us(size_t dimension) {
  std::mt19937_64 random(1);
  std::normal_distribution<float> normal;
  const auto drawn = [&] {
    search::VectorPart part(dimension);
    for (float& value : part) value = normal(random);
    return part;
  };
  std::vector<std::string> candidates(kCandidates);
  for (std::string& candidate : candidates) {
    std::vector<search::VectorPart> parts(kSentences);
    for (search::VectorPart& part : parts) part = drawn();
    candidate = search::encode_parts(parts);
  }
  const search::VectorPart question = drawn();
  return median_us([&] {
    for (const std::string& candidate : candidates) {
      require(search::nearest_part(candidate, question).is_ok(), "a part is malformed");
    }
  });
}

void run(const std::string& path) {
  const auto open = [&] {
    auto model = model::Model::open(os::posix_os(), path);
    require(model.is_ok(), model.status().to_string());
    return std::move(*model);
  };
  const auto sentence_model = open();
  const model::Tokenizer tokenizer(*sentence_model);
  const size_t count = tokenizer.pieces(kText).size();
  std::printf("open: %s us; cut %zu bytes into %zu pieces: %s us\n\n",
              text_of(median_us([&] { open(); })).c_str(), kText.size(), count,
              text_of(median_us([&] { static_cast<void>(tokenizer.pieces(kText)); })).c_str());
  Table table({"pieces", "8", "16", "32", "64", "128"});
  for (const vector::NetworkKernels& kernels : vector::every_network_kernels()) {
    model::Encoder encoder(*sentence_model, kernels);
    std::vector<std::string> cells = {kernels.name};
    for (const size_t pieces : {8, 16, 32, 64, 128}) {
      std::vector<uint16_t> some = tokenizer.pieces(kText);
      while (some.size() < pieces) some.push_back(some[some.size() - count]);
      some.resize(pieces);
      cells.push_back(text_of(median_us([&] { static_cast<void>(encoder.encode(some)); })));
    }
    table.add(cells);
  }
  table.print(TableStyle::kMarkdown);
  const size_t dimension = model::Encoder(*sentence_model).encode(tokenizer.pieces(kText)).size();
  std::printf("\nthe nearest of %zu sentences, of %zu numbers each, of %zu candidates: %s us\n",
              kSentences, dimension, kCandidates, text_of(nearest_us(dimension)).c_str());
}

}  // namespace
}  // namespace holdfast::bench

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: holdfast_embed MODEL\n");
    return 2;
  }
  holdfast::bench::run(arguments[1]);
  return 0;
}
