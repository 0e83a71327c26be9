// The small decoders: ordered keys, payloads of the log, varints, UUIDs, times, UTF-8. What is
// taken apart and put together again is what it was.
#include <optional>

#include "base/check.h"
#include "base/coding.h"
#include "base/ordered_key.h"
#include "base/time_text.h"
#include "base/utf8.h"
#include "base/uuid.h"
#include "fuzz/target.h"
#include "log/record.h"

namespace holdfast::fuzz {
namespace {

void ordered_keys(std::string_view bytes) {
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const std::string_view before = rest;
    std::string again;
    if (const auto text = take_ordered_string(rest)) {
      append_ordered_string(again, *text);
    } else {
      CHECK(rest == before);
      const auto number = take_ordered_u64(rest);
      if (!number) break;
      append_ordered_u64(again, *number);
    }
    CHECK(again == before.substr(0, before.size() - rest.size()));
  }
  const std::string end = ordered_prefix_end(bytes);
  CHECK(end.empty() || end > bytes);
}

void ordered_strings(Input input) {
  const std::string a(input.take(input.number() % 16)), b(input.rest());
  std::string a_bytes, b_bytes;
  append_ordered_string(a_bytes, a);
  append_ordered_string(b_bytes, b);
  CHECK((a < b) == (a_bytes < b_bytes));
}

void payload(std::string_view bytes) {
  log::PayloadReader reader(bytes);
  while (const auto operation = reader.next()) {
    (void)log::written_key(*operation, 7);
    (void)log::writes_into(*operation, 7, "a", "");
  }
  (void)reader.status();
}

void run(const uint8_t* data, size_t size) {
  Input input(data, size);
  const uint64_t choice = input.number() % 4;
  if (choice == 1) return ordered_strings(input);
  const std::string_view bytes = input.rest();
  if (choice == 0) ordered_keys(bytes);
  if (choice == 2) payload(bytes);
  if (choice == 3) {
    std::string_view rest = bytes;
    while (take_varint(rest)) {
    }
    rest = bytes;
    while (take_string(rest)) {
    }
    (void)utf8_first_bad_byte(bytes);
    if (const auto uuid = Uuid::parse(bytes)) CHECK(Uuid::parse(uuid->to_text()) == uuid);
    if (const auto time_us = parse_time(bytes)) CHECK(parse_time(time_text(*time_us)) == time_us);
  }
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  holdfast::fuzz::run(data, size);
  return 0;
}
