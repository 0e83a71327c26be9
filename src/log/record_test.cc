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
  EXPECT_EQ(reader.next(), std::nullopt);
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
  EXPECT_EQ(reader.next(), std::nullopt);
  EXPECT_TRUE(reader.malformed());
}

}  // namespace
}  // namespace holdfast::log
