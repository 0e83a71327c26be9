#include "store/retention.h"

#include <algorithm>
#include <optional>

#include "store/history_trim.h"

namespace holdfast::store {
namespace {

constexpr uint64_t kGrownMin = 64;  // versions
constexpr uint64_t kShare = 8;
constexpr uint64_t kRestUsMin = 1'000'000;
constexpr uint64_t kRestUsMax = 24ull * 3600 * 1'000'000;

// Whether a round is underway, or it is time for one.
bool is_due(const Retention& retention, const TrimState& state, uint64_t versions,
            uint64_t now_us) {
  if (retention.count == 0 && retention.age.count() == 0) return false;
  if (!state.next.empty()) return true;
  if (state.finished_us == 0) return versions > 0;
  const uint64_t grown = versions - std::min(versions, state.versions);
  if (grown >= std::max(kGrownMin, state.versions / kShare)) return true;
  if (retention.age.count() == 0 || versions == 0) return false;
  const auto age_us = static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(retention.age).count());
  const uint64_t rest_us = std::clamp(age_us / kShare, kRestUsMin, kRestUsMax);
  // A clock that was set back must not stop it for long.
  return now_us < state.finished_us || now_us - state.finished_us >= rest_us;
}

// A round's next step.
Status trim_round(Transaction& txn, const std::string& prefix, uint64_t now_us) {
  HOLDFAST_ASSIGN(const auto policy, txn.get(retention_key(prefix)));
  if (!policy) return Status::ok();
  HOLDFAST_ASSIGN(const Retention retention, parse_retention(*policy));
  HOLDFAST_ASSIGN(const auto value, txn.get(trim_state_key(prefix)));
  HOLDFAST_ASSIGN(TrimState state, parse_trim_state(value));
  PeekReader reader(txn);
  HOLDFAST_ASSIGN(const uint64_t versions, read_count(reader, version_count_key(prefix)));
  if (!is_due(retention, state, versions, now_us)) return Status::ok();
  HistoryTrim trim;
  HOLDFAST_TRY(trim_in(txn, prefix, retention, now_us, state.next, History::kTrimKeysMax, &trim));
  ++state.steps;
  state.next = trim.next;
  if (trim.next.empty()) {
    state.finished_us = std::max<uint64_t>(now_us, 1);
    state.versions = versions - std::min(versions, trim.versions_trimmed);
  }
  return txn.put(trim_state_key(prefix), trim_state_value(state));
}

Result<KeptHistory> read_history(Reader& reader, std::string_view prefix, std::string_view policy,
                                 TrimState* state) {
  KeptHistory history;
  history.prefix = prefix;
  HOLDFAST_ASSIGN(history.retention, parse_retention(policy));
  HOLDFAST_ASSIGN(history.versions, read_count(reader, version_count_key(prefix)));
  HOLDFAST_ASSIGN(history.bytes, read_count(reader, byte_count_key(prefix)));
  HOLDFAST_ASSIGN(const auto value, reader.get(trim_state_key(prefix)));
  HOLDFAST_ASSIGN(*state, parse_trim_state(value));
  history.trimmed_us = state->finished_us;
  history.is_trimming = !state->next.empty();
  return history;
}

using Visit = std::function<bool(const KeptHistory&, const TrimState&)>;

Status visit_histories(Reader& reader, std::string_view after, const Visit& visit) {
  const size_t skip = retention_key("").size();
  KeyRange range = KeyRange::prefix(retention_key(""));
  if (!after.empty()) range.begin = retention_key(after) + '\0';
  Cursor cursor = reader.scan(range);
  for (; cursor.valid(); cursor.next()) {
    TrimState state;
    HOLDFAST_ASSIGN(const KeptHistory history,
                    read_history(reader, cursor.key().substr(skip), cursor.value(), &state));
    if (!visit(history, state)) break;
  }
  return cursor.status();
}

}  // namespace

Status for_each_history(Reader& reader, std::string_view after,
                        const std::function<bool(const KeptHistory&)>& visit) {
  return visit_histories(
      reader, after, [&](const KeptHistory& history, const TrimState&) { return visit(history); });
}

Result<RetainStep> Retainer::step(const Begin& begin, uint64_t now_us) {
  if (busy_.exchange(true)) return RetainStep::kBusy;
  auto step = look(begin, now_us);
  busy_ = false;
  return step;
}

// Goes on behind the history that it left off at, so that one that is always due does not keep the
// others from their turn.
Result<RetainStep> Retainer::look(const Begin& begin, uint64_t now_us) {
  HOLDFAST_ASSIGN(Transaction txn, begin());
  next_look_version_ = txn.version() + kLookEvery;
  PeekReader reader(txn);
  const bool from_first = prefix_.empty();
  if (from_first) nothing_due_ = true;
  std::optional<std::string> due;
  size_t seen = 0;
  HOLDFAST_TRY(
      visit_histories(reader, prefix_, [&](const KeptHistory& history, const TrimState& state) {
        prefix_ = history.prefix;
        if (is_due(history.retention, state, history.versions, now_us)) due = history.prefix;
        return ++seen < kHistoriesPerLook && !due;
      }));
  if (!due) {
    if (seen == kHistoriesPerLook) return RetainStep::kMore;
    prefix_.clear();
    if (!nothing_due_) return RetainStep::kMore;
    if (from_first && seen == 0) next_look_version_ = txn.version() + kIdleEvery;
    return RetainStep::kDone;
  }
  nothing_due_ = false;
  HOLDFAST_TRY(trim_round(txn, *due, now_us));
  const auto done = txn.commit();
  // Where another process was quicker the next step goes on with what that one left.
  if (!done && done.status().code() != StatusCode::kConflict) return done.status();
  return RetainStep::kMore;
}

}  // namespace holdfast::store

namespace holdfast {

Result<std::vector<KeptHistory>> list_histories(Reader& reader, size_t limit,
                                                std::string_view after) {
  std::vector<KeptHistory> histories;
  if (limit == 0) return histories;
  HOLDFAST_TRY(store::for_each_history(reader, after, [&](const KeptHistory& history) {
    histories.push_back(history);
    return histories.size() < limit;
  }));
  return histories;
}

Result<std::optional<KeptHistory>> History::kept(Reader& reader) const {
  HOLDFAST_ASSIGN(const auto policy, reader.get(store::retention_key(prefix_)));
  if (!policy) return std::optional<KeptHistory>();
  store::TrimState state;
  HOLDFAST_ASSIGN(KeptHistory history, store::read_history(reader, prefix_, *policy, &state));
  return std::optional<KeptHistory>(std::move(history));
}

}  // namespace holdfast
