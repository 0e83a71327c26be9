// HOLDFAST_SIM_SEED: other seeds for all simulations of a test program, for who runs the whole
// suite again and again and wants each time to show something new.
#include <cstdlib>

#include "os/sim/crash_loop.h"

namespace holdfast::sim {
namespace {

[[maybe_unused]] const bool is_shifted = [] {
  const char* const text = std::getenv("HOLDFAST_SIM_SEED");
  if (text != nullptr) loop_policy().seed_shift = std::strtoull(text, nullptr, 10);
  return text != nullptr;
}();

}  // namespace
}  // namespace holdfast::sim
