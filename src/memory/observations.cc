#include <algorithm>

#include "holdfast/observation.h"
#include "memory/access.h"
#include "memory/keys.h"
#include "memory/observation_store.h"

namespace holdfast {
namespace {

using memory::Access;
using memory::IdSpan;
using memory::KeyKind;
using memory::PreparedObservation;
using search::KeySource;
using search::KeyTarget;

// Marks those whose key is there already, as far as this view shows; they need no analysis.
Status find_existing(Access& access, std::span<const NewObservation> observations,
                     std::vector<AddedObservation>& added) {
  const bool any_key = std::any_of(observations.begin(), observations.end(),
                                   [](const NewObservation& o) { return o.key.has_value(); });
  if (!any_key) return Status::ok();
  return access.read([&](KeySource& source, uint32_t space_id) -> Status {
    for (size_t i = 0; i < observations.size(); ++i) {
      if (!observations[i].key) continue;
      HOLDFAST_ASSIGN(const std::optional<Uuid> id,
                      memory::find_key(source, space_id, *observations[i].key));
      if (id) added[i] = {id->to_text(), true};
    }
    return Status::ok();
  });
}

// Writes what is not there; fills `added` anew, as the work of a transaction may run again.
Status write_missing(KeyTarget& target, uint32_t space_id,
                     const std::vector<PreparedObservation>& prepared,
                     const std::vector<size_t>& places, std::vector<AddedObservation>& added) {
  for (size_t i = 0; i < prepared.size(); ++i) {
    std::optional<Uuid> existing;
    if (prepared[i].key) {
      HOLDFAST_ASSIGN(existing, memory::find_key(target, space_id, *prepared[i].key));
    }
    added[places[i]] = {existing.value_or(prepared[i].id).to_text(), existing.has_value()};
    if (!existing) HOLDFAST_TRY(memory::write_observation(target, space_id, prepared[i]));
  }
  return Status::ok();
}

Status check_limit(size_t limit) {
  if (limit > 0 && limit <= kObservationListLimitMax) return Status::ok();
  return Status(StatusCode::kInvalidArgument, "limit must be 1 to " +
                                                  std::to_string(kObservationListLimitMax) +
                                                  "; ask for the next page with `after`");
}

bool passes(const Observation& observation, const ObservationListOptions& options) {
  return (!options.kind || observation.kind == options.kind) &&
         memory::is_between(observation.created_us, options.since_us, options.until_us);
}

Status list_newest_first(KeySource& source, uint32_t space_id, const IdSpan& span,
                         const std::optional<Uuid>& after, const ObservationListOptions& options,
                         std::vector<Observation>& out) {
  KeyRange range{memory::row_key(space_id, span.last),
                 memory::row_key(space_id, span.first) + '\0'};
  if (after) range.begin = std::max(range.begin, memory::row_key(space_id, *after) + '\0');
  if (range.begin >= range.end) return Status::ok();
  const size_t id_at = memory::space_prefix(KeyKind::kRow, space_id).size();
  Status failure;
  std::vector<std::pair<size_t, Uuid>> incomplete;
  HOLDFAST_TRY(source.scan(range, [&](std::string_view key, std::string_view value) {
    Uuid id;
    const std::string bytes = memory::complement(key.substr(id_at, id.bytes.size()));
    std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
    auto row = memory::decode_row(id, value);
    failure = row.status();
    if (!row) return false;
    if (!passes(row->observation, options)) return true;
    if (row->has_long_content) incomplete.emplace_back(out.size(), id);
    out.push_back(std::move(row->observation));
    return out.size() < options.limit;
  }));
  HOLDFAST_TRY(failure);
  for (const auto& [at, id] : incomplete) {
    HOLDFAST_ASSIGN(auto whole, memory::read_observation(source, space_id, id, false));
    if (whole) out[at] = std::move(*whole);
  }
  return Status::ok();
}

// Oldest first goes through the text records, whose order that is; a page of ids at a time, as a
// filter may let few of them pass.
Status list_oldest_first(KeySource& source, uint32_t space_id, const IdSpan& span,
                         const std::optional<Uuid>& after, const ObservationListOptions& options,
                         std::vector<Observation>& out) {
  const std::string prefix = memory::space_prefix(KeyKind::kText, space_id);
  KeyRange range{prefix + std::string(span.first.view()),
                 prefix + std::string(span.last.view()) + '\0'};
  if (after) range.begin = std::max(range.begin, prefix + std::string(after->view()) + '\0');
  while (out.size() < options.limit && range.begin < range.end) {
    std::vector<Uuid> page;
    HOLDFAST_TRY(source.scan(range, [&](std::string_view key, std::string_view) {
      Uuid id;
      const std::string_view bytes = key.substr(prefix.size(), id.bytes.size());
      std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
      page.push_back(id);
      return page.size() < options.limit;
    }));
    if (page.empty()) return Status::ok();
    for (const Uuid& id : page) {
      HOLDFAST_ASSIGN(auto observation, memory::read_observation(source, space_id, id, false));
      if (!observation || !passes(*observation, options)) continue;
      out.push_back(std::move(*observation));
      if (out.size() == options.limit) break;
    }
    range.begin = prefix + std::string(page.back().view()) + '\0';
  }
  return Status::ok();
}

}  // namespace

Observations::Observations(std::shared_ptr<memory::Access> access) : access_(std::move(access)) {}

Result<std::string> Observations::add(const NewObservation& observation) const {
  HOLDFAST_ASSIGN(std::vector<AddedObservation> added, add_all({&observation, 1}));
  return std::move(added[0].id);
}

Result<std::vector<AddedObservation>> Observations::add_all(
    std::span<const NewObservation> observations) const {
  for (size_t i = 0; i < observations.size(); ++i) {
    HOLDFAST_TRY(memory::check_observation(observations[i]));
  }
  std::vector<AddedObservation> added(observations.size());
  HOLDFAST_TRY(find_existing(*access_, observations, added));

  search::Analyzer analyzer;
  std::vector<PreparedObservation> prepared;
  std::vector<size_t> places;  // of the prepared ones in `observations`
  for (size_t i = 0; i < observations.size(); ++i) {
    if (added[i].existed) continue;
    prepared.push_back(
        memory::prepare_observation(analyzer, observations[i], access_->next_stamp()));
    places.push_back(i);
  }
  if (prepared.empty()) return added;
  HOLDFAST_TRY(access_->write([&](KeyTarget& target, uint32_t space_id) {
    return write_missing(target, space_id, prepared, places, added);
  }));
  return added;
}

Result<Observation> Observations::get(std::string_view id) const {
  HOLDFAST_TRY(memory::parse_id_prefix(id).status());
  std::optional<Observation> observation;
  HOLDFAST_TRY(access_->read([&](KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(const Uuid found,
                    memory::resolve_id(source, space_id, id, access_->space_path()));
    HOLDFAST_ASSIGN(observation, memory::read_observation(source, space_id, found, true));
    return Status::ok();
  }));
  if (!observation) return memory::no_such_observation(id, access_->space_path());
  return std::move(*observation);
}

Status Observations::remove(std::string_view id) const {
  HOLDFAST_TRY(memory::parse_id_prefix(id).status());
  bool removed = false;
  HOLDFAST_TRY(access_->write_existing([&](KeyTarget& target, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(const Uuid found,
                    memory::resolve_id(target, space_id, id, access_->space_path()));
    HOLDFAST_ASSIGN(removed, memory::erase_observation(target, space_id, found));
    return Status::ok();
  }));
  return removed ? Status::ok() : memory::no_such_observation(id, access_->space_path());
}

Result<std::vector<Observation>> Observations::list(const ObservationListOptions& options) const {
  HOLDFAST_TRY(check_limit(options.limit));
  std::optional<Uuid> after;
  if (!options.after.empty()) {
    after = Uuid::parse(options.after);
    if (!after) {
      return Status(StatusCode::kInvalidArgument,
                    "`after` is not an id; give the id of the last observation of the page before");
    }
  }
  std::vector<Observation> observations;
  const std::optional<IdSpan> span = memory::ids_between(options.since_us, options.until_us);
  if (!span) return observations;
  HOLDFAST_TRY(access_->read([&](KeySource& source, uint32_t space_id) {
    const auto list = options.newest_first ? list_newest_first : list_oldest_first;
    return list(source, space_id, *span, after, options, observations);
  }));
  return observations;
}

Result<uint64_t> Observations::count() const {
  uint64_t count = 0;
  HOLDFAST_TRY(access_->read([&](KeySource& source, uint32_t space_id) {
    const std::string prefix = memory::space_prefix(KeyKind::kText, space_id);
    return source.scan(search::prefix_range(prefix), [&](std::string_view, std::string_view) {
      ++count;
      return true;
    });
  }));
  return count;
}

}  // namespace holdfast
