#include "store/change.h"

#include <vector>

#include "base/check.h"
#include "store/number.h"

namespace holdfast::store {
namespace {

using log::OperationKind;

bool is_number_change(const Change& change) {
  return change.kind == OperationKind::kAdd || change.kind == OperationKind::kMax;
}

}  // namespace

Change change_of(const log::Operation& operation, uint64_t order, uint64_t version,
                 uint64_t time_us) {
  OperationKind kind = operation.kind;
  CHECK(kind != OperationKind::kDeleteRange);
  if (kind == OperationKind::kPutStamped) {
    log::write_stamp(operation.stamp, version, time_us, const_cast<char*>(operation.key.data()),
                     const_cast<char*>(operation.value.data()));
    kind = OperationKind::kPut;
  }
  return {operation.key, operation.value, operation.operand, order, kind};
}

Result<std::optional<tree::Operation>> net_effect(std::span<const Change> changes, bool is_absent,
                                                  const tree::PageSource& pages,
                                                  const tree::Root& root, tree::Arena& values) {
  using Effect = std::optional<tree::Operation>;
  const std::string_view key = changes.front().key;
  size_t first_number = changes.size();  // of those behind the last put or deletion
  while (first_number > 0 && is_number_change(changes[first_number - 1])) --first_number;
  bool is_known = is_absent;
  std::optional<std::string_view> base;
  if (first_number > 0) {
    const Change& last = changes[first_number - 1];
    is_known = true;
    if (last.kind == OperationKind::kPut) base = last.value;
  }
  if (first_number == changes.size()) return Effect({key, base});
  if (!is_known) {
    HOLDFAST_ASSIGN(const auto found, tree::find(pages, root, key));
    if (found) {
      HOLDFAST_ASSIGN(base, tree::value_bytes(pages, *found));
    }
  }
  std::vector<NumberChange> numbers;
  for (const Change& change : changes.subspan(first_number)) {
    append_change(numbers, {change.kind, change.operand});
  }
  if (const auto value = changed_value(base, numbers)) {
    return Effect({key, values.copy({value->data(), value->size()})});
  }
  if (is_known) return Effect({key, base});
  return Effect();
}

}  // namespace holdfast::store
