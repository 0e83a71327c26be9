#include "store/touched.h"

#include <algorithm>
#include <string>

#include "base/hash.h"

namespace holdfast::store {
namespace {

// Who writes more than this holds COMMIT for long enough as it is.
constexpr uint32_t kKeysMax = 32;

uint64_t place_of(const ControlBlock& control, std::string_view key) {
  return hash_of(key, control.header.incarnation.load(std::memory_order_relaxed)) % kTouchedKeys;
}

// The version is published by the tail's release, which comes behind.
void raise(Shared<uint64_t>& version, uint64_t to) {
  if (version.load(std::memory_order_relaxed) < to) version.store(to, std::memory_order_relaxed);
}

}  // namespace

void touch_keys(ControlBlock& control, const log::PayloadBuilder& payload,
                const log::RecordHeader& header) {
  TouchedLine& touched = control.touched;
  if (payload.range_count() != 0 || payload.operation_count() > kKeysMax) {
    raise(touched.all, header.version);
    return;
  }
  log::PayloadReader reader(payload.payload());
  while (const auto operation = reader.next()) {
    const bool stamped = operation->kind == log::OperationKind::kPutStamped;
    const uint64_t place = stamped ? place_of(control, log::written_key(*operation, header.version))
                                   : place_of(control, operation->key);
    raise(touched.keys[place], header.version);
  }
}

uint64_t last_write(const ControlBlock& control, std::string_view key) {
  const TouchedLine& touched = control.touched;
  return std::max(touched.all.load(std::memory_order_relaxed),
                  touched.keys[place_of(control, key)].load(std::memory_order_relaxed));
}

}  // namespace holdfast::store
