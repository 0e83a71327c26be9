#include "memory/observation_tiers.h"

#include <algorithm>

#include "blob/dictionary_codec.h"
#include "memory/content_parts.h"
#include "memory/keys.h"
#include "memory/meter.h"
#include "memory/observation_index.h"
#include "memory/observation_strength.h"
#include "memory/text_check.h"

namespace holdfast {
namespace memory {
namespace {

using search::KeySource;
using search::KeyTarget;

constexpr char kWarm = 'w';
constexpr char kCold = 'c';
constexpr char kColdBytes = 'b';
constexpr char kStoredBytes = 's';
constexpr size_t kMovedBytesMax = 1u << 20;  // of contents, by one step

std::string counter_key(uint32_t space_id, char what) {
  return space_key(KeyKind::kTierCounter, space_id, {&what, 1});
}

Status count(KeyTarget& target, uint32_t space_id, char what, int64_t delta) {
  return target.add(counter_key(space_id, what), delta);
}

Result<uint64_t> counter(KeySource& source, uint32_t space_id, char what) {
  HOLDFAST_ASSIGN(const auto bytes, source.get(counter_key(space_id, what)));
  return bytes ? static_cast<uint64_t>(decode_number(*bytes).value_or(0)) : 0;
}

Status malformed(const Uuid& id) {
  return Status(StatusCode::kCorruption, "the cold content of observation " + id.to_text() +
                                             " is missing or malformed; run `holdfast check`");
}

std::string cold_key(uint32_t space_id, const Uuid& id) {
  return space_key(KeyKind::kColdContent, space_id, id.view());
}

Result<std::string> read_dictionary(KeySource& source, uint32_t space_id) {
  HOLDFAST_ASSIGN(auto bytes, source.get(space_prefix(KeyKind::kColdDictionary, space_id)));
  return std::move(bytes).value_or("");
}

Status count_cold(KeyTarget& target, uint32_t space_id, uint64_t content, uint64_t stored,
                  int64_t sign) {
  HOLDFAST_TRY(count(target, space_id, kCold, sign));
  HOLDFAST_TRY(count(target, space_id, kColdBytes, sign * static_cast<int64_t>(content)));
  return count(target, space_id, kStoredBytes, sign * static_cast<int64_t>(stored));
}

}  // namespace

Result<std::string> read_cold(KeySource& source, uint32_t space_id, const Uuid& id, bool peeks) {
  const std::string key = cold_key(space_id, id);
  HOLDFAST_ASSIGN(const auto value, get_parts(source, key, peeks));
  if (!value || value->empty() || static_cast<uint8_t>(value->front()) > 1) return malformed(id);
  std::string dictionary;
  if (value->front() != 0) {
    HOLDFAST_ASSIGN(dictionary, read_dictionary(source, space_id));
  }
  auto text =
      blob::decompress_text(std::string_view(*value).substr(1), dictionary, kContentSizeMax);
  if (!text) return malformed(id);
  return std::move(*text);
}

Result<uint64_t> cold_size(const Uuid& id, std::string_view value) {
  const auto size =
      value.empty() ? std::nullopt : blob::frame_text_size(value.substr(1), kContentSizeMax);
  if (!size) return malformed(id);
  return uint64_t{*size};
}

Status leave_tier(KeyTarget& target, uint32_t space_id, const Uuid& id, const DecodedRow& row) {
  if (row.observation.tier == Tier::hot) return Status::ok();
  if (row.observation.tier == Tier::warm) return count(target, space_id, kWarm, -1);
  const std::string key = cold_key(space_id, id);
  HOLDFAST_ASSIGN(const auto value, get_parts(target, key));
  HOLDFAST_ASSIGN(const uint64_t size, cold_size(id, value.value_or("")));
  HOLDFAST_TRY(count_cold(target, space_id, size, value->size(), -1));
  return del_parts(target, key);
}

namespace {

// What is due to be moved, with its content.
struct Due {
  Uuid id;
  StoredRow stored;
  Tier tier = Tier::hot;
};

Tier tier_due(const Strength& strength, int64_t now_us, const TierOptions& options) {
  const int64_t age_us = now_us - strength.renewed_us;
  if (age_us >= options.cold_after_us) return Tier::cold;
  return age_us >= options.warm_after_us ? Tier::warm : Tier::hot;
}

// From behind the cursor on, until `limit` are looked at or enough is to be moved. Sets `cursor` to
// the last one, or to nothing when there are no more.
Result<std::vector<Due>> look(KeyTarget& target, uint32_t space_id, int64_t now_us,
                              const TierOptions& options, TierStep& step,
                              std::optional<Uuid>& cursor) {
  const std::string prefix = space_prefix(KeyKind::kId, space_id);
  KeyRange range = search::prefix_range(prefix);
  if (cursor) range.begin = prefix + std::string(cursor->view()) + '\0';
  std::vector<Uuid> ids;
  HOLDFAST_TRY(target.peek_scan(range, [&](std::string_view key, std::string_view) {
    std::copy(key.begin() + static_cast<ptrdiff_t>(prefix.size()), key.end(),
              reinterpret_cast<char*>(ids.emplace_back().bytes.data()));
    return ids.size() < options.limit;
  }));
  std::vector<Due> due;
  size_t bytes = 0;
  step.is_round_over = ids.size() < options.limit;
  for (const Uuid& id : ids) {
    HOLDFAST_ASSIGN(auto stored, read_row(target, space_id, id));
    ++step.looked_at;
    cursor = id;
    if (!stored || stored->is_forgotten) continue;
    const Observation& observation = stored->row.observation;
    HOLDFAST_ASSIGN(const Strength strength,
                    read_strength(target, space_id, id, observation, now_us));
    const Tier tier = tier_due(strength, now_us, options);
    if (tier == observation.tier) continue;
    HOLDFAST_TRY(complete_content(target, space_id, id, stored->row));
    bytes += observation.content.size();
    due.push_back({id, std::move(*stored), tier});
    if (bytes < kMovedBytesMax) continue;
    step.is_round_over = false;
    break;
  }
  if (step.is_round_over) cursor.reset();
  return due;
}

// The dictionary of the space; made of what is due to be cold if there is none yet.
Result<std::string> ensure_dictionary(KeyTarget& target, uint32_t space_id,
                                      const std::vector<Due>& due) {
  HOLDFAST_ASSIGN(std::string dictionary, read_dictionary(target, space_id));
  if (!dictionary.empty()) return dictionary;
  std::vector<std::string_view> texts;
  for (const Due& one : due) {
    if (one.tier == Tier::cold) texts.push_back(one.stored.row.observation.content);
  }
  auto trained = blob::train_dictionary(texts);
  if (!trained) return dictionary;
  HOLDFAST_TRY(target.put(space_prefix(KeyKind::kColdDictionary, space_id), *trained));
  return std::move(*trained);
}

// With the last cold content: it holds pieces of those that are gone.
Status drop_idle_dictionary(KeyTarget& target, uint32_t space_id) {
  HOLDFAST_ASSIGN(const uint64_t cold, counter(target, space_id, kCold));
  return cold > 0 ? Status::ok() : target.del(space_prefix(KeyKind::kColdDictionary, space_id));
}

// Puts the content where it belongs in the tier of the row, from wherever it was.
Status place_content(KeyTarget& target, uint32_t space_id, const Uuid& id, bool was_long,
                     std::string_view dictionary, DecodedRow& row) {
  const std::string& content = row.observation.content;
  const std::string long_key = space_key(KeyKind::kContent, space_id, id.view());
  if (row.observation.tier == Tier::cold) {
    std::string value(1, static_cast<char>(dictionary.empty() ? 0 : 1));
    value += blob::compress_text(content, dictionary);
    row.has_long_content = true;
    HOLDFAST_TRY(count_cold(target, space_id, content.size(), value.size(), 1));
    HOLDFAST_TRY(put_parts(target, cold_key(space_id, id), value));
    return was_long ? del_parts(target, long_key) : Status::ok();
  }
  if (row.observation.tier == Tier::warm) HOLDFAST_TRY(count(target, space_id, kWarm, 1));
  row.has_long_content = content.size() > kInlineContentSizeMax;
  return row.has_long_content && !was_long ? put_parts(target, long_key, content) : Status::ok();
}

Status move(KeyTarget& target, uint32_t space_id, std::string_view dictionary, Due& due,
            TierStep& step) {
  DecodedRow& row = due.stored.row;
  const bool was_long = row.has_long_content && row.observation.tier != Tier::cold;
  HOLDFAST_TRY(leave_tier(target, space_id, due.id, row));
  if (const auto key = tier_key(space_id, due.id, row.observation.tier)) {
    HOLDFAST_TRY(target.del(*key));
  }
  row.observation.tier = due.tier;
  HOLDFAST_TRY(place_content(target, space_id, due.id, was_long, dictionary, row));
  if (const auto key = tier_key(space_id, due.id, due.tier)) HOLDFAST_TRY(target.put(*key, ""));
  uint64_t& moved = due.tier == Tier::hot    ? step.to_hot
                    : due.tier == Tier::warm ? step.to_warm
                                             : step.to_cold;
  ++moved;
  return put_row(target, space_id, due.id, due.stored);
}

Result<std::optional<Uuid>> read_cursor(KeySource& source, uint32_t space_id) {
  HOLDFAST_ASSIGN(const auto bytes, source.get(space_prefix(KeyKind::kTierCursor, space_id)));
  Uuid id;
  if (!bytes || bytes->size() != id.bytes.size()) return std::optional<Uuid>();
  std::copy(bytes->begin(), bytes->end(), reinterpret_cast<char*>(id.bytes.data()));
  return std::optional<Uuid>(id);
}

Status do_step(KeyTarget& target, uint32_t space_id, int64_t now_us, const TierOptions& options,
               TierStep& step) {
  HOLDFAST_ASSIGN(std::optional<Uuid> cursor, read_cursor(target, space_id));
  const bool had_cursor = cursor.has_value();
  HOLDFAST_ASSIGN(std::vector<Due> due, look(target, space_id, now_us, options, step, cursor));
  HOLDFAST_ASSIGN(const std::string dictionary, ensure_dictionary(target, space_id, due));
  for (Due& one : due) HOLDFAST_TRY(move(target, space_id, dictionary, one, step));
  if (!dictionary.empty()) HOLDFAST_TRY(drop_idle_dictionary(target, space_id));
  const std::string cursor_key = space_prefix(KeyKind::kTierCursor, space_id);
  if (cursor) return target.put(cursor_key, cursor->view());
  return had_cursor ? target.del(cursor_key) : Status::ok();
}

}  // namespace
}  // namespace memory

Result<TierStep> Observations::tier_step(const TierOptions& options) const {
  HOLDFAST_TRY(memory::check_limit(options.limit, kTierLookedAtMax));
  if (options.warm_after_us < 0 || options.cold_after_us < options.warm_after_us) {
    return Status(StatusCode::kInvalidArgument,
                  "cold_after_us must not be less than warm_after_us, nor that less than 0");
  }
  TierStep step;
  step.is_round_over = true;
  HOLDFAST_TRY(access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) {
    step = {};
    return memory::do_step(target, space_id, access_->now_us(), options, step);
  }));
  return step;
}

Result<TierCounts> Observations::tier_counts() const {
  TierCounts counts;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(const uint64_t all,
                    memory::read_figure(source, space_id, memory::Figure::kObservations));
    HOLDFAST_ASSIGN(counts.warm, memory::counter(source, space_id, memory::kWarm));
    HOLDFAST_ASSIGN(counts.cold, memory::counter(source, space_id, memory::kCold));
    HOLDFAST_ASSIGN(counts.cold_bytes, memory::counter(source, space_id, memory::kColdBytes));
    HOLDFAST_ASSIGN(counts.stored_bytes, memory::counter(source, space_id, memory::kStoredBytes));
    counts.hot = all - std::min(all, counts.warm + counts.cold);
    return Status::ok();
  }));
  return counts;
}

}  // namespace holdfast
