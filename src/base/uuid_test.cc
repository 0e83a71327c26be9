#include "base/uuid.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

namespace holdfast {
namespace {

using Random = std::array<uint8_t, 10>;

Random all(uint8_t byte) {
  Random random;
  random.fill(byte);
  return random;
}

TEST(Uuid, TimeVersionAndVariantStandWhereTheStandardPutsThem) {
  // The example of RFC 9562, appendix A.6.
  const Random random = {0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f};
  const Uuid id = Uuid::from_time(0x017f22e279b0, random);
  EXPECT_EQ(id.to_text(), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
  EXPECT_EQ(id.unix_ms(), 0x017f22e279b0u);
}

TEST(Uuid, TextRoundTripsInEitherCase) {
  const Uuid id = Uuid::from_time(1234567890123, all(0xab));
  EXPECT_EQ(Uuid::parse(id.to_text()), id);
  EXPECT_EQ(Uuid::parse("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")->to_text(),
            "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
}

TEST(Uuid, MalformedTextIsRefused) {
  for (const char* text :
       {"", "017f22e2", "017f22e2-79b0-7cc3-98c4-dc0c0c07398", "017f22e279b07cc398c4dc0c0c07398f",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398g", "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
        "017f22e2079b0-7cc3-98c4-dc0c0c07398f", "-17f22e2-79b0-7cc3-98c4-dc0c0c07398f"}) {
    EXPECT_EQ(Uuid::parse(text), std::nullopt) << text;
  }
}

TEST(Uuid, OrderIsTheOrderOfTime) {
  EXPECT_LT(Uuid::from_time(1, all(0xff)), Uuid::from_time(2, all(0)));
  EXPECT_LT(Uuid::from_time(255, all(0xff)).view(), Uuid::from_time(256, all(0)).view());
}

TEST(UuidSequence, SameMillisecondGivesRisingIds) {
  UuidSequence sequence;
  Uuid before = sequence.next(77, all(0x42));
  for (int i = 0; i < 1000; ++i) {
    const Uuid id = sequence.next(77, all(static_cast<uint8_t>(i)));
    ASSERT_LT(before, id);
    ASSERT_EQ(id.unix_ms(), 77u);
    ASSERT_EQ(id.bytes[6] >> 4, 7);
    ASSERT_EQ(id.bytes[8] >> 6, 2);
    before = id;
  }
}

TEST(UuidSequence, ClockSetBackGivesRisingIds) {
  UuidSequence sequence;
  const Uuid before = sequence.next(1000, all(1));
  const Uuid id = sequence.next(10, all(0));
  EXPECT_LT(before, id);
  EXPECT_EQ(id.unix_ms(), 1000u);
  EXPECT_EQ(sequence.next(1001, all(0)), Uuid::from_time(1001, all(0)));
}

TEST(UuidSequence, OverflowOfTheRandomBitsMovesToTheNextMillisecond) {
  UuidSequence sequence;
  const Uuid before = sequence.next(5, all(0xff));
  const Uuid id = sequence.next(5, all(0x01));
  EXPECT_LT(before, id);
  EXPECT_EQ(id, Uuid::from_time(6, all(0x01)));
}

TEST(UuidSequence, CarryReachesTheUpperRandomBits) {
  UuidSequence sequence;
  Random low_bits_full = all(0xff);
  low_bits_full[0] = 0x01;
  low_bits_full[1] = 0x23;
  sequence.next(5, low_bits_full);
  const Uuid id = sequence.next(5, all(0));
  EXPECT_EQ(id.to_text(), "00000000-0005-7124-8000-000000000000");
}

TEST(UuidSequence, ThreadsNeverGetTheSameId) {
  UuidSequence sequence;
  std::array<std::vector<Uuid>, 4> made;
  std::vector<std::thread> threads;
  for (auto& ids : made) {
    threads.emplace_back([&sequence, &ids] {
      for (int i = 0; i < 2000; ++i) ids.push_back(sequence.next(9, all(3)));
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<Uuid> distinct;
  for (const auto& ids : made) distinct.insert(ids.begin(), ids.end());
  EXPECT_EQ(distinct.size(), 8000u);
}

}  // namespace
}  // namespace holdfast
