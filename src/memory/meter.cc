#include "memory/meter.h"

#include <algorithm>

#include "memory/fields.h"
#include "memory/keys.h"
#include "memory/kv_rows.h"
#include "memory/observation_index.h"
#include "memory/observation_tiers.h"

namespace holdfast::memory {
namespace {

enum LimitField : uint32_t {
  kObservationsField = 1,
  kObservationBytesField = 2,
  kValuesField = 3,
  kValueBytesField = 4,
};

std::string figure_key(uint32_t space_id, Figure figure) {
  const char name = static_cast<char>(figure);
  return space_key(KeyKind::kSpaceFigure, space_id, {&name, 1});
}

uint64_t number_of(const std::optional<std::string>& bytes) {
  const int64_t number = bytes ? decode_number(*bytes).value_or(0) : 0;
  return static_cast<uint64_t>(std::max<int64_t>(number, 0));
}

struct Charge {
  Figure figure;
  uint64_t limit;  // 0: none
  int64_t more;
  std::string_view what;
};

Status check_room(search::KeySource& source, uint32_t space_id, const Charge& charge,
                  std::string_view space_path) {
  if (charge.limit == 0 || charge.more <= 0) return Status::ok();
  const std::string key = figure_key(space_id, charge.figure);
  const auto more = static_cast<uint64_t>(charge.more);
  const auto room = [&](uint64_t held) { return charge.limit - std::min(charge.limit, held); };
  // So much may others add between this look and the commit without going beyond the limit.
  const uint64_t ample = charge.limit / 8;
  HOLDFAST_ASSIGN(const auto seen, source.peek(key));
  if (room(number_of(seen)) >= more + ample) return Status::ok();
  HOLDFAST_ASSIGN(const auto exact, source.get(key));
  const uint64_t held = number_of(exact);
  if (room(held) >= more) return Status::ok();
  return Status(StatusCode::kNoSpace,
                "space \"" + std::string(space_path) + "\" may hold " +
                    std::to_string(charge.limit) + " " + std::string(charge.what) + ", has " +
                    std::to_string(held) + ", and " + std::to_string(more) +
                    " would be added; remove some, or raise its limit (holdfast space limit)");
}

struct Counted {
  int64_t observations = 0;
  int64_t observation_bytes = 0;
  int64_t values = 0;
  int64_t value_bytes = 0;
};

Status count_observations(search::KeyTarget& target, uint32_t space_id, KeyKind kind,
                          Counted& counted) {
  Status failure;
  HOLDFAST_TRY(target.scan(search::prefix_range(space_prefix(kind, space_id)),
                           [&](std::string_view, std::string_view value) {
                             const auto row = decode_row(Uuid(), value);
                             failure = row.status();
                             if (!row) return false;
                             ++counted.observations;
                             counted.observation_bytes += charged_bytes(row->observation);
                             return true;
                           }));
  return failure;
}

Status count_values(search::KeyTarget& target, uint32_t space_id, Counted& counted) {
  Status failure;
  HOLDFAST_TRY(target.scan(search::prefix_range(space_prefix(KeyKind::kKv, space_id)),
                           [&](std::string_view, std::string_view value) {
                             const auto row = parse_kv_row(value);
                             failure = row.status();
                             if (!row) return false;
                             ++counted.values;
                             counted.value_bytes += static_cast<int64_t>(row->content.value.size());
                             return true;
                           }));
  HOLDFAST_TRY(failure);
  HOLDFAST_TRY(target.scan(search::prefix_range(space_prefix(KeyKind::kKvBlob, space_id)),
                           [&](std::string_view, std::string_view value) {
                             const auto ref = decode_blob_ref(value);
                             failure = ref.status();
                             if (!ref) return false;
                             counted.value_bytes += static_cast<int64_t>(ref->size);
                             return true;
                           }));
  return failure;
}

}  // namespace

Result<SpaceLimits> read_limits(search::KeySource& source, uint32_t space_id) {
  SpaceLimits limits;
  HOLDFAST_ASSIGN(const auto bytes, source.get(space_prefix(KeyKind::kSpaceLimits, space_id)));
  if (!bytes) return limits;
  HOLDFAST_ASSIGN(const auto fields, FieldReader::parse(*bytes, "limits of a space"));
  limits.observations = fields.number_or(kObservationsField, 0);
  limits.observation_bytes = fields.number_or(kObservationBytesField, 0);
  limits.values = fields.number_or(kValuesField, 0);
  limits.value_bytes = fields.number_or(kValueBytesField, 0);
  return limits;
}

Status write_limits(search::KeyTarget& target, uint32_t space_id, const SpaceLimits& limits) {
  FieldWriter fields;
  fields.number(kObservationsField, limits.observations)
      .number(kObservationBytesField, limits.observation_bytes)
      .number(kValuesField, limits.values)
      .number(kValueBytesField, limits.value_bytes);
  return target.put(space_prefix(KeyKind::kSpaceLimits, space_id), fields.bytes());
}

Status charge(search::KeyTarget& target, uint32_t space_id, Figure figure, int64_t delta) {
  return delta == 0 ? Status::ok() : target.add(figure_key(space_id, figure), delta);
}

Result<uint64_t> read_figure(search::KeySource& source, uint32_t space_id, Figure figure) {
  HOLDFAST_ASSIGN(const auto bytes, source.get(figure_key(space_id, figure)));
  return number_of(bytes);
}

Status recount(search::KeyTarget& target, uint32_t space_id, const SpaceLimits& limits) {
  Counted counted;
  HOLDFAST_TRY(count_observations(target, space_id, KeyKind::kRow, counted));
  HOLDFAST_TRY(count_observations(target, space_id, KeyKind::kForgotten, counted));
  // Contents that stand under keys of their own are not in the rows.
  HOLDFAST_TRY(target.scan(search::prefix_range(space_prefix(KeyKind::kContent, space_id)),
                           [&](std::string_view, std::string_view value) {
                             counted.observation_bytes += static_cast<int64_t>(value.size());
                             return true;
                           }));
  Status failure;
  const std::string cold = space_prefix(KeyKind::kColdContent, space_id);
  HOLDFAST_TRY(
      target.scan(search::prefix_range(cold), [&](std::string_view key, std::string_view value) {
        // The first part says the size.
        if (key.size() > cold.size() + sizeof(Uuid::bytes)) return true;
        const auto size = cold_size(id_of_key(key), value);
        failure = size.status();
        if (size) counted.observation_bytes += static_cast<int64_t>(*size);
        return failure.is_ok();
      }));
  HOLDFAST_TRY(failure);
  if (counts_values(limits)) HOLDFAST_TRY(count_values(target, space_id, counted));
  const auto set = [&](Figure figure, int64_t number) {
    return target.put(figure_key(space_id, figure), encode_number(number));
  };
  HOLDFAST_TRY(set(Figure::kObservations, counted.observations));
  HOLDFAST_TRY(set(Figure::kObservationBytes, counted.observation_bytes));
  HOLDFAST_TRY(set(Figure::kValues, counted.values));
  return set(Figure::kValueBytes, counted.value_bytes);
}

Status check_observation_room(search::KeySource& source, uint32_t space_id, int64_t count,
                              int64_t bytes, std::string_view space_path) {
  if (count <= 0 && bytes <= 0) return Status::ok();
  HOLDFAST_ASSIGN(const SpaceLimits limits, read_limits(source, space_id));
  HOLDFAST_TRY(check_room(source, space_id,
                          {Figure::kObservations, limits.observations, count, "observations"},
                          space_path));
  return check_room(
      source, space_id,
      {Figure::kObservationBytes, limits.observation_bytes, bytes, "bytes of observations"},
      space_path);
}

Status check_value_room(search::KeySource& source, uint32_t space_id, const SpaceLimits& limits,
                        int64_t count, int64_t bytes, std::string_view space_path) {
  HOLDFAST_TRY(
      check_room(source, space_id, {Figure::kValues, limits.values, count, "values"}, space_path));
  return check_room(source, space_id,
                    {Figure::kValueBytes, limits.value_bytes, bytes, "bytes of values"},
                    space_path);
}

}  // namespace holdfast::memory
