#include "store/write_set.h"

#include <iterator>

namespace holdfast::store {
namespace {

constexpr uint64_t kBytesMax = 64u << 20;
constexpr uint64_t kOperationsMax = 256u << 10;

uint64_t size_of(const Write& write) {
  return (write.value ? write.value->size() : 0) + write.changes.size() * sizeof(NumberChange);
}

}  // namespace

Status WriteSet::room_for(uint64_t bytes, bool is_new) const {
  if (bytes <= kBytesMax && (!is_new || writes_.size() + erased_.size() < kOperationsMax)) {
    return Status::ok();
  }
  return Status(StatusCode::kTooLarge,
                "a transaction may write 64 MiB and 262144 keys; commit in smaller steps");
}

// The write of `key`, emptied, after checking that `size` more bytes instead of it have room.
Result<Write*> WriteSet::entry(std::string_view key, uint64_t size) {
  // Many are written in the order of their keys.
  auto found = writes_.end();
  bool is_new = writes_.empty() || std::prev(found)->first < key;
  if (!is_new) {
    found = writes_.lower_bound(key);
    is_new = found->first != key;
  }
  const uint64_t before = is_new ? 0 : key.size() + size_of(found->second);
  const uint64_t bytes = bytes_ - before + key.size() + size;
  HOLDFAST_TRY(room_for(bytes, is_new));
  bytes_ = bytes;
  if (is_new) {
    found = writes_.try_emplace(found, std::string(key));
    ++generation_;
  }
  return &found->second;
}

Status WriteSet::put(std::string_view key, std::string_view value) {
  HOLDFAST_ASSIGN(Write* const write, entry(key, value.size()));
  write->value = value;
  write->stamp.reset();
  write->changes.clear();
  return Status::ok();
}

Status WriteSet::del(std::string_view key) {
  HOLDFAST_ASSIGN(Write* const write, entry(key, 0));
  *write = {};
  return Status::ok();
}

Status WriteSet::put_stamped(std::string key, std::string value, const log::Stamp& stamp) {
  log::write_stamp(stamp, ~uint64_t{0}, ~uint64_t{0}, key.data(), value.data());
  HOLDFAST_ASSIGN(Write* const write, entry(key, value.size()));
  *write = {std::move(value), stamp, {}};
  return Status::ok();
}

Status WriteSet::change_number(std::string_view key, const NumberChange& change) {
  const auto found = writes_.find(key);
  const bool is_known = found == writes_.end() ? erased_.contains(key) : !found->second.is_blind();
  if (is_known) {
    std::optional<std::string_view> base;
    if (found != writes_.end() && found->second.value) base = *found->second.value;
    const auto value = changed_value(base, {change});
    if (!value) {
      return Status(StatusCode::kInvalidArgument, "the transaction has put a value of " +
                                                      std::to_string(base->size()) +
                                                      " bytes there; a number has 8");
    }
    return put(key, {value->data(), value->size()});
  }
  std::vector<NumberChange> changes;
  if (found != writes_.end()) changes = found->second.changes;
  append_change(changes, change);
  HOLDFAST_ASSIGN(Write* const write, entry(key, changes.size() * sizeof(NumberChange)));
  write->changes = std::move(changes);
  return Status::ok();
}

Status WriteSet::erase(std::string_view begin, std::string_view end) {
  if (!end.empty() && begin >= end) return Status::ok();
  HOLDFAST_TRY(room_for(bytes_ + begin.size() + end.size(), true));
  auto write = writes_.lower_bound(begin);
  while (write != writes_.end() && (end.empty() || write->first < end)) {
    bytes_ -= write->first.size() + size_of(write->second);
    write = writes_.erase(write);
    ++generation_;
  }
  bytes_ += begin.size() + end.size();
  erased_.add(begin, end);
  return Status::ok();
}

std::optional<std::string> WriteSet::value_over(const Write& write,
                                                std::optional<std::string_view> base) {
  if (!write.is_blind()) return write.value;
  if (const auto value = changed_value(base, write.changes)) {
    return std::string(value->data(), value->size());
  }
  return base ? std::optional<std::string>(*base) : std::nullopt;
}

void WriteSet::build(log::PayloadBuilder& payload) const {
  if (writes_.size() > 1) payload.reserve(writes_.size() + erased_.size(), bytes_);
  erased_.for_each(
      [&](std::string_view begin, std::string_view end) { payload.delete_range(begin, end); });
  for (const auto& [key, write] : writes_) {
    for (const NumberChange& change : write.changes) {
      payload.change_number(change.kind, key, change.operand);
    }
    if (write.is_blind()) continue;
    if (!write.value) {
      payload.del(key);
    } else if (write.stamp) {
      payload.put_stamped(key, *write.value, *write.stamp);
    } else {
      payload.put(key, *write.value);
    }
  }
}

}  // namespace holdfast::store
