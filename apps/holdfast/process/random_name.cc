#include "process/random_name.h"

#include <cstdint>
#include <random>

#include "base/hex.h"

namespace holdfast::process {

std::string random_name() {
  std::random_device device;
  std::string bytes;
  for (int word = 0; word < 4; ++word) {
    uint32_t bits = device();
    for (int i = 0; i < 4; ++i, bits >>= 8) bytes.push_back(static_cast<char>(bits & 0xff));
  }
  return hex_text(bytes);
}

}  // namespace holdfast::process
