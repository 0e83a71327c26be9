// Counters of Kv: numbers that are changed without being read, so that changes never conflict.
#include "holdfast/kv.h"
#include "memory/kv_rows.h"
#include "memory/text_check.h"

namespace holdfast {
namespace {

using memory::KeyKind;
using memory::space_key;

}  // namespace

Status Kv::add(std::string_view counter, int64_t delta) const {
  HOLDFAST_TRY(memory::check_kv_key(counter));
  return access_->write([&](search::KeyTarget& target, uint32_t space_id) {
    return target.add(space_key(KeyKind::kKvCounter, space_id, counter), delta);
  });
}

Result<int64_t> Kv::count(std::string_view counter) const {
  HOLDFAST_TRY(memory::check_kv_key(counter));
  int64_t number = 0;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(const auto bytes,
                    source.get(space_key(KeyKind::kKvCounter, space_id, counter)));
    number = bytes ? decode_number(*bytes).value_or(0) : 0;
    return Status::ok();
  }));
  return number;
}

Status Kv::remove_counter(std::string_view counter) const {
  HOLDFAST_TRY(memory::check_kv_key(counter));
  return access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) {
    return target.del(space_key(KeyKind::kKvCounter, space_id, counter));
  });
}

Result<std::vector<KvEntry>> Kv::counters(const KvListOptions& options) const {
  HOLDFAST_TRY(memory::check_limit(options.limit, kKvListLimitMax));
  std::vector<KvEntry> entries;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    entries.clear();
    const std::string space = memory::space_prefix(KeyKind::kKvCounter, space_id);
    const KeyRange range = memory::kv_range(space, options);
    if (range.begin >= range.end) return Status::ok();
    return source.scan(range, [&](std::string_view key, std::string_view value) {
      KvEntry entry;
      entry.key = key.substr(space.size());
      entry.value = std::to_string(decode_number(value).value_or(0));
      entry.size = value.size();
      entries.push_back(std::move(entry));
      return entries.size() < options.limit;
    });
  }));
  return entries;
}

}  // namespace holdfast
