// CRC-32C (Castagnoli), the checksum of every durable byte. Multiplies wide registers without carry
// where the processor can, uses its crc instruction (three independent streams, combined) for less
// or where it cannot, and tables elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace holdfast {

// Checksum of `bytes`, continuing from `crc` (0 to begin): crc32c(b, crc32c(a)) == crc32c(a + b).
uint32_t crc32c(std::string_view bytes, uint32_t crc = 0);

using Crc32cImplementation = uint32_t (*)(std::string_view bytes, uint32_t crc);
// All that this processor can run, for tests that compare them; the fastest last, the tables first.
std::span<const Crc32cImplementation> crc32c_implementations();

}  // namespace holdfast
