#include "memory/observation_strength.h"

#include <algorithm>
#include <cmath>

#include "base/ordered_key.h"
#include "memory/keys.h"

namespace holdfast {
namespace memory {
namespace {

constexpr char kAccesses = 'a';
constexpr char kConfirmations = 'c';
constexpr char kContradictions = 'x';
constexpr char kRenewed = 't';
constexpr double kUnknownShare = 0.5;  // of confidence or importance that nobody gave

std::string strength_prefix(uint32_t space_id, const Uuid& id) {
  return space_key(KeyKind::kStrength, space_id, id.view());
}

char part_of(Reinforcement reinforcement) {
  switch (reinforcement) {
    case Reinforcement::access:
      return kAccesses;
    case Reinforcement::confirmation:
      return kConfirmations;
    case Reinforcement::contradiction:
      return kContradictions;
  }
  return kAccesses;
}

// Calls with each part and its number.
Status for_each_part(search::KeySource& source, uint32_t space_id, const Uuid& id,
                     const std::function<void(char part, int64_t number)>& visit) {
  return source.peek_scan(search::prefix_range(strength_prefix(space_id, id)),
                          [&](std::string_view key, std::string_view value) {
                            visit(key.back(), decode_number(value).value_or(0));
                            return true;
                          });
}

void judge(const Observation& observation, int64_t now_us, Strength& strength) {
  const auto used = static_cast<double>(strength.accesses);
  const auto confirmed = static_cast<double>(strength.confirmations);
  const auto contradicted = static_cast<double>(strength.contradictions);
  strength.confidence = (2 * observation.confidence.value_or(kUnknownShare) + confirmed) /
                        (2 + confirmed + contradicted);
  strength.confidence = std::clamp(strength.confidence, 0.0, 1.0);
  const double half_life_us = static_cast<double>(kHalfLifeUs) *
                              (1 + observation.importance.value_or(kUnknownShare)) *
                              (1 + std::log2(1 + used + 2 * confirmed));
  const auto age_us = static_cast<double>(std::max<int64_t>(now_us - strength.renewed_us, 0));
  strength.retention = std::exp2(-age_us / half_life_us);
}

}  // namespace

Result<Strength> read_strength(search::KeySource& source, uint32_t space_id, const Uuid& id,
                               const Observation& observation, int64_t now_us) {
  Strength strength;
  strength.renewed_us = observation.created_us;
  HOLDFAST_TRY(for_each_part(source, space_id, id, [&](char part, int64_t number) {
    const auto count = static_cast<uint64_t>(number);
    if (part == kAccesses) strength.accesses = count;
    if (part == kConfirmations) strength.confirmations = count;
    if (part == kContradictions) strength.contradictions = count;
    if (part == kRenewed) strength.renewed_us = std::max(number, observation.created_us);
  }));
  judge(observation, now_us, strength);
  return strength;
}

Status write_reinforcement(search::KeyTarget& target, uint32_t space_id, const Uuid& id,
                           Reinforcement reinforcement, int64_t now_us) {
  const std::string prefix = strength_prefix(space_id, id);
  HOLDFAST_TRY(target.add(prefix + part_of(reinforcement), 1));
  // What is contradicted fades on.
  if (reinforcement == Reinforcement::contradiction) return Status::ok();
  return target.raise(prefix + kRenewed, now_us);
}

Status inherit_strength(search::KeyTarget& target, uint32_t space_id, const Uuid& from,
                        const Uuid& to) {
  std::vector<std::pair<char, int64_t>> parts;
  HOLDFAST_TRY(for_each_part(target, space_id, from,
                             [&](char part, int64_t number) { parts.emplace_back(part, number); }));
  const std::string prefix = strength_prefix(space_id, to);
  for (const auto& [part, number] : parts) {
    HOLDFAST_TRY(part == kRenewed ? target.raise(prefix + part, number)
                                  : target.add(prefix + part, number));
  }
  return Status::ok();
}

Status erase_strength(search::KeyTarget& target, uint32_t space_id, const Uuid& id) {
  return target.del_range(search::prefix_range(strength_prefix(space_id, id)));
}

}  // namespace memory

Status Observations::reinforce(std::span<const std::string> ids,
                               Reinforcement reinforcement) const {
  if (ids.size() > kReinforcedMax) {
    return Status(StatusCode::kTooLarge, "at most " + std::to_string(kReinforcedMax) +
                                             " observations are reinforced at once");
  }
  for (const std::string& id : ids) HOLDFAST_TRY(memory::parse_id_prefix(id).status());
  if (ids.empty()) return Status::ok();
  std::optional<std::string> missing = ids.front();  // where not even the space is there
  HOLDFAST_TRY(access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    missing.reset();
    std::vector<Uuid> named;
    for (const std::string& text : ids) {
      HOLDFAST_ASSIGN(const Uuid id,
                      memory::resolve_id(target, space_id, text, access_->space_path()));
      HOLDFAST_ASSIGN(const auto stored, memory::read_row(target, space_id, id));
      if (!stored) missing = text;
      if (!stored) return Status::ok();
      HOLDFAST_TRY(memory::check_live(*stored));
      named.push_back(id);
    }
    const int64_t now_us = access_->now_us();
    for (const Uuid& id : named) {
      HOLDFAST_TRY(memory::write_reinforcement(target, space_id, id, reinforcement, now_us));
    }
    return Status::ok();
  }));
  return missing ? memory::no_such_observation(*missing, access_->space_path()) : Status::ok();
}

Result<Strength> Observations::strength(std::string_view id) const {
  HOLDFAST_TRY(memory::parse_id_prefix(id).status());
  std::optional<Strength> strength;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(const Uuid named,
                    memory::resolve_id(source, space_id, id, access_->space_path()));
    HOLDFAST_ASSIGN(const auto stored, memory::read_row(source, space_id, named));
    if (!stored) return Status::ok();
    HOLDFAST_ASSIGN(strength, memory::read_strength(source, space_id, named,
                                                    stored->row.observation, access_->now_us()));
    return Status::ok();
  }));
  if (!strength) return memory::no_such_observation(id, access_->space_path());
  return *strength;
}

}  // namespace holdfast
