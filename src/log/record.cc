#include "log/record.h"

#include <cstring>

#include "base/coding.h"
#include "base/crc32c.h"

namespace holdfast::log {
namespace {

std::string_view after_crc(const RecordHeader& header) {
  const char* bytes = reinterpret_cast<const char*>(&header);
  return {bytes + sizeof(header.header_crc), sizeof(header) - sizeof(header.header_crc)};
}

uint32_t header_crc(const SegmentHeader& header) {
  return crc32c({reinterpret_cast<const char*>(&header), offsetof(SegmentHeader, crc)});
}

}  // namespace

uint32_t salt_seed(uint64_t salt) {
  return static_cast<uint32_t>(salt ^ salt >> 32);
}

void seal(RecordHeader& header, uint64_t salt) {
  header.header_crc = crc32c(after_crc(header), salt_seed(salt));
}

bool sealed(const RecordHeader& header, uint64_t salt) {
  return header.header_crc == crc32c(after_crc(header), salt_seed(salt));
}

void seal(SegmentHeader& header) {
  header.crc = header_crc(header);
}

bool segment_header_valid(const SegmentHeader& header) {
  return header.magic == kSegmentMagic && header.format_version == kFormatVersion &&
         header.header_size == kSegmentHeaderSize && header.crc == header_crc(header);
}

PayloadBuilder::PayloadBuilder(std::string_view actor) : bytes_(sizeof(RecordHeader), '\0') {
  append_string(bytes_, actor);
}

std::string_view PayloadBuilder::record(const RecordHeader& header) {
  std::memcpy(bytes_.data(), &header, sizeof(header));
  return bytes_;
}

void PayloadBuilder::put(std::string_view key, std::string_view value) {
  bytes_.push_back(static_cast<char>(OperationKind::kPut));
  append_string(bytes_, key);
  append_string(bytes_, value);
  ++operation_count_;
}

void PayloadBuilder::del(std::string_view key) {
  bytes_.push_back(static_cast<char>(OperationKind::kDelete));
  append_string(bytes_, key);
  ++operation_count_;
}

PayloadReader::PayloadReader(std::string_view payload) : rest_(payload) {
  if (payload.empty()) return;
  if (auto actor = take_string(rest_)) {
    actor_ = *actor;
  } else {
    malformed_ = true;
    rest_ = {};
  }
}

std::optional<Operation> PayloadReader::next() {
  if (rest_.empty()) return std::nullopt;
  Operation operation{static_cast<OperationKind>(rest_.front()), {}, {}};
  rest_.remove_prefix(1);
  const bool is_put = operation.kind == OperationKind::kPut;
  auto key = take_string(rest_);
  auto value = key && is_put ? take_string(rest_) : std::optional<std::string_view>("");
  if (!key || !value || (!is_put && operation.kind != OperationKind::kDelete)) {
    malformed_ = true;
    rest_ = {};
    return std::nullopt;
  }
  operation.key = *key;
  operation.value = *value;
  return operation;
}

}  // namespace holdfast::log
