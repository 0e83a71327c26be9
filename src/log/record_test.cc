#include "log/record.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace holdfast::log {
namespace {

constexpr uint64_t kSalt = 0x0123456789abcdef;

RecordHeader example_header() {
  RecordHeader header;
  header.payload_crc = 7;
  header.payload_size = 100;
  header.type = static_cast<uint16_t>(RecordType::kCommit);
  header.lsn = make_lsn(3, 4096);
  header.version = 12;
  header.commit_time_us = 99;
  header.durable_lsn = make_lsn(2, 512);
  header.prev_header_crc = 0xdeadbeef;
  header.epoch = 1;
  header.operation_count = 2;
  return header;
}

struct Change {
  OperationKind kind;
  std::string key;
  std::string value;
  bool operator==(const Change&) const = default;
};

std::vector<Change> operations_of(PayloadReader& reader) {
  std::vector<Change> all;
  while (const auto operation = reader.next()) {
    all.push_back({operation->kind, std::string(operation->key), std::string(operation->value)});
  }
  return all;
}

TEST(RecordTest, LsnsHoldSegmentAndOffset) {
  const Lsn lsn = make_lsn(7, 512);
  EXPECT_EQ(lsn_segment(lsn), 7u);
  EXPECT_EQ(lsn_offset(lsn), 512u);
  EXPECT_LT(make_lsn(7, 0xffffffff), make_lsn(8, 0));
}

TEST(RecordTest, RecordsEndAtMultiplesOfEight) {
  EXPECT_EQ(record_size(0), 64u);
  EXPECT_EQ(record_size(1), 72u);
  EXPECT_EQ(record_size(8), 72u);
  EXPECT_EQ(record_size(9), 80u);
}

TEST(RecordTest, AFlippedBitAnywhereInARecordHeaderIsDetected) {
  RecordHeader header = example_header();
  seal(header, kSalt);
  ASSERT_TRUE(sealed(header, kSalt));
  auto* bytes = reinterpret_cast<unsigned char*>(&header);
  for (size_t bit = 0; bit < sizeof(header) * 8; ++bit) {
    bytes[bit / 8] = static_cast<unsigned char>(bytes[bit / 8] ^ 1u << bit % 8);
    EXPECT_FALSE(sealed(header, kSalt)) << "bit " << bit;
    bytes[bit / 8] = static_cast<unsigned char>(bytes[bit / 8] ^ 1u << bit % 8);
  }
}

TEST(RecordTest, ASealHoldsUnderItsOwnSaltOnly) {
  RecordHeader header = example_header();
  seal(header, kSalt);
  for (int bit = 0; bit < 64; ++bit) EXPECT_FALSE(sealed(header, kSalt ^ 1ull << bit)) << bit;
}

TEST(RecordTest, ZerosAreNoSegmentHeader) {
  SegmentHeader header;
  header.magic = 0;
  header.format_version = 0;
  header.header_size = 0;
  EXPECT_FALSE(segment_header_valid(header));
}

TEST(RecordTest, AFlippedBitAnywhereInASegmentHeaderIsDetected) {
  SegmentHeader header;
  header.segment = 5;
  seal(header);
  ASSERT_TRUE(segment_header_valid(header));
  auto* bytes = reinterpret_cast<unsigned char*>(&header);
  for (size_t bit = 0; bit < sizeof(header) * 8; ++bit) {
    bytes[bit / 8] = static_cast<unsigned char>(bytes[bit / 8] ^ 1u << bit % 8);
    EXPECT_FALSE(segment_header_valid(header)) << "bit " << bit;
    bytes[bit / 8] = static_cast<unsigned char>(bytes[bit / 8] ^ 1u << bit % 8);
  }
}

TEST(RecordTest, ASegmentHeaderOfAnotherFormatIsRefused) {
  SegmentHeader header;
  header.format_version = kFormatVersion + 1;
  seal(header);
  EXPECT_FALSE(segment_header_valid(header));
  header.format_version = kFormatVersion;
  header.header_size = 1024;
  seal(header);
  EXPECT_FALSE(segment_header_valid(header));
  header = SegmentHeader();
  header.magic ^= 1;
  seal(header);
  EXPECT_FALSE(segment_header_valid(header));
}

TEST(RecordTest, APayloadComesBackAsItWasBuilt) {
  const std::string binary("\x00\x01\xff", 3);
  const std::string large(100'000, 'x');
  PayloadBuilder builder("agent 7");
  builder.put("key", "value");
  builder.del("gone");
  builder.put(binary, "");
  builder.put("large", large);
  EXPECT_EQ(builder.operation_count(), 4u);
  PayloadReader reader(builder.payload());
  EXPECT_EQ(reader.actor(), "agent 7");
  const std::vector<Change> expected{{OperationKind::kPut, "key", "value"},
                                     {OperationKind::kDelete, "gone", ""},
                                     {OperationKind::kPut, binary, ""},
                                     {OperationKind::kPut, "large", large}};
  EXPECT_EQ(operations_of(reader), expected);
  EXPECT_FALSE(reader.malformed());
}

TEST(RecordTest, ARecordIsItsHeaderAndItsPayload) {
  PayloadBuilder builder("");
  builder.put("key", "value");
  const std::string payload(builder.payload());
  const RecordHeader header = example_header();
  const std::string_view record = builder.record(header);
  EXPECT_EQ(record.substr(0, sizeof(header)),
            std::string_view(reinterpret_cast<const char*>(&header), sizeof(header)));
  EXPECT_EQ(record.substr(sizeof(header)), payload);
}

TEST(RecordTest, AnEmptyPayloadHoldsNothing) {
  PayloadReader reader("");
  EXPECT_EQ(reader.actor(), "");
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.malformed());
}

TEST(RecordTest, APayloadCutAnywhereGivesWholeOperationsOnly) {
  PayloadBuilder builder("me");
  std::vector<size_t> borders{builder.payload().size()};
  for (const char* key : {"a", "bb", "ccc"}) {
    builder.put(key, std::string(200, 'v'));
    borders.push_back(builder.payload().size());
    builder.del(key);
    borders.push_back(builder.payload().size());
  }
  PayloadReader whole(builder.payload());
  const std::vector<Change> all = operations_of(whole);
  for (size_t size = 1; size <= builder.payload().size(); ++size) {
    PayloadReader reader(builder.payload().substr(0, size));
    const std::vector<Change> got = operations_of(reader);
    size_t count = 0;
    while (count + 1 < borders.size() && borders[count + 1] <= size) ++count;
    EXPECT_EQ(got, std::vector<Change>(all.begin(), all.begin() + count)) << size;
    const bool at_border = std::count(borders.begin(), borders.end(), size) != 0;
    EXPECT_EQ(reader.malformed(), !at_border) << size;
  }
}

TEST(RecordTest, AnUnknownKindOfOperationIsMalformed) {
  PayloadBuilder builder("");
  builder.put("a", "1");
  std::string payload(builder.payload());
  payload += std::string("\x03\x01x", 3);
  PayloadReader reader(payload);
  EXPECT_TRUE(reader.next());
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.malformed());
}

TEST(PayloadTest, OperationsOfEveryKindComeBack) {
  PayloadBuilder builder("me");
  builder.delete_range("a", "");
  builder.put_stamped("k01234567x", "01234567v", {1, true, true});
  builder.change_number(OperationKind::kAdd, "n", -2);
  builder.change_number(OperationKind::kMax, "n", 1ll << 62);
  EXPECT_EQ(builder.operation_count(), 4u);
  EXPECT_EQ(builder.range_count(), 1u);
  PayloadReader reader(builder.payload());
  const auto range = reader.next();
  EXPECT_EQ(range->kind, OperationKind::kDeleteRange);
  EXPECT_EQ(range->key, "a");
  EXPECT_EQ(range->value, "");
  const auto stamped = reader.next();
  EXPECT_EQ(stamped->kind, OperationKind::kPutStamped);
  EXPECT_EQ(stamped->stamp.key_offset, 1u);
  EXPECT_TRUE(stamped->stamp.descending && stamped->stamp.has_time);
  EXPECT_EQ(reader.next()->operand, -2);
  const auto raised = reader.next();
  EXPECT_EQ(raised->kind, OperationKind::kMax);
  EXPECT_EQ(raised->operand, 1ll << 62);
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.status());
}

TEST(PayloadTest, AStampIsTheVersionAndTheTime) {
  std::string key = "k........x", value = "........v";
  write_stamp({1, false, true}, 0x0102, 0x0304, key.data(), value.data());
  EXPECT_EQ(key, std::string("k\0\0\0\0\0\0\x01\x02x", 10));
  EXPECT_EQ(value, std::string("\x04\x03\0\0\0\0\0\0v", 9));
  write_stamp({1, true, false}, 0, 0, key.data(), nullptr);
  EXPECT_EQ(key, "k\xff\xff\xff\xff\xff\xff\xff\xffx");
}

TEST(PayloadTest, AStampInTheValueLeavesTheKeyAlone) {
  Stamp stamp;
  stamp.has_time = true;
  stamp.place = StampPlace::kValue;
  std::string key = "k", value = "................v";
  write_stamp(stamp, 0x0102, 0x0304, key.data(), value.data());
  EXPECT_EQ(key, "k");
  EXPECT_EQ(value, std::string("\x04\x03\0\0\0\0\0\0\x02\x01\0\0\0\0\0\0v", 17));
  PayloadBuilder builder("");
  builder.put_stamped("k", "................v", stamp);
  stamp.place = StampPlace::kNowhere;
  builder.put_stamped("l", "........", stamp);
  PayloadReader reader(builder.payload());
  const auto in_value = reader.next();
  EXPECT_TRUE(in_value->stamp.in_value() && in_value->stamp.has_time);
  EXPECT_EQ(written_key(*in_value, 7), "k");
  EXPECT_TRUE(writes_into(*in_value, 7, "k", "l"));
  const auto time_only = reader.next();
  EXPECT_EQ(time_only->stamp.place, StampPlace::kNowhere);
  EXPECT_EQ(time_only->stamp.value_room(), 8u);
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.status());
}

TEST(PayloadTest, OperationsOfANewerHoldfastAreUnsupportedNotDamage) {
  PayloadBuilder builder("");
  builder.put("a", "1");
  std::string payload(builder.payload());
  payload += '\x63';
  PayloadReader reader(payload);
  EXPECT_TRUE(reader.next());
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.unknown());
  EXPECT_EQ(reader.status().code(), StatusCode::kUnsupported);
  std::string flags(builder.payload());
  flags += '\x03';
  flags += '\x80';
  PayloadReader stamped(flags);
  EXPECT_TRUE(stamped.next());
  EXPECT_FALSE(stamped.next());
  EXPECT_TRUE(stamped.unknown());
}

TEST(PayloadTest, WhatNoHoldfastWritesIsUnknownOrDamage) {
  using namespace std::string_literals;
  const auto code_of = [](const std::string& operation) {
    const std::string payload = "\0"s + operation;  // of nobody
    PayloadReader reader(payload);
    EXPECT_FALSE(reader.next());
    return reader.status().code();
  };
  EXPECT_EQ(code_of("\x00"s), StatusCode::kUnsupported);                  // no kind
  EXPECT_EQ(code_of("\x07"s), StatusCode::kUnsupported);                  // a later kind
  EXPECT_EQ(code_of("\x03\x06\x00\x01k\x00"s), StatusCode::kCorruption);  // no room for the stamp
  EXPECT_EQ(code_of("\x03\x0c\x00\x01k\x00"s), StatusCode::kUnsupported);
  EXPECT_EQ(code_of("\x03\x00\xff\xff\xff\xff\xff\x01\x01k\x00"s), StatusCode::kCorruption);
  // The offset of a stamp that would fit, and 2^32 more.
  EXPECT_EQ(code_of("\x03\x00\x80\x80\x80\x80\x10\x08"
                    "01234567"
                    "\x00"s),
            StatusCode::kCorruption);
  EXPECT_EQ(code_of("\x01\x01k"s), StatusCode::kCorruption);  // no value
}

TEST(PayloadTest, ADeletedRangeWritesIntoEveryRangeThatItTouches) {
  const auto touches = [](std::string_view deleted_end, std::string_view begin,
                          std::string_view end) {
    return writes_into({OperationKind::kDeleteRange, "c", deleted_end}, 1, begin, end);
  };
  EXPECT_FALSE(touches("f", "a", "c"));
  EXPECT_TRUE(touches("f", "a", "d"));
  EXPECT_TRUE(touches("f", "a", ""));
  EXPECT_TRUE(touches("f", "e", "z"));
  EXPECT_FALSE(touches("f", "f", "z"));
  EXPECT_FALSE(touches("f", "f", ""));
  EXPECT_FALSE(touches("", "a", "c"));
  EXPECT_TRUE(touches("", "y", "z"));
  EXPECT_TRUE(touches("", "y", ""));
}

TEST(PayloadTest, AStampedRowIsWrittenWhereItsVersionPutsIt) {
  constexpr std::string_view kUnstamped("k\0\0\0\0\0\0\0\0", 9);
  constexpr std::string_view kAtSeven("k\0\0\0\0\0\0\0\7", 9);
  constexpr std::string_view kAtEight("k\0\0\0\0\0\0\0\10", 9);
  PayloadBuilder builder("");
  builder.put_stamped(kUnstamped, "", {1, false, false});
  PayloadReader reader(builder.payload());
  const auto stamped = reader.next();
  ASSERT_TRUE(stamped);
  EXPECT_TRUE(writes_into(*stamped, 7, kAtSeven, kAtEight));
  EXPECT_FALSE(writes_into(*stamped, 7, kUnstamped, kAtSeven));
  EXPECT_FALSE(writes_into(*stamped, 8, kAtSeven, kAtEight));
}

TEST(PayloadTest, EveryCutOfAPayloadIsMalformedOrShorter) {
  PayloadBuilder builder("");
  builder.put_stamped("k01234567x", "01234567v", {1, true, true});
  builder.change_number(OperationKind::kAdd, "n", -2);
  builder.delete_range("a", "b");
  const std::string payload(builder.payload());
  for (size_t size = 1; size < payload.size(); ++size) {
    PayloadReader reader(std::string_view(payload).substr(0, size));
    size_t count = 0;
    while (reader.next()) ++count;
    EXPECT_LT(count, 3u);
    EXPECT_FALSE(reader.unknown()) << size;
  }
}

TEST(PayloadTest, AStampWithoutRoomIsMalformed) {
  const std::string payloads[] = {std::string("\0\x03\0\x03\x0a"
                                              "k01234567x\0",
                                              16),  // offset 3 in 10 bytes
                                  std::string("\0\x03\x02\0\x08"
                                              "01234567\x07"
                                              "1234567",
                                              21),  // a value of 7 bytes
                                  std::string("\0\x03\x06\0\x01"
                                              "k\x0f"
                                              "123456789abcdef",
                                              22)};  // of 15, for time and version
  for (const std::string& payload : payloads) {
    PayloadReader reader(payload);
    EXPECT_FALSE(reader.next());
    EXPECT_TRUE(reader.malformed());
  }
}

}  // namespace
}  // namespace holdfast::log
