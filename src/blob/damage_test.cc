// Files of blobs that are damaged, cut or missing: found, named, and never handed out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "blob/format.h"
#include "blob/test_blobs.h"

namespace holdfast::blob {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class BlobDamageTest : public testing::Test {
 protected:
  std::string path() {
    return machine_.path() + "/blobs/" + blob_files(machine_.os(), machine_.path()).at(0);
  }
  uint64_t size() { return machine_.read(path(), 0, 1u << 24).size(); }
  Result<BlobCheck> check(bool contents) {
    auto snapshot = store_.snapshot();
    return store_.blobs().check(*snapshot, contents);
  }

  store::TestMachine machine_;
  Store store_ = machine_.open();
};

TEST_F(BlobDamageTest, EveryFlippedByteIsFound) {
  for (const std::string& content : {noise(300'000), prose(600'000)}) {
    const BlobRef ref = keep(store_, content, "a");
    const uint64_t end = size();
    std::vector<uint64_t> offsets;
    for (uint64_t offset = 0; offset < end; offset += offset < 80 ? 1 : end / 60) {
      offsets.push_back(offset);
    }
    for (uint64_t offset = end - 110; offset < end; ++offset) offsets.push_back(offset);
    for (const uint64_t offset : offsets) {
      machine_.flip(path(), offset);
      const auto found = content_of(store_, ref);
      EXPECT_EQ(found.status().code(), StatusCode::kCorruption) << offset;
      EXPECT_EQ(found.status().path(), path());
      EXPECT_TRUE(found.status().offset().has_value());
      machine_.flip(path(), offset);
    }
    EXPECT_EQ(*content_of(store_, ref), content);
    ASSERT_TRUE(release_one(store_, ref, "a").is_ok());
    ASSERT_EQ(store_.blobs().collect()->removed, 1u);
  }
}

TEST_F(BlobDamageTest, DamagedFrameHarmsOnlyItsRange) {
  const std::string content = noise(700'000);
  const BlobRef ref = keep(store_, content, "a");
  machine_.flip(path(), sizeof(FileHeader) + kFrameSize + 17);
  auto snapshot = store_.snapshot();
  auto reader = store_.blobs().open(*snapshot, ref);
  ASSERT_TRUE(reader.is_ok());
  std::string out(1000, '\0');
  EXPECT_EQ(*reader->read_at(0, out.data(), out.size()), out.size());
  EXPECT_EQ(*reader->read_at(2 * kFrameSize, out.data(), out.size()), out.size());
  const auto bad = reader->read_at(kFrameSize + 5, out.data(), out.size());
  EXPECT_EQ(bad.status().code(), StatusCode::kCorruption);
  EXPECT_EQ(bad.status().offset(), sizeof(FileHeader) + kFrameSize);
}

TEST_F(BlobDamageTest, MissingFileIsSaidToBeMissing) {
  const BlobRef ref = keep(store_, "content", "a");
  ASSERT_TRUE(machine_.os().remove(path()).is_ok());
  const Status status = content_of(store_, ref).status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(std::string(status.message()), HasSubstr("missing"));
  EXPECT_THAT(check(false)->problems, ElementsAre(HasSubstr("missing")));
}

TEST_F(BlobDamageTest, CutFileIsFound) {
  const BlobRef ref = keep(store_, noise(5000), "a");
  const std::string whole = machine_.read(path(), 0, size());
  for (const uint64_t length : {uint64_t{0}, uint64_t{10}, uint64_t{144}, whole.size() - 1}) {
    auto file = machine_.os().open(path(), os::OpenMode::kReadWrite);
    ASSERT_TRUE((*file)->truncate(length).is_ok());
    EXPECT_EQ(content_of(store_, ref).status().code(), StatusCode::kCorruption) << length;
    machine_.write(path(), 0, whole);
  }
  EXPECT_TRUE(content_of(store_, ref).is_ok());
}

TEST_F(BlobDamageTest, FileOfAnotherBlobIsNotTakenForIt) {
  const BlobRef ref = keep(store_, "content", "a");
  const std::string one = path();
  const std::string bytes = machine_.read(one, 0, 1u << 20);
  ASSERT_TRUE(machine_.os().remove(one).is_ok());
  keep(store_, "another", "b");
  const std::string other = machine_.read(path(), 0, 1u << 20);
  machine_.write(one, 0, other);
  EXPECT_EQ(content_of(store_, ref).status().code(), StatusCode::kCorruption);
}

TEST_F(BlobDamageTest, CheckReadsContentsWhenAsked) {
  keep(store_, noise(400'000), "a");
  EXPECT_THAT(check(true)->problems, IsEmpty());
  machine_.flip(path(), 100'000);
  EXPECT_THAT(check(false)->problems, IsEmpty());
  EXPECT_THAT(check(true)->problems, ElementsAre(HasSubstr("checksum")));
}

TEST_F(BlobDamageTest, RecordsWithoutTheirCounterpartsAreFound) {
  const Hash low = sha256("1");
  const Hash high = sha256("2");
  ASSERT_TRUE(store_.put(presence_key(low), encode(Presence{1, 100, 7})).is_ok());
  ASSERT_TRUE(store_.put(reference_key(high, "r"), "r").is_ok());
  const auto report = check(false);
  ASSERT_TRUE(report.is_ok());
  EXPECT_THAT(report->problems,
              testing::UnorderedElementsAre(HasSubstr("nothing refers to it"), HasSubstr("missing"),
                                            HasSubstr("not present")));
}

TEST_F(BlobDamageTest, MalformedRecordsAreCorruption) {
  const Hash hash = sha256("1");
  ASSERT_TRUE(store_.put(presence_key(hash), "short").is_ok());
  auto snapshot = store_.snapshot();
  EXPECT_EQ(store_.blobs().open(*snapshot, {hash, 1}).status().code(), StatusCode::kCorruption);
  ASSERT_TRUE(store_.put(mark_key({hash, 1}), "\x07").is_ok());
  EXPECT_EQ(store_.blobs().collect().status().code(), StatusCode::kCorruption);
}

}  // namespace
}  // namespace holdfast::blob
