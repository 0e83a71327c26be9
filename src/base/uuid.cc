#include "base/uuid.h"

#include "base/hex.h"

namespace holdfast {
namespace {

constexpr uint64_t kMsMax = (uint64_t{1} << 48) - 1;

bool dash_stands_at(size_t position) {
  return position == 8 || position == 13 || position == 18 || position == 23;
}

// The bits that are random: 12 in bytes 6 and 7, 62 in bytes 8 to 15.
uint64_t low_random(const Uuid& id) {
  uint64_t low = id.bytes[8] & 0x3f;
  for (size_t i = 9; i < 16; ++i) low = low << 8 | id.bytes[i];
  return low;
}

void set_low_random(Uuid& id, uint64_t low) {
  for (size_t i = 15; i > 8; --i, low >>= 8) id.bytes[i] = static_cast<uint8_t>(low);
  id.bytes[8] = static_cast<uint8_t>(0x80 | (low & 0x3f));
}

// Adds `step` to the random bits; false when they overflow, which leaves the id in disorder.
bool advance(Uuid& id, uint64_t step) {
  constexpr uint64_t kLowLimit = uint64_t{1} << 62;
  const uint64_t low = low_random(id) + step;
  set_low_random(id, low % kLowLimit);
  if (low < kLowLimit) return true;
  const uint32_t high = ((id.bytes[6] & 0x0fu) << 8 | id.bytes[7]) + 1;
  id.bytes[6] = static_cast<uint8_t>(0x70 | ((high >> 8) & 0x0f));
  id.bytes[7] = static_cast<uint8_t>(high);
  return high < 0x1000;
}

}  // namespace

Uuid Uuid::from_time(uint64_t unix_ms, std::span<const uint8_t, 10> random) {
  if (unix_ms > kMsMax) unix_ms = kMsMax;  // the year 10889
  Uuid id;
  for (size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<uint8_t>(unix_ms >> (40 - 8 * i));
  for (size_t i = 0; i < 10; ++i) id.bytes[6 + i] = random[i];
  id.bytes[6] = static_cast<uint8_t>(0x70 | (id.bytes[6] & 0x0f));  // version
  id.bytes[8] = static_cast<uint8_t>(0x80 | (id.bytes[8] & 0x3f));  // variant
  return id;
}

std::optional<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  Uuid id;
  size_t count = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (dash_stands_at(i)) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const auto value = hex_value(text[i]);
    if (!value) return std::nullopt;
    uint8_t& byte = id.bytes[count / 2];
    byte = static_cast<uint8_t>(byte << 4 | *value);
    ++count;
  }
  return id;
}

std::string Uuid::to_text() const {
  std::string text;
  text.reserve(36);
  for (const uint8_t byte : bytes) {
    if (dash_stands_at(text.size())) text.push_back('-');
    text.push_back(kHexDigits[byte >> 4]);
    text.push_back(kHexDigits[byte & 15]);
  }
  return text;
}

uint64_t Uuid::unix_ms() const {
  uint64_t ms = 0;
  for (size_t i = 0; i < 6; ++i) ms = ms << 8 | bytes[i];
  return ms;
}

Uuid UuidSequence::next(uint64_t unix_ms, std::span<const uint8_t, 10> random) {
  const std::lock_guard lock(mutex_);
  const uint64_t last_ms = last_.unix_ms();
  if (unix_ms > last_ms || last_ == Uuid()) {
    last_ = Uuid::from_time(unix_ms, random);
    return last_;
  }
  // A random step of up to 2^40 keeps neighbours hard to guess; 2^34 of them fit a millisecond.
  uint64_t step = 0;
  for (size_t i = 5; i < 10; ++i) step = step << 8 | random[i];
  if (!advance(last_, step + 1)) last_ = Uuid::from_time(last_ms + 1, random);
  return last_;
}

}  // namespace holdfast
