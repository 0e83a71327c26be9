// A 128-bit fingerprint of bytes (FNV-1a), for names and for recognising unchanged input. Not
// against an adversary.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::cli {

class Digest {
 public:
  // Adds the bytes and their number, so that ("a", "bc") and ("ab", "c") differ.
  Digest& add(std::string_view bytes);
  Digest& add(uint64_t number);

  std::string text() const;  // 32 hexadecimal digits

 private:
  void mix(std::string_view bytes);

  uint64_t high_ = 0x6C62272E07BB0142;
  uint64_t low_ = 0x62B821756295C58D;
};

inline std::string digest_text(std::string_view bytes) {
  return Digest().add(bytes).text();
}

}  // namespace holdfast::cli
