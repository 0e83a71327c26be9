#include "bench/summary.h"

#include <algorithm>

namespace holdfast::bench {

double Summary::median(std::string_view figure) const {
  std::vector<double> figures;
  for (const Measurement& run : runs) figures.push_back(run.figure(figure));
  std::sort(figures.begin(), figures.end());
  const size_t middle = figures.size() / 2;
  return figures.size() % 2 != 0 ? figures[middle] : (figures[middle - 1] + figures[middle]) / 2;
}

double Summary::least(std::string_view figure) const {
  double least = runs.front().figure(figure);
  for (const Measurement& run : runs) least = std::min(least, run.figure(figure));
  return least;
}

double Summary::most(std::string_view figure) const {
  double most = runs.front().figure(figure);
  for (const Measurement& run : runs) most = std::max(most, run.figure(figure));
  return most;
}

uint64_t Summary::bad() const {
  uint64_t bad = 0;
  for (const Measurement& run : runs) {
    bad += run.verdict.lost + run.verdict.wrong + run.verdict.ghosts;
  }
  return bad;
}

void Summaries::add(const Measurement& run) {
  for (Summary& summary : all_) {
    if (summary.workload == run.workload && summary.processes == run.processes &&
        summary.engine == run.engine) {
      summary.runs.push_back(run);
      return;
    }
  }
  all_.push_back({run.workload, run.processes, run.engine, run.options, {run}});
}

const Summary* Summaries::find(std::string_view workload, uint32_t processes,
                               std::string_view engine) const {
  for (const Summary& summary : all_) {
    if (summary.workload == workload && summary.processes == processes &&
        summary.engine == engine) {
      return &summary;
    }
  }
  return nullptr;
}

std::vector<Summaries::Title> Summaries::titles() const {
  std::vector<Title> titles;
  for (const Summary& summary : all_) {
    const Title title(summary.workload, summary.processes);
    if (std::find(titles.begin(), titles.end(), title) == titles.end()) titles.push_back(title);
  }
  // A resumed run may have added them in another order; within a workload it is that of the first.
  std::stable_sort(titles.begin(), titles.end(), [](const Title& a, const Title& b) {
    return a.first.substr(0, a.first.find(' ')) < b.first.substr(0, b.first.find(' '));
  });
  return titles;
}

std::vector<const Summary*> Summaries::of(const Title& title) const {
  std::vector<const Summary*> found;
  for (const Summary& summary : all_) {
    if (summary.workload == title.first && summary.processes == title.second) {
      found.push_back(&summary);
    }
  }
  return found;
}

bool Summaries::clean() const {
  return std::all_of(all_.begin(), all_.end(),
                     [](const Summary& summary) { return summary.bad() == 0; });
}

}  // namespace holdfast::bench
