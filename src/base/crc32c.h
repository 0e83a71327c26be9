// CRC-32C (Castagnoli), the checksum of every durable byte. Uses the processor's instruction where
// it has one (three independent streams, combined), tables elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast {

// Checksum of `bytes`, continuing from `crc` (0 to begin): crc32c(b, crc32c(a)) == crc32c(a + b).
uint32_t crc32c(std::string_view bytes, uint32_t crc = 0);

// The table implementation, for tests that compare the two.
uint32_t crc32c_portable(std::string_view bytes, uint32_t crc = 0);

}  // namespace holdfast
