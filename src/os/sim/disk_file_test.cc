#include "os/sim/disk_file.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <map>
#include <set>
#include <string>

namespace holdfast::sim {
namespace {

std::string content(const DiskFile& file) {
  return std::string(file.data(), file.size());
}

std::string sectors(char c, uint64_t count) {
  return std::string(count * kSectorSize, c);
}

// What a power cut may leave of a file that `prepare` made, over many seeds.
std::set<std::string> images_after_cut(const std::function<void(DiskFile&)>& prepare,
                                       const Damage& damage) {
  std::set<std::string> images;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    DiskFile file(1);
    prepare(file);
    Random random(seed);
    file.cut_power(random, damage);
    images.insert(content(file));
  }
  return images;
}

constexpr std::array kLosses = {Loss::kNothing, Loss::kAll, Loss::kSuffix, Loss::kReordered,
                                Loss::kTorn};

TEST(DiskFileTest, SyncedBytesSurviveEveryPowerCut) {
  for (Loss loss : kLosses) {
    const auto images = images_after_cut(
        [](DiskFile& file) {
          file.write(0, "synced");
          file.sync();
          file.write(6, "not synced");
          file.write(600, "neither");
        },
        {loss});
    for (const std::string& image : images) EXPECT_EQ(image.substr(0, 6), "synced");
  }
}

TEST(DiskFileTest, UnsyncedBytesMayVanishOrStay) {
  const auto prepare = [](DiskFile& file) { file.write(0, "abc"); };
  EXPECT_EQ(images_after_cut(prepare, {Loss::kAll}), std::set<std::string>{""});
  EXPECT_EQ(images_after_cut(prepare, {Loss::kNothing}), std::set<std::string>{"abc"});
  const auto any = images_after_cut(prepare, {Loss::kReordered});
  EXPECT_EQ(any, (std::set<std::string>{"", "abc", std::string(3, '\0')}));
}

TEST(DiskFileTest, SuffixLossKeepsTheOrderOfWrites) {
  const auto images = images_after_cut(
      [](DiskFile& file) {
        file.write(0, sectors('0', 2));
        file.sync();
        file.write(0, sectors('1', 1));
        file.write(512, sectors('1', 1));
      },
      {Loss::kSuffix});
  EXPECT_EQ(images.count(sectors('0', 2)), 1U);
  EXPECT_EQ(images.count(sectors('1', 2)), 1U);
  EXPECT_EQ(images.count(sectors('1', 1) + sectors('0', 1)), 1U);
  EXPECT_EQ(images.count(sectors('0', 1) + sectors('1', 1)), 0U);
}

TEST(DiskFileTest, ReorderedLossKeepsAnySectorInAnyOfItsVersions) {
  const auto images = images_after_cut(
      [](DiskFile& file) {
        file.write(0, sectors('0', 2));
        file.sync();
        file.write(0, sectors('1', 2));
        file.write(512, sectors('2', 1));
      },
      {Loss::kReordered});
  std::set<std::string> expected;
  for (char first : {'0', '1'}) {
    for (char second : {'0', '1', '2'}) expected.insert(sectors(first, 1) + sectors(second, 1));
  }
  EXPECT_EQ(images, expected);
}

TEST(DiskFileTest, TornSectorsHurtOnlyTheBytesWritten) {
  const auto prepare = [](DiskFile& file) {
    file.write(0, sectors('0', 1));
    file.sync();
    file.write(100, std::string(200, '1'));
  };
  bool mixed = false;
  for (const std::string& image : images_after_cut(prepare, {Loss::kTorn})) {
    EXPECT_EQ(image.substr(0, 100), std::string(100, '0'));
    EXPECT_EQ(image.substr(300), std::string(212, '0'));
    const std::string written = image.substr(100, 200);
    mixed |= written != std::string(200, '0') && written != std::string(200, '1');
  }
  EXPECT_TRUE(mixed);
  bool harmed = false;
  for (const std::string& image : images_after_cut(prepare, {Loss::kTorn, false})) {
    harmed |= image.substr(0, 100) != std::string(100, '0');
  }
  EXPECT_TRUE(harmed);
}

TEST(DiskFileTest, SizeIsDurableAfterSyncOnly) {
  const auto images = images_after_cut(
      [](DiskFile& file) {
        file.allocate(0, 1000);
        file.sync();
        file.allocate(0, 2000);
      },
      {Loss::kReordered});
  EXPECT_EQ(images, (std::set<std::string>{std::string(1000, '\0'), std::string(2000, '\0')}));
}

TEST(DiskFileTest, TruncationIsLostOrKeptWithItsSize) {
  for (Loss loss : kLosses) {
    const auto images = images_after_cut(
        [](DiskFile& file) {
          file.write(0, sectors('x', 3));
          file.sync();
          file.resize(100);
          file.resize(700);
        },
        {loss});
    for (const std::string& image : images) {
      std::string expected = std::string(100, 'x');
      if (image.size() == 700) expected += std::string(600, '\0');
      if (image.size() == 3 * kSectorSize) expected = sectors('x', 3);
      EXPECT_EQ(image, expected);
    }
  }
}

TEST(DiskFileTest, BytesBeyondTheEndReadAsZeros) {
  DiskFile file(1);
  file.write(0, sectors('x', 1));
  file.resize(10);
  file.resize(20);
  EXPECT_EQ(content(file), std::string(10, 'x') + std::string(10, '\0'));
  char out[30];
  EXPECT_EQ(file.read(15, out, 30), 5U);
  EXPECT_EQ(file.read(20, out, 30), 0U);
}

TEST(DiskFileTest, AreasAreCleanWhenUsedAgain) {
  { DiskFile(1).write(1000, sectors('x', 400)); }
  { DiskFile(1).write(5, "y"); }
  for (int i = 0; i < 2; ++i) {
    DiskFile file(1);
    file.allocate(0, 1 << 20);
    EXPECT_EQ(content(file), std::string(1 << 20, '\0'));
  }
}

TEST(DiskFileTest, AreasOfMappedFilesAreCleanWhereverTheyWereTouched) {
  constexpr uint64_t kSize = 16 << 20;
  Random random(1);
  for (int i = 0; i < 40; ++i) {
    std::vector<uint64_t> touched = {0, 5000, 9 << 20, kSize - 1};
    for (int k = 0; k < 3; ++k) touched.push_back(random.below(kSize));
    DiskFile file(1, "shm");
    file.resize(kSize);
    file.map_writable();
    file.trap_past_end();
    for (const uint64_t at : touched) file.data()[at] = 'x';
    if (i % 2 == 0) file.cut_power(random, {});
    const DiskFile copy(file);
    for (const uint64_t at : touched) EXPECT_EQ(copy.data()[at], file.data()[at]);
    const uint64_t cut = 3000 + random.below(kSize / 2);
    file.resize(kSize);
    const char kept = file.data()[cut - 1];
    file.resize(cut);
    file.resize(kSize);
    for (const uint64_t at : touched) {
      EXPECT_TRUE(at < cut || file.data()[at] == 0) << at;
    }
    EXPECT_EQ(file.data()[cut - 1], kept);
  }
  DiskFile file(1, "shm");
  file.resize(kSize);
  const std::vector<char> zeros(kSize);
  EXPECT_EQ(std::memcmp(file.data(), zeros.data(), kSize), 0);
}

// The failure model of engine design: marked clean, not durable, back to old when evicted.
class FailedSyncTest : public testing::Test {
 protected:
  FailedSyncTest() : file_(1) {
    file_.write(0, sectors('0', 2));
    file_.sync();
    file_.write(0, sectors('1', 2));
    // A seed for which all is lost, not just a part.
    Random random(fully_losing_seed());
    file_.fail_sync(random);
  }
  static uint64_t fully_losing_seed() {
    uint64_t seed = 0;
    while (Random(seed).chance(0.33)) ++seed;
    return seed;
  }
  std::string after_cut(Loss loss) {
    Random random(7);
    file_.cut_power(random, {loss});
    return content(file_);
  }

  DiskFile file_;
};

TEST_F(FailedSyncTest, CacheShowsTheNewBytesUntilEviction) {
  EXPECT_EQ(content(file_), sectors('1', 2));
  file_.evict();
  EXPECT_EQ(content(file_), sectors('0', 2));
}

TEST_F(FailedSyncTest, RetriedSyncDoesNotMakeThemDurable) {
  file_.sync();
  EXPECT_EQ(content(file_), sectors('1', 2));
  EXPECT_EQ(after_cut(Loss::kNothing), sectors('0', 2));
}

TEST_F(FailedSyncTest, WritingTheSameBytesAgainAndSyncingDoes) {
  file_.write(0, sectors('1', 2));
  file_.sync();
  file_.evict();
  EXPECT_EQ(content(file_), sectors('1', 2));
  EXPECT_EQ(after_cut(Loss::kAll), sectors('1', 2));
}

TEST_F(FailedSyncTest, SectorsNotWrittenAgainStayLost) {
  file_.write(512, sectors('2', 1));
  file_.evict();
  EXPECT_EQ(content(file_), sectors('0', 1) + sectors('2', 1));
  file_.sync();
  EXPECT_EQ(after_cut(Loss::kAll), sectors('0', 1) + sectors('2', 1));
}

TEST_F(FailedSyncTest, LaterWriteToASectorTakesItsLostBytesAlong) {
  file_.write(10, "2");
  file_.sync();
  std::string expected = sectors('1', 1) + sectors('0', 1);
  expected[10] = '2';
  EXPECT_EQ(after_cut(Loss::kAll), expected);
}

TEST(DiskFileTest, FailedSyncMayHaveWrittenAPart) {
  std::set<std::string> images;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    DiskFile file(1);
    file.write(0, sectors('0', 2));
    file.sync();
    file.write(0, sectors('1', 2));
    Random random(seed);
    file.fail_sync(random);
    EXPECT_EQ(content(file), sectors('1', 2));
    file.evict();
    images.insert(content(file));
  }
  EXPECT_EQ(images.size(), 4U);
}

TEST(DiskFileTest, StoresThroughAMappingAreNeverDurable) {
  const auto images = images_after_cut(
      [](DiskFile& file) {
        file.allocate(0, 8192);
        file.sync();
        file.map_writable();
        file.data()[5] = 'x';
        file.data()[5000] = 'y';
        file.sync();
      },
      {Loss::kAll});
  EXPECT_GT(images.size(), 10U);
  EXPECT_EQ(images.count(std::string(8192, '\0')), 1U);
  for (const std::string& image : images) EXPECT_EQ(image.size(), 8192U);
}

TEST(DiskFileTest, AllocatedSpaceIsKnown) {
  DiskFile file(1);
  EXPECT_EQ(file.allocated_end(), 0U);
  file.allocate(0, 100);
  EXPECT_EQ(file.allocated_end(), 100U);
  file.write(200, "x");  // leaves a hole
  EXPECT_EQ(file.allocated_end(), 100U);
  file.write(50, std::string(100, 'x'));
  EXPECT_EQ(file.allocated_end(), 150U);
  file.resize(10);
  EXPECT_EQ(file.allocated_end(), 10U);
}

// Random operations against a plain string: the cache is what a file without faults is, and after
// a cut with nothing lost it still is.
TEST(DiskFileTest, RandomOperationsMatchAString) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    DiskFile file(1);
    std::string model;
    for (int i = 0; i < 40; ++i) {
      if (random.chance(0.1)) file.trap_past_end();
      const uint64_t offset = random.below(20'000);
      const std::string bytes(random.below(6000), static_cast<char>('a' + random.below(26)));
      switch (random.below(5)) {
        case 0:
          file.resize(offset);
          model.resize(offset);
          break;
        case 1:
          file.sync();
          break;
        case 2:
          file.cut_power(random, {Loss::kNothing});
          break;
        default:
          file.write(offset, bytes);
          if (bytes.empty()) break;
          if (model.size() < offset + bytes.size()) model.resize(offset + bytes.size());
          model.replace(offset, bytes.size(), bytes);
      }
      ASSERT_EQ(content(file), model) << "seed " << seed;
    }
    file.sync();
    file.write(0, "lost");
    file.cut_power(random, {Loss::kAll});
    ASSERT_EQ(content(file), model) << "seed " << seed;
  }
}

}  // namespace
}  // namespace holdfast::sim
