// Ordered keys: tuples of strings and integers as bytes whose bytewise order is the order of the
// tuples. For memory/ and search/, which build their keys of them.
//
// Thread-safety: pure functions.
// Invariants:
//   1. encode(a) < encode(b) bytewise exactly when a < b element by element.
//   2. No encoded element is a proper prefix of another of its kind, so a key that begins with
//      encode(tuple) belongs to that tuple: "acme" never reaches "acme-corp".
//   3. A value has one encoding; anything else is refused by take_*.
//
// Form: a string is its bytes with 00 written as 00 ff, then 00 01; an integer is 8 bytes, big end
// first. A prefix of a tuple is the bytes up to an element's end, so [key, ordered_prefix_end(key))
// holds all that is below it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

void append_ordered_string(std::string& out, std::string_view value);
void append_ordered_u64(std::string& out, uint64_t value);

// Take an element off the front of `bytes`; nullopt (bytes unchanged) when truncated or malformed.
std::optional<std::string> take_ordered_string(std::string_view& bytes);
std::optional<uint64_t> take_ordered_u64(std::string_view& bytes);

// The least key greater than every key that begins with `prefix`; empty when there is none, that
// is, when the prefix is empty or all ff.
std::string ordered_prefix_end(std::string_view prefix);

}  // namespace holdfast
