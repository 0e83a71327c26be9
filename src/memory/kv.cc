#include "holdfast/kv.h"

#include "memory/access.h"
#include "memory/keys.h"

namespace holdfast {
namespace {

using memory::KeyKind;
using memory::space_key;

Status check_key(std::string_view key) {
  if (!key.empty() && key.size() <= kKvKeySizeMax) return Status::ok();
  return Status(StatusCode::kInvalidArgument, "the key has " + std::to_string(key.size()) +
                                                  " bytes; 1 to " + std::to_string(kKvKeySizeMax) +
                                                  " are allowed");
}

}  // namespace

Kv::Kv(std::shared_ptr<memory::Access> access) : access_(std::move(access)) {}

Result<std::optional<std::string>> Kv::get(std::string_view key) const {
  HOLDFAST_TRY(check_key(key));
  std::optional<std::string> value;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(value, source.get(space_key(KeyKind::kKv, space_id, key)));
    return Status::ok();
  }));
  return value;
}

Status Kv::put(std::string_view key, std::string_view value) const {
  HOLDFAST_TRY(check_key(key));
  if (value.size() > kKvValueSizeMax) {
    return Status(StatusCode::kTooLarge,
                  "the value has " + std::to_string(value.size()) + " bytes; at most " +
                      std::to_string(kKvValueSizeMax) +
                      " are allowed: split it over several keys, or keep it in a file and store "
                      "the file's path");
  }
  return access_->write([&](search::KeyTarget& target, uint32_t space_id) {
    return target.put(space_key(KeyKind::kKv, space_id, key), value);
  });
}

Status Kv::del(std::string_view key) const {
  HOLDFAST_TRY(check_key(key));
  return access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) {
    return target.del(space_key(KeyKind::kKv, space_id, key));
  });
}

Result<std::vector<KvEntry>> Kv::list(const KvListOptions& options) const {
  if (options.limit == 0 || options.limit > kKvListLimitMax) {
    return Status(StatusCode::kInvalidArgument, "limit must be 1 to " +
                                                    std::to_string(kKvListLimitMax) +
                                                    "; ask for the next page with `after`");
  }
  std::vector<KvEntry> entries;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) {
    const std::string space = memory::space_prefix(KeyKind::kKv, space_id);
    KeyRange range = search::prefix_range(space + options.prefix);
    const std::string after = space + options.after + '\0';
    if (!options.after.empty() && after > range.begin) range.begin = after;
    if (range.begin >= range.end) return Status::ok();
    return source.scan(range, [&](std::string_view key, std::string_view value) {
      entries.push_back({std::string(key.substr(space.size())),
                         options.keys_only ? std::string() : std::string(value)});
      return entries.size() < options.limit;
    });
  }));
  return entries;
}

}  // namespace holdfast
