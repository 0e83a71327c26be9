// Inbox: marks a key once for ever, so that what comes twice is dealt with once. In a transaction
// of the caller the mark is part of it: what is done with the message commits with the mark, or
// neither.
//
// Thread-safety and errors: as of Kv (holdfast/kv.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"

namespace holdfast {

namespace memory {
class Access;
}

constexpr size_t kInboxNameSizeMax = 100;   // bytes of UTF-8, at least 1
constexpr size_t kInboxKeySizeMax = 600;    // bytes, any, at least 1
constexpr size_t kInboxNoteSizeMax = 4096;  // bytes, any

struct InboxMark {
  std::string key = {};
  int64_t marked_us = 0;
  std::string note = {};
};

class Inbox {
 public:
  Inbox(std::shared_ptr<memory::Access> access, std::string name);  // see Space::inbox

  // True: marked now. False: it was marked before, by whomever. Of any number of processes that
  // mark a key one gets true. `note` is kept with the mark: the answer that was given, say.
  Result<bool> mark(std::string_view key, std::string_view note = {}) const;
  // One commit; for each key as mark(). A key that is there twice is new once.
  Result<std::vector<bool>> mark_all(std::span<const std::string> keys) const;
  Result<std::optional<InboxMark>> find(std::string_view key) const;
  // In the order of the keys.
  Result<std::vector<InboxMark>> list(std::string_view prefix = {}, std::string_view after = {},
                                      size_t limit = 1000) const;
  Result<uint64_t> count() const;
  // Lets a key be marked again. Errors: NotFound.
  Status unmark(std::string_view key) const;
  // Forgets marks from before `before_us`, looking at `limit` marks behind `after`; returns the
  // last key it looked at, empty when it has come to the end.
  Result<std::string> purge(int64_t before_us, std::string_view after = {},
                            size_t limit = 10'000) const;

 private:
  std::shared_ptr<memory::Access> access_;
  std::string name_;
};

}  // namespace holdfast
