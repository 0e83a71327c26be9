// Sha256: the hash that names a content, by libcrypto.
//
// Who: this room and memory/. Thread-safety: one thread at a time per object.
#pragma once

#include <array>
#include <memory>
#include <string_view>

namespace holdfast::blob {

using Hash = std::array<char, 32>;

class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void update(std::string_view bytes);
  // REQUIRES: called once, last.
  Hash finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Hash sha256(std::string_view bytes);

}  // namespace holdfast::blob
