// The record of simulated crashes: an account on the disk of what was played, by layers and kinds
// of faults, of one engine; whoever is ended and started again goes on where it stopped.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace holdfast::sim {

inline constexpr uint64_t kSeedsPerRound = 2000;  // more than any loop asks for

struct RecordOptions {
  std::string path;
  std::string engine;               // what the record is of, as it shall name it
  uint64_t until = 0;               // planned faults that have struck
  uint64_t jobs = 1;                // layers played at the same time
  uint64_t seed = 0;                // of the first round
  std::vector<std::string> layers;  // gtest filters
};

// Plays layer by layer, round by round, until the record has what is wanted; then prints it.
// Returns the exit code: 1 when something on record has failed, 2 when the record cannot be used.
int keep_record(const RecordOptions& options);

}  // namespace holdfast::sim
