// holdfast_embed: how long the sentence model takes, on one core.
//
// Usage: holdfast_embed MODEL      (the file that `holdfast model install` makes)
// Opening it, which reads all of it once for its checksum; cutting a text into pieces; and the
// vector of so many pieces by each instruction set that the machine has. Medians, microseconds.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>

#include "bench/engine.h"
#include "bench/table.h"
#include "model/encoder.h"
#include "model/tokenizer.h"

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
