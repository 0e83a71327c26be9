#include "memory/observation_mend.h"

#include <algorithm>

#include "memory/keys.h"
#include "memory/meter.h"
#include "memory/observation_index.h"
#include "memory/observation_store.h"

namespace holdfast::memory {
namespace {

using search::KeySource;
using search::KeyTarget;

constexpr size_t kNamesPerStep = 2'000;
constexpr size_t kRowsPerStep = 500;

// A row of kind kId or kIdempotency, and the observation that it names.
struct Name {
  std::string key;
  Uuid id;
};

Result<std::vector<Name>> names_in(KeySource& source, KeyKind kind, const KeyRange& range) {
  std::vector<Name> names;
  HOLDFAST_TRY(source.peek_scan(range, [&](std::string_view key, std::string_view value) {
    Name& name = names.emplace_back(Name{std::string(key), {}});
    const std::string_view id =
        kind == KeyKind::kId ? key.substr(key.size() - std::min(key.size(), sizeof(Uuid::bytes)))
                             : value;
    // What is no id names nothing that could be there.
    if (id.size() == sizeof(Uuid::bytes)) std::copy(id.begin(), id.end(), name.id.bytes.begin());
    return names.size() < kNamesPerStep;
  }));
  return names;
}

Result<bool> is_there(KeySource& source, uint32_t space_id, const Uuid& id) {
  HOLDFAST_ASSIGN(const auto row, source.peek(row_key(space_id, id)));
  return row.has_value();
}

// The same for each portion of names. `visit` gets those of observations that are not there.
template <typename Visit>
Result<bool> visit_vain(KeySource& source, uint32_t space_id, KeyKind kind, KeyRange& range,
                        Visit&& visit) {
  HOLDFAST_ASSIGN(const auto names, names_in(source, kind, range));
  for (const Name& name : names) {
    HOLDFAST_ASSIGN(const bool there, is_there(source, space_id, name.id));
    if (!there) HOLDFAST_TRY(visit(name.key));
  }
  if (!names.empty()) range.begin = names.back().key + '\0';
  return names.size() == kNamesPerStep;
}

Result<std::vector<Uuid>> rows_in(KeySource& source, const KeyRange& range) {
  std::vector<Uuid> ids;
  HOLDFAST_TRY(source.peek_scan(range, [&](std::string_view key, std::string_view) {
    ids.push_back(id_of_index(key));
    return ids.size() < kRowsPerStep;
  }));
  return ids;
}

// Names of a row that are missing, of those that an observation has.
Result<std::vector<std::string>> missing_names(KeySource& source, uint32_t space_id,
                                               const Uuid& id) {
  std::vector<std::string> missing;
  HOLDFAST_ASSIGN(const auto stored, read_row(source, space_id, id));
  if (!stored || stored->is_forgotten) return missing;
  std::vector<std::string> keys = {space_key(KeyKind::kId, space_id, id.view())};
  if (const auto& key = stored->row.observation.key) {
    keys.push_back(space_key(KeyKind::kIdempotency, space_id, *key));
  }
  for (std::string& key : keys) {
    HOLDFAST_ASSIGN(const auto value, source.get(key));
    if (!value) missing.push_back(std::move(key));
  }
  return missing;
}

Result<bool> is_miscounted(KeySource& source, uint32_t space_id) {
  uint64_t there = 0;
  for (const KeyKind kind : {KeyKind::kRow, KeyKind::kForgotten}) {
    HOLDFAST_TRY(source.peek_scan(search::prefix_range(space_prefix(kind, space_id)),
                                  [&](std::string_view, std::string_view) {
                                    ++there;
                                    return true;
                                  }));
  }
  HOLDFAST_ASSIGN(const uint64_t figure, read_figure(source, space_id, Figure::kObservations));
  return figure != there;
}

Status drop_vain_names(Access& access, KeyKind kind) {
  KeyRange range;
  for (bool more = true; more;) {
    KeyRange rest;
    HOLDFAST_TRY(access.write_existing([&](KeyTarget& target, uint32_t space_id) -> Status {
      rest = range.begin.empty() ? search::prefix_range(space_prefix(kind, space_id)) : range;
      // Read again and remembered: somebody may take the key meanwhile.
      const auto drop = [&](const std::string& key) -> Status {
        HOLDFAST_TRY(target.get(key).status());
        return target.del(key);
      };
      HOLDFAST_ASSIGN(more, visit_vain(target, space_id, kind, rest, drop));
      return Status::ok();
    }));
    range = rest;
  }
  return Status::ok();
}

Status write_missing_names(Access& access) {
  KeyRange range;
  for (bool more = true; more;) {
    KeyRange rest;
    HOLDFAST_TRY(access.write_existing([&](KeyTarget& target, uint32_t space_id) -> Status {
      const std::string prefix = space_prefix(KeyKind::kRow, space_id);
      rest = range.begin.empty() ? search::prefix_range(prefix) : range;
      HOLDFAST_ASSIGN(const std::vector<Uuid> ids, rows_in(target, rest));
      for (const Uuid& id : ids) {
        HOLDFAST_ASSIGN(const auto missing, missing_names(target, space_id, id));
        for (const std::string& key : missing) {
          const bool is_id = key.starts_with(space_prefix(KeyKind::kId, space_id));
          HOLDFAST_TRY(target.put(key, is_id ? std::string_view() : id.view()));
        }
      }
      if (!ids.empty()) rest.begin = row_key(space_id, ids.back()) + '\0';
      more = ids.size() == kRowsPerStep;
      return Status::ok();
    }));
    range = rest;
  }
  return Status::ok();
}

}  // namespace

Result<uint64_t> count_unmatched(KeySource& source, uint32_t space_id) {
  uint64_t count = 0;
  const auto add = [&](const std::string&) {
    ++count;
    return Status::ok();
  };
  for (const KeyKind kind : {KeyKind::kId, KeyKind::kIdempotency}) {
    KeyRange range = search::prefix_range(space_prefix(kind, space_id));
    for (bool more = true; more;) {
      HOLDFAST_ASSIGN(more, visit_vain(source, space_id, kind, range, add));
    }
  }
  KeyRange range = search::prefix_range(space_prefix(KeyKind::kRow, space_id));
  for (bool more = true; more;) {
    HOLDFAST_ASSIGN(const std::vector<Uuid> ids, rows_in(source, range));
    for (const Uuid& id : ids) {
      HOLDFAST_ASSIGN(const auto missing, missing_names(source, space_id, id));
      count += missing.size();
    }
    if (!ids.empty()) range.begin = row_key(space_id, ids.back()) + '\0';
    more = ids.size() == kRowsPerStep;
  }
  HOLDFAST_ASSIGN(const bool miscounted, is_miscounted(source, space_id));
  return count + (miscounted ? 1 : 0);
}

Status mend_names(Access& access) {
  HOLDFAST_TRY(drop_vain_names(access, KeyKind::kId));
  HOLDFAST_TRY(drop_vain_names(access, KeyKind::kIdempotency));
  HOLDFAST_TRY(write_missing_names(access));
  // Looked at first, without being remembered: counting anew conflicts with whoever adds meanwhile.
  bool is_wrong = false;
  HOLDFAST_TRY(access.read([&](KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(is_wrong, is_miscounted(source, space_id));
    return Status::ok();
  }));
  if (!is_wrong) return Status::ok();
  return access.write_existing([&](KeyTarget& target, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(const SpaceLimits limits, read_limits(target, space_id));
    return recount(target, space_id, limits);
  });
}

}  // namespace holdfast::memory
