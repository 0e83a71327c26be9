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
  double minutes = 0;         // after which no further case is begun; 0: never
  uint32_t repetitions = 3;
  uint64_t keys = 1'000'000;
  std::vector<uint64_t> sizes{1'000'000, 4'000'000, 16'000'000};
  std::string directory = ".";  // a folder is made in it and removed at the end
  std::string json_path;        // empty: standard output
  bool quick = false;
  bool resume = false;      // leave out what json_path has already
  std::string report_path;  // only print what this file has
  bool markdown = false;
  std::string command;  // as it was given
};

// Ends the program with a message and exit code 2 when the arguments make no sense.
Options parse_options(int count, char** arguments);

}  // namespace holdfast::bench
