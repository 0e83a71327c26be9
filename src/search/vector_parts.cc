#include "search/vector_parts.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/coding.h"
#include "holdfast/vector.h"
#include "search/vector_index.h"

namespace holdfast::search {
namespace {

constexpr uint8_t kPartsFormat = 1;
constexpr size_t kPartsHeaderSize = 3;
constexpr float kByteMax = 127;

double length_of(std::span<const float> values) {
  double square = 0;
  for (const float value : values) square += static_cast<double>(value) * value;
  return std::sqrt(square);
}

struct StoredPart {
  float scale = 0;
  const int8_t* numbers = nullptr;
};

struct StoredParts {
  size_t dimension = 0;
  size_t count = 0;
  const char* first = nullptr;

  StoredPart operator[](size_t i) const {
    const char* const at = first + i * (sizeof(float) + dimension);
    return {load_le<float>(at), reinterpret_cast<const int8_t*>(at + sizeof(float))};
  }
};

// `holdfast reindex` makes codes anew, not what was given.
Status malformed_parts() {
  return Status(StatusCode::kCorruption,
                "the parts of a vector are malformed; run `holdfast check`, and `holdfast embed "
                "--anew` to make them anew");
}

Result<StoredParts> read_stored(std::string_view bytes) {
  if (!bytes.empty() && static_cast<uint8_t>(bytes[0]) != kPartsFormat) {
    return Status(StatusCode::kUnsupported,
                  "the parts of a vector have format " +
                      std::to_string(static_cast<uint8_t>(bytes[0])) + ", this program reads " +
                      std::to_string(kPartsFormat) +
                      "; use the program that made them, or run `holdfast embed --anew`");
  }
  if (bytes.size() < kPartsHeaderSize) return malformed_parts();
  StoredParts parts;
  parts.dimension = load_le<uint16_t>(bytes.data() + 1);
  const size_t size = sizeof(float) + parts.dimension;
  if (parts.dimension < kDimensionMin || parts.dimension > kDimensionMax ||
      (bytes.size() - kPartsHeaderSize) % size != 0) {
    return malformed_parts();
  }
  parts.count = (bytes.size() - kPartsHeaderSize) / size;
  parts.first = bytes.data() + kPartsHeaderSize;
  for (size_t i = 0; i < parts.count; ++i) {
    const float scale = parts[i].scale;
    if (!std::isfinite(scale) || scale <= 0) return malformed_parts();
  }
  return parts;
}

}  // namespace

Status check_parts(std::span<const VectorPart> parts) {
  if (parts.size() > kVectorPartsMax) {
    return Status(StatusCode::kInvalidArgument, "a vector has at most " +
                                                    std::to_string(kVectorPartsMax) +
                                                    " parts; embed longer pieces of the text");
  }
  for (const VectorPart& part : parts) {
    if (part.size() < kDimensionMin || part.size() > kDimensionMax) {
      return Status(StatusCode::kInvalidArgument, "a part of a vector has " +
                                                      std::to_string(kDimensionMin) + " to " +
                                                      std::to_string(kDimensionMax) + " values");
    }
    const auto dimension = static_cast<uint32_t>(parts[0].size());
    HOLDFAST_TRY(check_vector({VectorMetric::cosine, dimension}, part));
  }
  return Status::ok();
}

std::string encode_parts(std::span<const VectorPart> parts) {
  const size_t dimension = parts.empty() ? kDimensionMin : parts[0].size();
  std::string out(kPartsHeaderSize, static_cast<char>(kPartsFormat));
  store_le(out.data() + 1, static_cast<uint16_t>(dimension));
  for (const VectorPart& part : parts) {
    CHECK(part.size() == dimension);
    float greatest = 0;
    for (const float value : part) greatest = std::max(greatest, std::abs(value));
    std::vector<float> numbers;
    for (const float value : part) numbers.push_back(std::round(value / greatest * kByteMax));
    // Of the numbers as rounded, so that what is stored has the length one.
    const auto scale = static_cast<float>(1 / length_of(numbers));
    out.resize(out.size() + sizeof(scale));
    store_le(out.data() + out.size() - sizeof(scale), scale);
    for (const float number : numbers) {
      out.push_back(static_cast<char>(static_cast<int8_t>(number)));
    }
  }
  return out;
}

Result<std::vector<VectorPart>> decode_parts(std::string_view bytes) {
  HOLDFAST_ASSIGN(const StoredParts stored, read_stored(bytes));
  std::vector<VectorPart> parts(stored.count);
  for (size_t i = 0; i < stored.count; ++i) {
    const StoredPart part = stored[i];
    for (size_t k = 0; k < stored.dimension; ++k) {
      parts[i].push_back(part.scale * static_cast<float>(part.numbers[k]));
    }
  }
  return parts;
}

Result<std::optional<double>> nearest_part(std::string_view bytes, std::span<const float> values) {
  HOLDFAST_ASSIGN(const StoredParts stored, read_stored(bytes));
  std::optional<double> nearest;
  if (stored.dimension != values.size()) return nearest;
  const double length = length_of(values);
  for (size_t i = 0; i < stored.count; ++i) {
    const StoredPart part = stored[i];
    // Sums of their own, which need no order, so that the compiler may take several at once.
    constexpr size_t kSums = 8;
    float sums[kSums] = {};
    size_t k = 0;
    for (; k + kSums <= values.size(); k += kSums) {
      for (size_t sum = 0; sum < kSums; ++sum) {
        sums[sum] += values[k + sum] * static_cast<float>(part.numbers[k + sum]);
      }
    }
    double product = 0;
    for (; k < values.size(); ++k) product += values[k] * static_cast<float>(part.numbers[k]);
    for (const float sum : sums) product += sum;
    const double cosine = std::clamp(product * part.scale / length, -1.0, 1.0);
    nearest = std::max(nearest.value_or(cosine), cosine);
  }
  return nearest;
}

}  // namespace holdfast::search
