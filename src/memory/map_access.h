// MapAccess: Access to a space in a MapKeyspace, for tests without an engine.
//
// Thread-safety: none.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "memory/access.h"
#include "memory/catalog.h"
#include "search/map_keyspace.h"

namespace holdfast::memory {

// A clock of tests, the ids made from it, and who lives.
struct MapClock {
  int64_t now_us = 1'700'000'000'000'000;
  std::set<uint32_t> owners_dead = {};
  std::function<void()> on_pause = {};  // what others do while somebody waits
  uint8_t counter = 0;
  UuidSequence sequence = {};

  Stamp next() {
    std::array<uint8_t, 10> random{};
    random[9] = ++counter;
    return {sequence.next(static_cast<uint64_t>(now_us / 1000), random), now_us};
  }
};

class MapAccess : public Access {
 public:
  MapAccess(search::MapKeyspace& keys, MapClock& clock, SpaceSegments segments, uint32_t owner = 1)
      : keys_(keys), clock_(clock), segments_(std::move(segments)), owner_(owner) {
    for (const std::string& segment : segments_) path_ += (path_.empty() ? "" : "/") + segment;
  }

  Status read(const ReadWork& work) override {
    HOLDFAST_ASSIGN(const std::optional<uint32_t> id, find_space(keys_, segments_));
    return id ? work(keys_, *id) : Status::ok();
  }
  Status read_tree(const TreeWork& work) override {
    return for_each_space(keys_, segments_, [&](uint32_t id, const SpaceSegments& segments) {
      return work(keys_, id, space_path_text(segments));
    });
  }
  Status write(const WriteWork& work) override {
    HOLDFAST_ASSIGN(const uint32_t id, ensure_space(keys_, segments_));
    return work(keys_, id);
  }
  Status write_existing(const WriteWork& work) override {
    HOLDFAST_ASSIGN(const std::optional<uint32_t> id, find_space(keys_, segments_));
    return id ? work(keys_, *id) : Status::ok();
  }
  bool is_own_commit() const override { return true; }
  Stamp next_stamp() override { return clock_.next(); }
  int64_t now_us() override { return clock_.now_us; }
  bool pause() override {
    clock_.now_us += 5'000;
    if (clock_.on_pause) clock_.on_pause();
    return true;
  }
  HandleId handle_id() override { return {1, owner_}; }
  bool handle_alive(const HandleId& id) override {
    return id.incarnation == 1 && !clock_.owners_dead.contains(id.owner);
  }
  std::string_view space_path() const override { return path_; }

 private:
  search::MapKeyspace& keys_;
  MapClock& clock_;
  SpaceSegments segments_;
  uint32_t owner_;
  std::string path_;
};

}  // namespace holdfast::memory
