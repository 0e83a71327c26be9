// Kv's sweep: an expired value is gone at its millisecond for whoever reads; its rows go when
// somebody has swept them away.
#include "memory/kv_writer.h"
#include "memory/text_check.h"

namespace holdfast {
namespace {

using memory::KeyKind;
using memory::KvRow;
using memory::KvWriter;
using memory::space_key;

// The index of what has expired.
KeyRange due_range(uint32_t space_id, int64_t now_us) {
  return {memory::space_prefix(KeyKind::kKvExpiry, space_id),
          memory::expiry_key(space_id, now_us + 1, {})};
}

}  // namespace

Result<size_t> Kv::sweep(size_t limit) const {
  HOLDFAST_TRY(memory::check_limit(limit, kKvSweepMax));
  size_t swept = 0;
  const int64_t now_us = access_->now_us();
  HOLDFAST_TRY(access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    swept = 0;
    std::vector<std::string> due;
    HOLDFAST_TRY(
        target.peek_scan(due_range(space_id, now_us), [&](std::string_view key, std::string_view) {
          due.emplace_back(key);
          return due.size() < limit;
        }));
    KvWriter writer(*access_, target, space_id);
    for (const std::string& index : due) {
      HOLDFAST_ASSIGN(const memory::Expiry expiry, memory::parse_expiry(space_id, index));
      HOLDFAST_ASSIGN(const auto bytes, target.get(space_key(KeyKind::kKv, space_id, expiry.key)));
      if (bytes) {
        HOLDFAST_ASSIGN(const KvRow row, memory::parse_kv_row(*bytes));
        if (row.is_expired(now_us)) {
          HOLDFAST_TRY(writer.reserve({{expiry.key, std::nullopt}}));
          HOLDFAST_TRY(writer.del(expiry.key));
          ++swept;
        }
      }
      HOLDFAST_TRY(target.del(index));
    }
    return writer.settle();
  }));
  return swept;
}

// Beside a handle's own commits one in sixteen times; who is handed a transaction or a snapshot
// leaves it to others. What fails stays for the next time.
void Kv::sweep_now_and_then() const {
  constexpr size_t kSweptAtOnce = 64;
  constexpr uint8_t kOneIn = 16;
  if (!access_->is_own_commit()) return;
  if (static_cast<uint8_t>(access_->next_stamp().id.bytes[15]) % kOneIn != 0) return;
  bool some_due = false;
  const int64_t now_us = access_->now_us();
  const Status looked = access_->read([&](search::KeySource& source, uint32_t space_id) {
    return source.peek_scan(due_range(space_id, now_us), [&](std::string_view, std::string_view) {
      some_due = true;
      return false;
    });
  });
  if (looked && some_due) (void)sweep(kSweptAtOnce);
}

}  // namespace holdfast
