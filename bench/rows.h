// Rows: keys and values that follow from (worker, sequence) alone, so that a fresh process can
// tell for every acknowledged row what it must find. Keys are 40 bytes in random order.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace holdfast::bench {

constexpr size_t kKeySize = 40;
constexpr size_t kValueSize = 200;
constexpr size_t kObservationSize = 500;

// splitmix64: every input gives a different, well spread output.
inline uint64_t mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

class Random {
 public:
  explicit Random(uint64_t seed) : state_(mix(seed)) {}
  uint64_t next() { return mix(state_++); }
  // Below `bound`, which is below 2^32; the bias is of no weight here.
  uint64_t below(uint64_t bound) { return ((next() >> 32) * bound) >> 32; }

 private:
  uint64_t state_;
};

inline void append_hex(char* out, uint64_t value, int digits) {
  for (int i = digits - 1; i >= 0; --i) {
    out[i] = "0123456789abcdef"[value & 15];
    value >>= 4;
  }
}

// 16 digits of hash, 8 of worker, 16 of sequence.
struct Key {
  std::array<char, kKeySize> bytes{};

  Key() = default;
  Key(uint32_t worker, uint64_t sequence) {
    append_hex(bytes.data(), mix((static_cast<uint64_t>(worker) << 40) ^ sequence), 16);
    append_hex(bytes.data() + 16, worker, 8);
    append_hex(bytes.data() + 24, sequence, 16);
  }
  std::string_view view() const { return {bytes.data(), bytes.size()}; }
};

inline void fill_value(char* out, size_t size, uint32_t worker, uint64_t sequence) {
  Random random((static_cast<uint64_t>(worker) << 40) + sequence + 1);
  for (size_t done = 0; done < size; done += sizeof(uint64_t)) {
    const uint64_t word = random.next();
    std::memcpy(out + done, &word, std::min(sizeof(word), size - done));
  }
}

template <size_t size>
struct Value {
  std::array<char, size> bytes{};

  Value() = default;
  Value(uint32_t worker, uint64_t sequence) { fill_value(bytes.data(), size, worker, sequence); }
  std::string_view view() const { return {bytes.data(), bytes.size()}; }
};

struct Row {
  Key key;
  Value<kValueSize> value;

  Row() = default;
  Row(uint32_t worker, uint64_t sequence) : key(worker, sequence), value(worker, sequence) {}
};

}  // namespace holdfast::bench
