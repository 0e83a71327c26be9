// Vector parts: what stands for parts of a text, beside the vector of all of it, as bytes.
//
// | offset                   | size      | what                                   |
// |--------------------------|-----------|----------------------------------------|
// | 0                        | 1         | format, 1                              |
// | 1                        | 2         | numbers of each part: u16              |
// | 3 + i * (4 + numbers)    | 4         | of part i: what its numbers times: f32 |
// | 7 + i * (4 + numbers)    | `numbers` | its numbers: i8 each                   |
//
// A part has the length 1, give or take what the bytes leave out: only directions are kept.
//
// Who: search/ and memory/. Thread-safety: pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"

namespace holdfast::search {

using VectorPart = std::vector<float>;

// Errors: InvalidArgument: too many, of unlike dimensions, or one that has no direction or a value
// that is not finite.
Status check_parts(std::span<const VectorPart> parts);

// REQUIRES: check_parts().
std::string encode_parts(std::span<const VectorPart> parts);

// Errors: Corruption; Unsupported (another format).
Result<std::vector<VectorPart>> decode_parts(std::string_view bytes);

// The cosine of the nearest part; nullopt: they are of another dimension than `values`. Errors: as
// of decode_parts. REQUIRES: `values` have a direction.
Result<std::optional<double>> nearest_part(std::string_view bytes, std::span<const float> values);

}  // namespace holdfast::search
