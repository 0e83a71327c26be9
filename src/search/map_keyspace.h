// MapKeyspace: a KeyTarget in a std::map, for tests of search/ and memory/ without an engine.
//
// Thread-safety: none.
#pragma once

#include <algorithm>
#include <map>
#include <memory>

#include "search/keyspace.h"

namespace holdfast::search {

inline constexpr std::string_view kPrefix = "P";  // of the index under test

class MapCursor final : public KeyCursor {
 public:
  using Entries = std::map<std::string, std::string>;
  MapCursor(const Entries& entries, KeyRange range)
      : entries_(entries), range_(std::move(range)), at_(entries.lower_bound(range_.begin)) {}
  void seek(std::string_view key) override {
    at_ = entries_.lower_bound(std::max(std::string(key), range_.begin));
  }
  void next() override { ++at_; }
  bool valid() const override {
    return at_ != entries_.end() && (range_.end.empty() || at_->first < range_.end);
  }
  std::string_view key() const override { return at_->first; }
  std::string_view value() const override { return at_->second; }
  const Status& status() const override { return status_; }

 private:
  const Entries& entries_;
  const KeyRange range_;
  Entries::const_iterator at_;
  const Status status_;
};

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
  std::unique_ptr<KeyCursor> peek_cursor(const KeyRange& range) override {
    return std::make_unique<MapCursor>(entries, range);
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

  Status del_range(const KeyRange& range) override {
    const auto end = range.end.empty() ? entries.end() : entries.lower_bound(range.end);
    entries.erase(entries.lower_bound(range.begin), end);
    ++writes;
    return Status::ok();
  }
  Status add(std::string_view key, int64_t delta) override {
    const auto sum = static_cast<uint64_t>(number(key).value_or(0)) + static_cast<uint64_t>(delta);
    return put(key, encode_number(static_cast<int64_t>(sum)));
  }
  Status raise(std::string_view key, int64_t least) override {
    return put(key, encode_number(std::max(number(key).value_or(least), least)));
  }
  // Each call is a version of its own.
  Status put_stamped(std::string_view before, std::string_view after, std::string_view value,
                     const StampOptions& options) override {
    const auto stamp = static_cast<uint64_t>(writes) + 1;
    const uint64_t shown = options.descending ? ~stamp : stamp;
    std::string key(before);
    if (options.version_in == StampOptions::Place::kKey) append_ordered_u64(key, shown);
    std::string stored;
    if (options.has_time) stored.append(encode_number(time_us));
    if (options.version_in == StampOptions::Place::kValue) {
      stored.append(encode_number(static_cast<int64_t>(shown)));
    }
    return put(key.append(after), stored.append(value));
  }

  std::map<std::string, std::string> entries;
  int writes = 0;       // so far
  int64_t time_us = 0;  // of the commits that are stamped with it

 private:
  std::optional<int64_t> number(std::string_view key) {
    const auto found = entries.find(std::string(key));
    return found == entries.end() ? std::nullopt : decode_number(found->second);
  }
};

}  // namespace holdfast::search
