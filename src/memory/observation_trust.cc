// Trust that follows provenance, and the settings of a space's observations.
#include <algorithm>
#include <deque>
#include <map>

#include "memory/fields.h"
#include "memory/keys.h"
#include "memory/observation_store.h"

namespace holdfast::memory {
namespace {

enum SettingsField : uint32_t {
  kEnabled = 1,
  kBuiltin = 2,
  kRule = 3,
  kException = 4,
  kLanguage = 5
};
enum RuleField : uint32_t { kName = 1, kPrefix = 2, kAlphabet = 3, kSizeMin = 4 };

std::string settings_key(uint32_t space_id) {
  return space_prefix(KeyKind::kObservationSettings, space_id);
}

}  // namespace

Result<double> effective_trust(search::KeySource& source, uint32_t space_id,
                               std::optional<double> own, const std::vector<std::string>& sources) {
  double least = own.value_or(1);
  for (const std::string& from : sources) {
    HOLDFAST_ASSIGN(const auto stored, read_row(source, space_id, *Uuid::parse(from)));
    if (!stored) {
      return Status(StatusCode::kNotFound, "there is no observation " + from +
                                               ", which it is to be derived from; add that before");
    }
    least = std::min(least, stored->row.observation.effective_trust);
  }
  return least;
}

Result<double> effective_trust_of(search::KeySource& source, uint32_t space_id,
                                  const Observation& observation) {
  double least = observation.trust.value_or(1);
  for (const std::string& from : observation.derived_from) {
    HOLDFAST_ASSIGN(const auto stored, read_row(source, space_id, *Uuid::parse(from)));
    least = std::min(
        least, stored ? stored->row.observation.effective_trust : observation.effective_trust);
  }
  return least;
}

Status follow_trust(search::KeyTarget& target, uint32_t space_id, const Uuid& id) {
  std::deque<Uuid> changed = {id};
  size_t followed = 0;
  while (!changed.empty()) {
    const std::string prefix = space_key(KeyKind::kDerived, space_id, changed.front().view());
    changed.pop_front();
    std::vector<Uuid> derived;
    HOLDFAST_TRY(
        target.scan(search::prefix_range(prefix), [&](std::string_view key, std::string_view) {
          Uuid& one = derived.emplace_back();
          const std::string_view bytes = key.substr(prefix.size());
          std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(one.bytes.data()));
          return true;
        }));
    for (const Uuid& one : derived) {
      if (++followed > kTrustFollowedMax) {
        return Status(StatusCode::kTooLarge,
                      "more than " + std::to_string(kTrustFollowedMax) +
                          " observations are derived from it; supersede it instead of changing it");
      }
      HOLDFAST_ASSIGN(auto stored, read_row(target, space_id, one));
      if (!stored) continue;
      Observation& observation = stored->row.observation;
      HOLDFAST_ASSIGN(const double now, effective_trust_of(target, space_id, observation));
      if (now == observation.effective_trust) continue;
      observation.effective_trust = now;
      HOLDFAST_TRY(put_row(target, space_id, one, *stored));
      changed.push_back(one);
    }
  }
  return Status::ok();
}

Result<ObservationSettings> read_settings(search::KeySource& source, uint32_t space_id) {
  ObservationSettings settings;
  HOLDFAST_ASSIGN(const auto bytes, source.get(settings_key(space_id)));
  if (!bytes) return settings;
  constexpr std::string_view kWhat = "the settings of observations";
  HOLDFAST_ASSIGN(const FieldReader fields, FieldReader::parse(*bytes, kWhat));
  settings.redaction.enabled = fields.number_or(kEnabled, 1) != 0;
  settings.redaction.builtin = fields.number_or(kBuiltin, 1) != 0;
  settings.redaction.exceptions = fields.texts(kException);
  settings.language = fields.text(kLanguage);
  for (const std::string& stored : fields.texts(kRule)) {
    HOLDFAST_ASSIGN(const FieldReader of_rule, FieldReader::parse(stored, kWhat));
    RedactionRule& rule = settings.redaction.rules.emplace_back();
    rule.name = of_rule.text_or_empty(kName);
    rule.prefix = of_rule.text_or_empty(kPrefix);
    rule.alphabet = static_cast<SecretAlphabet>(of_rule.number_or(kAlphabet, 0) & 3);
    rule.size_min = of_rule.number_or(kSizeMin, 1);
  }
  return settings;
}

Status write_settings(search::KeyTarget& target, uint32_t space_id,
                      const ObservationSettings& settings) {
  FieldWriter fields;
  fields.number(kEnabled, settings.redaction.enabled ? 1 : 0)
      .number(kBuiltin, settings.redaction.builtin ? 1 : 0)
      .texts(kException, settings.redaction.exceptions)
      .text_if(kLanguage, settings.language);
  for (const RedactionRule& rule : settings.redaction.rules) {
    FieldWriter of_rule;
    of_rule.text(kName, rule.name)
        .text(kPrefix, rule.prefix)
        .number(kAlphabet, static_cast<uint64_t>(rule.alphabet))
        .number(kSizeMin, rule.size_min);
    fields.text(kRule, of_rule.bytes());
  }
  return target.put(settings_key(space_id), fields.bytes());
}

}  // namespace holdfast::memory
