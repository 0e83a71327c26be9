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

// Whether an operation of the commit `version` writes what was read.
bool touches(const log::Operation& operation, const ReadSet& reads, uint64_t version) {
  switch (operation.kind) {
    case log::OperationKind::kDeleteRange:
      return reads.overlaps(operation.key, operation.value);
    case log::OperationKind::kPutStamped:
      return reads.contains(log::written_key(operation, version));
    default:
      return reads.contains(operation.key);
  }
}

}  // namespace

void ReadSet::add_key(std::string_view key) {
  if (keys_.find(key) == keys_.end()) keys_.emplace(key);
}

bool ReadSet::contains(std::string_view key) const {
  return keys_.find(key) != keys_.end() || ranges_.contains(key);
}

bool ReadSet::overlaps(std::string_view begin, std::string_view end) const {
  const auto key = keys_.lower_bound(begin);
  if (key != keys_.end() && (end.empty() || *key < end)) return true;
  return ranges_.overlaps(begin, end);
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
      if (!touches(*operation, reads, (*record)->header.version)) continue;
      return Status(StatusCode::kConflict, "key \"" + printable(operation->key) +
                                               "\" was changed by a later commit; run the "
                                               "transaction again")
          .with_version((*record)->header.version);
    }
    if (Status status = payload.status(); !status) {
      return std::move(status)
          .with_path(context.segments->path(log::lsn_segment((*record)->header.lsn)))
          .with_offset(log::lsn_offset((*record)->header.lsn));
    }
  }
  position = reader.position();
  return Status::ok();
}

}  // namespace holdfast::store
