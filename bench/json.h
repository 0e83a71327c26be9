// The JSON lines of a run, written and read back.
#pragma once

#include <string>
#include <vector>

#include "bench/machine.h"
#include "bench/measurement.h"

namespace holdfast::bench {

std::string json_line(const Header& header);
std::string json_line(const Measurement& run);

struct Recorded {
  Header header;  // the first of the file
  std::vector<Measurement> runs;
};

// Empty where there is no such file. A line that was cut short is passed over.
Recorded read_lines(const std::string& path);

}  // namespace holdfast::bench
