#include "cli/digest.h"

#include "base/coding.h"
#include "base/hex.h"

namespace holdfast::cli {
namespace {

// The prime of FNV-1a with 128 bits is 2^88 + 0x13B.
constexpr uint64_t kPrimeLow = 0x13B;
constexpr int kPrimeHighShift = 88 - 64;

}  // namespace

void Digest::mix(std::string_view bytes) {
  for (char c : bytes) {
    low_ ^= static_cast<uint8_t>(c);
    // (high, low) * prime, modulo 2^128, in halves of 32 bits where it carries.
    uint64_t low_part = (low_ & 0xFFFFFFFF) * kPrimeLow;
    uint64_t high_part = (low_ >> 32) * kPrimeLow + (low_part >> 32);
    high_ = high_ * kPrimeLow + (high_part >> 32) + (low_ << kPrimeHighShift);
    low_ = (high_part << 32) | (low_part & 0xFFFFFFFF);
  }
}

Digest& Digest::add(std::string_view bytes) {
  mix(bytes);
  return add(bytes.size());
}

Digest& Digest::add(uint64_t number) {
  char bytes[8];
  store_le(bytes, number);
  mix(std::string_view(bytes, sizeof(bytes)));
  return *this;
}

std::string Digest::text() const {
  std::string bytes;
  for (const uint64_t half : {high_, low_}) {
    for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(half >> shift & 0xff);
  }
  return hex_text(bytes);
}

}  // namespace holdfast::cli
