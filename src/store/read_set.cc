#include "store/read_set.h"

#include <algorithm>

#include "log/record.h"

namespace holdfast::store {
namespace {

// A key as a message can show it.
std::string printable(std::string_view key) {
  constexpr size_t kShownMax = 64;
  std::string text;
  for (const char byte : key.substr(0, kShownMax)) {
    if (byte >= 0x20 && byte < 0x7f) {
      text.push_back(byte);
    } else {
      constexpr char kDigits[] = "0123456789abcdef";
      const auto value = static_cast<unsigned char>(byte);
      text += {'\\', 'x', kDigits[value >> 4], kDigits[value & 15]};
    }
  }
  return key.size() > kShownMax ? text + "..." : text;
}

}  // namespace

void ReadSet::add_key(std::string_view key) {
  if (keys_.find(key) == keys_.end()) keys_.emplace(key);
}

void ReadSet::add_range(std::string_view begin, std::string_view end) {
  if (end.empty()) {
    if (!unbounded_ || begin < unbounded_begin_) unbounded_begin_ = begin;
    unbounded_ = true;
    return;
  }
  if (begin >= end) return;
  std::string first(begin);
  std::string last(end);
  // Joins every range that touches the new one.
  auto next = ranges_.upper_bound(first);
  if (next != ranges_.begin() && std::prev(next)->second >= first) --next;
  while (next != ranges_.end() && next->first <= last) {
    first = std::min(first, next->first);
    last = std::max(last, next->second);
    next = ranges_.erase(next);
  }
  ranges_.emplace(std::move(first), std::move(last));
}

bool ReadSet::contains(std::string_view key) const {
  if (unbounded_ && key >= unbounded_begin_) return true;
  if (keys_.find(key) != keys_.end()) return true;
  const auto next = ranges_.upper_bound(key);
  return next != ranges_.begin() && key < std::prev(next)->second;
}

Status validate(const Context& context, const ReadSet& reads, log::Position& position,
                const Tail& tail) {
  log::Reader reader(*context.segments, context.store_id, position, log::Trust::kAccepted);
  // Only notes may lie behind the last commit; whether they can be read does not matter.
  while (reader.position().version < tail.version) {
    auto record = reader.next(tail.lsn);
    const bool behind = record && !*record && reader.position().version < tail.version;
    if (behind || (!record && record.status().code() == StatusCode::kCorruption)) {
      return Status(StatusCode::kTooOld,
                    "the transaction is older than the log that is kept; run it again");
    }
    if (!record) return record.status();
    if (!*record) break;
    if ((*record)->header.type != static_cast<uint16_t>(log::RecordType::kCommit)) continue;
    log::PayloadReader payload((*record)->payload);
    while (const auto operation = payload.next()) {
      if (!reads.contains(operation->key)) continue;
      return Status(StatusCode::kConflict, "key \"" + printable(operation->key) +
                                               "\" was changed by a later commit; run the "
                                               "transaction again")
          .with_version((*record)->header.version);
    }
    if (payload.malformed()) {
      return Status(StatusCode::kCorruption, "a record of the log cannot be taken apart")
          .with_path(context.segments->path(log::lsn_segment((*record)->header.lsn)))
          .with_offset(log::lsn_offset((*record)->header.lsn));
    }
  }
  position = reader.position();
  return Status::ok();
}

}  // namespace holdfast::store
