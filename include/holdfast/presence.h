// Presence: who is at work in a space, and on what. An entry is there as long as the process that
// made it: a lock that the kernel holds tells, never a pid, never a time that somebody must keep
// renewing.
//
// Thread-safety and errors: as of Kv (holdfast/kv.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"

namespace holdfast {

namespace memory {
class Access;
}

constexpr size_t kPresenceTextSizeMax = 1000;  // bytes of UTF-8, of each text
constexpr size_t kPresenceListMax = 10'000;

// What one says of oneself.
struct Occupation {
  std::string agent = {};    // at least 1 byte
  std::string process = {};  // such as "pid 4711"
  std::string run = {};
  std::string step = {};
  std::string activity = {};  // for people
};

struct Present {
  std::string id = {};  // UUIDv7; of this entry
  Occupation occupation = {};
  int64_t since_us = 0;
  int64_t changed_us = 0;
};

class Presence {
 public:
  explicit Presence(std::shared_ptr<memory::Access> access);  // see Space::presence

  // The entry's id. It ends with leave() or with the store's handle. Errors: InvalidArgument,
  // TooLarge.
  Result<std::string> enter(const Occupation& occupation) const;
  // Errors: NotFound (also when it has ended by itself).
  Status change(std::string_view id, const Occupation& occupation) const;
  // Success also when it had ended by itself.
  Status leave(std::string_view id) const;
  // Those who are there, in the order of their coming.
  Result<std::vector<Present>> list(size_t limit = 1000) const;

 private:
  std::shared_ptr<memory::Access> access_;
};

}  // namespace holdfast
