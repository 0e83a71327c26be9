// The command line of holdfast_bench.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace holdfast::bench {

struct Options {
  std::vector<std::string> workloads{"W1", "W2", "W4", "W6"};
  std::vector<std::string> engines;  // empty: all
  std::vector<uint32_t> processes{1, 3, 10, 32};
  double seconds = 2;
  double limit_seconds = 20;  // for a case that ends by itself
  uint32_t repetitions = 3;
  uint64_t keys = 1'000'000;
  std::string directory = ".";  // a folder is made in it and removed at the end
  std::string json_path;        // empty: standard output
  std::string command;          // as it was given

  // One opening by a process of its own: what W6 starts.
  std::string open_once;
  uint64_t sequence = 0;
};

// Ends the program with a message and exit code 2 when the arguments make no sense.
Options parse_options(int count, char** arguments);

}  // namespace holdfast::bench
