#include "store/number.h"

#include <algorithm>

#include "base/coding.h"
#include "holdfast/transaction.h"

namespace holdfast {

std::string encode_number(int64_t number) {
  const std::array<char, 8> bytes = store::number_bytes(number);
  return {bytes.data(), bytes.size()};
}

std::optional<int64_t> decode_number(std::string_view value) {
  return store::number_of(value);
}

namespace store {
namespace {

int64_t wrapping_sum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

}  // namespace

std::optional<int64_t> number_of(std::string_view value) {
  if (value.size() != sizeof(int64_t)) return std::nullopt;
  return load_le<int64_t>(value.data());
}

std::array<char, 8> number_bytes(int64_t number) {
  std::array<char, 8> bytes;
  store_le(bytes.data(), number);
  return bytes;
}

int64_t changed_number(std::optional<int64_t> base, const NumberChange& change) {
  if (change.kind == log::OperationKind::kAdd)
    return wrapping_sum(base.value_or(0), change.operand);
  return base ? std::max(*base, change.operand) : change.operand;
}

void append_change(std::vector<NumberChange>& changes, const NumberChange& change) {
  if (changes.empty() || changes.back().kind != change.kind) {
    changes.push_back(change);
  } else {
    changes.back().operand = changed_number(changes.back().operand, change);
  }
}

std::optional<std::array<char, 8>> changed_value(std::optional<std::string_view> base,
                                                 const std::vector<NumberChange>& changes) {
  std::optional<int64_t> number;
  if (base) {
    number = number_of(*base);
    if (!number) return std::nullopt;
  }
  for (const NumberChange& change : changes) number = changed_number(number, change);
  return number_bytes(number.value_or(0));
}

}  // namespace store
}  // namespace holdfast
