// MapKeyspace: a KeyTarget in a std::map, for tests of search/ and memory/ without an engine.
//
// Thread-safety: none.
#pragma once

#include <map>

#include "search/keyspace.h"

namespace holdfast::search {

class MapKeyspace final : public KeyTarget {
 public:
  Result<std::optional<std::string>> get(std::string_view key) override {
    const auto found = entries.find(std::string(key));
    if (found == entries.end()) return std::optional<std::string>();
    return std::optional<std::string>(found->second);
  }
  Status scan(const KeyRange& range, const KeyVisitor& visit) override {
    for (auto at = entries.lower_bound(range.begin); at != entries.end(); ++at) {
      if (!range.end.empty() && at->first >= range.end) break;
      if (!visit(at->first, at->second)) break;
    }
    return Status::ok();
  }
  uint64_t version() const override { return static_cast<uint64_t>(writes); }
  Status put(std::string_view key, std::string_view value) override {
    entries[std::string(key)] = std::string(value);
    ++writes;
    return Status::ok();
  }
  Status del(std::string_view key) override {
    entries.erase(std::string(key));
    ++writes;
    return Status::ok();
  }

  std::map<std::string, std::string> entries;
  int writes = 0;  // puts and dels so far
};

}  // namespace holdfast::search
