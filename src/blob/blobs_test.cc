#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "blob/format.h"
#include "blob/test_blobs.h"

namespace holdfast::blob {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

class BlobsTest : public testing::Test {
 protected:
  std::vector<std::string> files() { return blob_files(machine_.os(), machine_.path()); }

  store::TestMachine machine_;
  Store store_ = machine_.open();
  Blobs blobs_ = store_.blobs();
};

TEST_F(BlobsTest, ContentsOfAnySizeComeBack) {
  for (const size_t size :
       {size_t{0}, size_t{1}, size_t{100}, size_t{kFrameSize - 1}, size_t{kFrameSize},
        size_t{kFrameSize + 1}, size_t{3 * kFrameSize + 7}}) {
    for (const std::string& content : {noise(size), prose(size), std::string(size, '\0')}) {
      const BlobRef ref = keep(store_, content, "a");
      EXPECT_EQ(ref.size, size);
      const auto found = content_of(store_, ref);
      ASSERT_TRUE(found.is_ok()) << found.status().to_string();
      EXPECT_EQ(*found, content);
    }
  }
}

TEST_F(BlobsTest, PiecesDoNotMatter) {
  const std::string content = noise(700'000);
  auto writer = blobs_.write();
  ASSERT_TRUE(writer.is_ok());
  for (size_t i = 0, size = 1; i < content.size(); i += size, size = size * 3 + 1) {
    ASSERT_TRUE(writer->append(std::string_view(content).substr(i, size)).is_ok());
  }
  EXPECT_EQ(writer->size(), content.size());
  const auto pieces = writer->finish();
  const auto whole = blobs_.write(content);
  ASSERT_TRUE(pieces.is_ok() && whole.is_ok());
  EXPECT_EQ(pieces->ref(), whole->ref());
}

TEST_F(BlobsTest, HashIsSha256OfTheContent) {
  const auto blob = blobs_.write("abc");
  ASSERT_TRUE(blob.is_ok());
  EXPECT_EQ(blob_hash_text(blob->ref()),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_F(BlobsTest, RangesAreReadAcrossFrames) {
  for (const std::string& content : {noise(900'000), prose(900'000)}) {
    const BlobRef ref = keep(store_, content, "a");
    auto snapshot = store_.snapshot();
    auto reader = blobs_.open(*snapshot, ref);
    ASSERT_TRUE(reader.is_ok());
    std::string out(300'000, '\0');
    for (const uint64_t offset : {0u, 5u, 262'143u, 262'144u, 500'000u, 899'999u, 900'000u}) {
      const auto count = reader->read_at(offset, out.data(), out.size());
      ASSERT_TRUE(count.is_ok());
      EXPECT_EQ(out.substr(0, *count), content.substr(offset, out.size())) << offset;
    }
    EXPECT_EQ(*reader->read_at(uint64_t{1} << 50, out.data(), out.size()), 0u);
  }
}

TEST_F(BlobsTest, CompressibleContentTakesLessSpace) {
  keep(store_, prose(1u << 20), "a");
  auto snapshot = store_.snapshot();
  const auto stats = blobs_.stats(*snapshot);
  ASSERT_TRUE(stats.is_ok());
  EXPECT_EQ(stats->bytes, 1u << 20);
  EXPECT_LT(stats->stored_bytes, stats->bytes / 3);
}

TEST_F(BlobsTest, EqualContentsShareOneFile) {
  const BlobRef one = keep(store_, "the same", "one");
  const BlobRef two = keep(store_, "the same", "two");
  EXPECT_EQ(one, two);
  EXPECT_THAT(files(), SizeIs(1));
  ASSERT_TRUE(release_one(store_, one, "one").is_ok());
  EXPECT_EQ(*content_of(store_, two), "the same");
  auto snapshot = store_.snapshot();
  const auto stats = blobs_.stats(*snapshot);
  EXPECT_EQ(stats->blobs, 1u);
  EXPECT_EQ(stats->references, 1u);
  EXPECT_EQ(stats->dead_blobs, 0u);
}

TEST_F(BlobsTest, ReferencedFileIsInItsPlaceWhenTheHandleGoes) {
  const BlobRef ref = keep(store_, "x", "a");
  const std::string hash = blob_hash_text(ref);
  EXPECT_THAT(files(), ElementsAre(StartsWith(hash.substr(0, 2) + "/" + hash + "-")));
}

TEST_F(BlobsTest, ReferenceAndItsRowAreOneCommit) {
  const auto blob = blobs_.write("content");
  auto txn = store_.begin();
  ASSERT_TRUE(blobs_.reference(*txn, *blob, "row").is_ok());
  EXPECT_TRUE(blobs_.open(*txn, blob->ref()).is_ok());  // its own write
  EXPECT_EQ(content_of(store_, blob->ref()).status().code(), StatusCode::kNotFound);
  txn->abort();
  EXPECT_EQ(content_of(store_, blob->ref()).status().code(), StatusCode::kNotFound);
}

TEST_F(BlobsTest, UploadThatIsNeverReferencedLeavesNothing) {
  { const auto blob = blobs_.write("for nothing"); }
  EXPECT_THAT(files(), IsEmpty());
  {
    auto writer = blobs_.write();
    ASSERT_TRUE(writer->append(noise(600'000)).is_ok());
    EXPECT_THAT(files(), SizeIs(1));
  }
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(BlobsTest, AbortedReferenceIsSweptAndNotBefore) {
  auto blob = std::make_optional(*blobs_.write("aborted"));
  {
    auto txn = store_.begin();
    ASSERT_TRUE(blobs_.reference(*txn, *blob, "a").is_ok());
  }
  ASSERT_TRUE(blobs_.collect().is_ok());
  EXPECT_THAT(files(), ElementsAre(StartsWith("new/")));  // the handle lives: it may try again
  ASSERT_TRUE(reference_one(store_, *blob, "a").is_ok());
  ASSERT_TRUE(release_one(store_, blob->ref(), "a").is_ok());
  blob.reset();
  ASSERT_TRUE(blobs_.collect().is_ok());
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(BlobsTest, ReleasedBlobIsCollected) {
  const BlobRef ref = keep(store_, "short lived", "a");
  ASSERT_TRUE(release_one(store_, ref, "a").is_ok());
  EXPECT_EQ(content_of(store_, ref).status().code(), StatusCode::kNotFound);
  EXPECT_THAT(files(), SizeIs(1));
  const auto collected = blobs_.collect();
  ASSERT_TRUE(collected.is_ok()) << collected.status().to_string();
  EXPECT_EQ(collected->removed, 1u);
  EXPECT_TRUE(collected->finished);
  EXPECT_THAT(files(), IsEmpty());
  auto snapshot = store_.snapshot();
  EXPECT_EQ(blobs_.stats(*snapshot)->dead_blobs, 0u);
}

TEST_F(BlobsTest, SnapshotKeepsWhatItSees) {
  const BlobRef ref = keep(store_, "seen", "a");
  auto snapshot = std::make_optional(*store_.snapshot());
  ASSERT_TRUE(release_one(store_, ref, "a").is_ok());
  for (int i = 0; i < 3; ++i) {
    const auto collected = blobs_.collect();
    EXPECT_EQ(collected->removed, 0u);
    EXPECT_EQ(collected->waiting, 1u);
  }
  auto reader = blobs_.open(*snapshot, ref);
  ASSERT_TRUE(reader.is_ok());
  EXPECT_EQ(*read_all(*reader), "seen");
  // A younger snapshot does not see it, so it does not keep it.
  auto younger = store_.snapshot();
  snapshot.reset();
  EXPECT_EQ(blobs_.collect()->removed, 1u);
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(BlobsTest, OpenReaderGoesOnReading) {
  const std::string content = noise(800'000);
  const BlobRef ref = keep(store_, content, "a");
  auto snapshot = std::make_optional(*store_.snapshot());
  auto reader = blobs_.open(*snapshot, ref);
  snapshot.reset();
  ASSERT_TRUE(release_one(store_, ref, "a").is_ok());
  ASSERT_EQ(blobs_.collect()->removed, 1u);
  EXPECT_EQ(*read_all(*reader), content);
}

TEST_F(BlobsTest, HandleOfTheUploadBringsItBack) {
  const auto blob = blobs_.write("back again");
  ASSERT_TRUE(reference_one(store_, *blob, "a").is_ok());
  ASSERT_TRUE(release_one(store_, blob->ref(), "a").is_ok());
  EXPECT_EQ(blobs_.collect()->waiting, 1u);
  ASSERT_TRUE(reference_one(store_, *blob, "a").is_ok());
  EXPECT_EQ(blobs_.collect()->removed, 0u);
  EXPECT_EQ(*content_of(store_, blob->ref()), "back again");
}

TEST_F(BlobsTest, ReferenceToWhatIsGoneIsRefused) {
  const BlobRef ref = keep(store_, "gone", "a");
  ASSERT_TRUE(release_one(store_, ref, "a").is_ok());
  const auto version =
      store_.update([&](Transaction& txn) { return blobs_.reference(txn, ref, "b"); });
  EXPECT_EQ(version.status().code(), StatusCode::kNotFound);
  EXPECT_EQ(release_one(store_, ref, "a").code(), StatusCode::kNotFound);
}

TEST_F(BlobsTest, LastReleaseAndANewReferenceConflict) {
  const BlobRef ref = keep(store_, "wanted", "a");
  auto releasing = store_.begin();
  auto referencing = store_.begin();
  ASSERT_TRUE(blobs_.release(*releasing, ref, "a").is_ok());
  ASSERT_TRUE(blobs_.reference(*referencing, ref, "b").is_ok());
  ASSERT_TRUE(releasing->commit().is_ok());
  EXPECT_EQ(referencing->commit().status().code(), StatusCode::kConflict);
}

TEST_F(BlobsTest, ReferrersHaveALimit) {
  const auto blob = blobs_.write("x");
  EXPECT_EQ(reference_one(store_, *blob, "").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(reference_one(store_, *blob, std::string(1025, 'r')).code(),
            StatusCode::kInvalidArgument);
  EXPECT_TRUE(reference_one(store_, *blob, std::string(1024, 'r')).is_ok());
}

TEST_F(BlobsTest, BlobOfAnotherStoreIsRefused) {
  store::TestMachine other;
  Store elsewhere = other.open();
  const auto blob = elsewhere.blobs().write("x");
  EXPECT_EQ(reference_one(store_, *blob, "a").code(), StatusCode::kInvalidArgument);
}

TEST_F(BlobsTest, ListGoesInPages) {
  std::vector<BlobRef> all;
  for (int i = 0; i < 5; ++i) keep(store_, "content " + std::to_string(i), "a");
  auto snapshot = store_.snapshot();
  const BlobRef* after = nullptr;
  while (true) {
    const auto page = blobs_.list(*snapshot, after, 2);
    ASSERT_TRUE(page.is_ok());
    for (const BlobEntry& entry : *page) all.push_back(entry.ref);
    if (page->size() < 2) break;
    after = &all.back();
  }
  ASSERT_THAT(all, SizeIs(5));
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end(), [](const BlobRef& a, const BlobRef& b) {
    return blob_hash_text(a) < blob_hash_text(b);
  }));
}

TEST_F(BlobsTest, StoreInMemoryHasBlobsToo) {
  auto store = Store::memory();
  const std::string content = prose(1'000'000);
  const BlobRef ref = keep(*store, content, "a");
  EXPECT_EQ(*content_of(*store, ref), content);
  ASSERT_TRUE(release_one(*store, ref, "a").is_ok());
  EXPECT_EQ(store->blobs().collect()->removed, 1u);
}

TEST_F(BlobsTest, BlobsSurviveAColdStart) {
  store::TestMachine machine;
  const std::string content = noise(300'000);
  auto store = std::make_optional(machine.open());
  const BlobRef ref = keep(*store, content, "a");
  store.reset();
  machine.reboot();
  Store again = machine.open();
  EXPECT_TRUE(again.recovery().cold);
  EXPECT_EQ(*content_of(again, ref), content);
}

TEST_F(BlobsTest, ClosedStoreSaysSo) {
  const auto blob = blobs_.write("x");
  ASSERT_TRUE(store_.close().is_ok());
  EXPECT_EQ(blobs_.write().status().code(), StatusCode::kClosed);
  EXPECT_EQ(blobs_.collect().status().code(), StatusCode::kClosed);
}

}  // namespace
}  // namespace holdfast::blob
