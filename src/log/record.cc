#include "log/record.h"

#include <cstring>
#include <limits>

#include "base/check.h"
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

// The common case of take_string: fewer than 128 bytes.
inline std::optional<std::string_view> take_short_string(std::string_view& bytes) {
  if (bytes.empty()) return std::nullopt;
  const auto size = static_cast<uint8_t>(bytes.front());
  if (size >= 0x80 || size >= bytes.size()) return take_string(bytes);
  const std::string_view value = bytes.substr(1, size);
  bytes.remove_prefix(1 + size_t{size});
  return value;
}

constexpr uint8_t kStampDescending = 1;
constexpr uint8_t kStampHasTime = 2;
constexpr uint8_t kStampInValue = 4;
constexpr uint8_t kStampNowhere = 8;
constexpr uint8_t kStampKnown = kStampDescending | kStampHasTime | kStampInValue | kStampNowhere;

uint8_t flags_of(const Stamp& stamp) {
  return static_cast<uint8_t>((stamp.descending ? kStampDescending : 0) |
                              (stamp.has_time ? kStampHasTime : 0) |
                              (stamp.in_value() ? kStampInValue : 0) |
                              (stamp.place == StampPlace::kNowhere ? kStampNowhere : 0));
}

bool has_room(const Stamp& stamp, std::string_view key, std::string_view value) {
  return (!stamp.in_key() || uint64_t{stamp.key_offset} + Stamp::kSize <= key.size()) &&
         value.size() >= stamp.value_room();
}

}  // namespace

void write_stamp(const Stamp& stamp, uint64_t version, uint64_t time_us, char* key, char* value) {
  const uint64_t shown = stamp.descending ? ~version : version;
  for (size_t i = 0; stamp.in_key() && i < Stamp::kSize; ++i) {
    key[stamp.key_offset + i] = static_cast<char>(shown >> (56 - 8 * i));
  }
  if (stamp.has_time) store_le(value, time_us);
  if (stamp.in_value()) store_le(value + (stamp.has_time ? Stamp::kSize : 0), shown);
}

std::string written_key(const Operation& operation, uint64_t version) {
  std::string key(operation.key);
  if (operation.kind == OperationKind::kPutStamped && operation.stamp.in_key()) {
    Stamp stamp = operation.stamp;
    stamp.has_time = false;
    write_stamp(stamp, version, 0, key.data(), nullptr);
  }
  return key;
}

bool writes_into(const Operation& operation, uint64_t version, std::string_view begin,
                 std::string_view end) {
  if (operation.kind == OperationKind::kDeleteRange) {
    return (end.empty() || operation.key < end) &&
           (operation.value.empty() || begin < operation.value);
  }
  const auto inside = [&](std::string_view key) {
    return key >= begin && (end.empty() || key < end);
  };
  if (operation.kind != OperationKind::kPutStamped) return inside(operation.key);
  return inside(written_key(operation, version));
}

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

void PayloadBuilder::reserve(size_t operations, size_t bytes) {
  constexpr size_t kKindAndSizesMax = 24;
  bytes_.reserve(bytes_.size() + operations * kKindAndSizesMax + bytes);
}

std::string_view PayloadBuilder::record(const RecordHeader& header) {
  std::memcpy(bytes_.data(), &header, sizeof(header));
  return bytes_;
}

void PayloadBuilder::begin(OperationKind kind) {
  bytes_.push_back(static_cast<char>(kind));
  ++operation_count_;
}

void PayloadBuilder::put(std::string_view key, std::string_view value) {
  begin(OperationKind::kPut);
  append_string(bytes_, key);
  append_string(bytes_, value);
}

void PayloadBuilder::del(std::string_view key) {
  begin(OperationKind::kDelete);
  append_string(bytes_, key);
}

void PayloadBuilder::put_stamped(std::string_view key, std::string_view value, const Stamp& stamp) {
  CHECK(has_room(stamp, key, value));
  begin(OperationKind::kPutStamped);
  bytes_.push_back(static_cast<char>(flags_of(stamp)));
  append_varint(bytes_, stamp.key_offset);
  append_string(bytes_, key);
  append_string(bytes_, value);
}

void PayloadBuilder::change_number(OperationKind kind, std::string_view key, int64_t operand) {
  CHECK(kind == OperationKind::kAdd || kind == OperationKind::kMax);
  begin(kind);
  append_string(bytes_, key);
  char bytes[sizeof(operand)];
  store_le(bytes, operand);
  bytes_.append(bytes, sizeof(bytes));
}

void PayloadBuilder::delete_range(std::string_view begin_key, std::string_view end_key) {
  begin(OperationKind::kDeleteRange);
  append_string(bytes_, begin_key);
  append_string(bytes_, end_key);
  ++range_count_;
}

PayloadReader::PayloadReader(std::string_view payload) : rest_(payload) {
  if (payload.empty()) return;
  if (auto actor = take_short_string(rest_)) {
    actor_ = *actor;
  } else {
    stop(End::kMalformed);
  }
}

PayloadReader PayloadReader::of_operations(std::string_view bytes) {
  PayloadReader reader({});
  reader.rest_ = bytes;
  return reader;
}

std::optional<Operation> PayloadReader::stop(End end) {
  end_ = end;
  rest_ = {};
  return std::nullopt;
}

Status PayloadReader::status() const {
  switch (end_) {
    case End::kWhole:
      break;
    case End::kMalformed:
      return Status(StatusCode::kCorruption, "a record of the log cannot be taken apart");
    case End::kUnknown:
      return Status(StatusCode::kUnsupported,
                    "the log holds an operation that this program does not know; use the newer "
                    "Holdfast that wrote it");
  }
  return Status::ok();
}

PayloadReader::End PayloadReader::take_stamp(Stamp& stamp) {
  if (rest_.empty()) return End::kMalformed;
  const auto flags = static_cast<uint8_t>(rest_.front());
  rest_.remove_prefix(1);
  const bool is_known = (flags & ~kStampKnown) == 0 && (flags & (kStampInValue | kStampNowhere)) !=
                                                           (kStampInValue | kStampNowhere);
  if (!is_known) return End::kUnknown;
  const auto offset = take_varint(rest_);
  if (!offset || *offset > std::numeric_limits<uint32_t>::max()) return End::kMalformed;
  stamp = {static_cast<uint32_t>(*offset), (flags & kStampDescending) != 0,
           (flags & kStampHasTime) != 0,
           (flags & kStampInValue) != 0   ? StampPlace::kValue
           : (flags & kStampNowhere) != 0 ? StampPlace::kNowhere
                                          : StampPlace::kKey};
  return End::kWhole;
}

bool PayloadReader::take_operand(int64_t& operand) {
  if (rest_.size() < sizeof(operand)) return false;
  operand = load_le<int64_t>(rest_.data());
  rest_.remove_prefix(sizeof(operand));
  return true;
}

std::optional<Operation> PayloadReader::next() {
  if (rest_.empty()) return std::nullopt;
  Operation operation{static_cast<OperationKind>(rest_.front()), {}, {}};
  rest_.remove_prefix(1);
  const OperationKind kind = operation.kind;
  if (kind < OperationKind::kPut || kind > OperationKind::kDeleteRange) return stop(End::kUnknown);
  if (kind == OperationKind::kPutStamped) {
    if (const End end = take_stamp(operation.stamp); end != End::kWhole) return stop(end);
  }
  const auto key = take_short_string(rest_);
  if (!key) return stop(End::kMalformed);
  operation.key = *key;
  if (kind == OperationKind::kDelete) return operation;
  if (kind == OperationKind::kAdd || kind == OperationKind::kMax) {
    return take_operand(operation.operand) ? operation : stop(End::kMalformed);
  }
  const auto value = take_short_string(rest_);
  if (!value) return stop(End::kMalformed);
  operation.value = *value;
  if (kind == OperationKind::kPutStamped) {
    if (!has_room(operation.stamp, *key, *value)) return stop(End::kMalformed);
  }
  return operation;
}

}  // namespace holdfast::log
