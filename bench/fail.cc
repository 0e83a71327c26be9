#include <unistd.h>

#include <cstdio>

#include "bench/engine.h"

namespace holdfast::bench {

void fail(const std::string& message) {
  std::fflush(stdout);
  std::fprintf(stderr, "holdfast_bench: %s\n", message.c_str());
  _exit(1);
}

}  // namespace holdfast::bench
