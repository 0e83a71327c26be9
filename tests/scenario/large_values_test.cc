// Large amounts: a transaction of 1 GiB is refused whole, a content of any size is written and read
// in bounded memory, and a process that is killed in the middle of an upload leaves nothing.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "holdfast/blob.h"
#include "holdfast/store.h"
#include "support/child_process.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

constexpr uint64_t kMiB = 1u << 20;

// How large a content the test of memory writes; HOLDFAST_BLOB_MIB=1024 writes a gigabyte.
uint64_t blob_size() {
  const char* wanted = std::getenv("HOLDFAST_BLOB_MIB");
  return (wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 96) * kMiB;
}

// The largest resident size of this process so far, in bytes.
uint64_t peak_memory_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::strtoull(line.c_str() + 6, nullptr, 10) * 1024;
  }
  return 0;
}

std::string piece_number(uint64_t number) {
  std::string piece(kMiB, '\0');
  uint64_t state = number * 0x9E3779B97F4A7C15 + 1;
  for (size_t i = 0; i < piece.size(); i += 8) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    piece.replace(i, 8, reinterpret_cast<const char*>(&state), 8);
  }
  return piece;
}

TEST(LargeValues, TransactionOfAGibibyteIsRefusedWhole) {
  TemporaryDirectory directory;
  auto store = Store::open(directory.path() + "/s");
  ASSERT_TRUE(store.is_ok());
  ASSERT_TRUE(store->put("before", "x").is_ok());
  const std::string piece = piece_number(1);
  uint64_t written = 0;
  const auto version = store->update([&](Transaction& txn) -> Status {
    for (written = 0; written < 1024; ++written) {
      HOLDFAST_TRY(txn.put("k" + std::to_string(written), piece));
    }
    return Status::ok();
  });
  EXPECT_EQ(version.status().code(), StatusCode::kTooLarge);
  EXPECT_LT(written, 64u);
  auto snapshot = store->snapshot();
  Cursor cursor = snapshot->scan(KeyRange::all());
  ASSERT_TRUE(cursor.valid());
  EXPECT_EQ(cursor.key(), "before");
  cursor.next();
  EXPECT_FALSE(cursor.valid());
  EXPECT_TRUE(store->put("after", "x").is_ok());
}

TEST(LargeValues, ValueOverItsLimitSaysWhereItBelongs) {
  TemporaryDirectory directory;
  auto store = Store::open(directory.path() + "/s");
  ASSERT_TRUE(store.is_ok());
  const Status status = store->put("k", std::string(kMiB + 1, 'x')).status();
  EXPECT_EQ(status.code(), StatusCode::kTooLarge);
  EXPECT_NE(status.message().find("blob"), std::string_view::npos) << status.to_string();
}

TEST(LargeValues, BlobIsWrittenAndReadInBoundedMemory) {
  TemporaryDirectory directory;
  auto store = Store::open(directory.path() + "/s");
  ASSERT_TRUE(store.is_ok());
  Blobs blobs = store->blobs();
  const uint64_t before = peak_memory_bytes();
  auto writer = blobs.write();
  ASSERT_TRUE(writer.is_ok());
  const uint64_t pieces = blob_size() / kMiB;
  for (uint64_t i = 0; i < pieces; ++i) ASSERT_TRUE(writer->append(piece_number(i)).is_ok());
  const auto blob = writer->finish();
  ASSERT_TRUE(blob.is_ok()) << blob.status().to_string();
  ASSERT_TRUE(
      store->update([&](Transaction& txn) { return blobs.reference(txn, *blob, "r"); }).is_ok());
  auto snapshot = store->snapshot();
  auto reader = blobs.open(*snapshot, blob->ref());
  ASSERT_TRUE(reader.is_ok());
  std::string piece(kMiB, '\0');
  for (uint64_t i = 0; i < pieces; ++i) {
    const auto count = reader->read(piece.data(), piece.size());
    ASSERT_TRUE(count.is_ok()) << count.status().to_string();
    ASSERT_EQ(*count, kMiB);
    ASSERT_EQ(piece, piece_number(i));
  }
  const uint64_t used = peak_memory_bytes() - before;
  RecordProperty("memory_bytes", std::to_string(used));
  EXPECT_LT(used, 16 * kMiB);
}

TEST(LargeValues, KilledUploadIsSweptByTheNextProcess) {
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/s";
  {
    auto store = Store::open(path);
    ASSERT_TRUE(store.is_ok());
  }
  Channel channel;
  ChildProcess child = ChildProcess::start([&] {
    auto store = Store::open(path);
    auto writer = store->blobs().write();
    ASSERT_TRUE(writer->append(piece_number(1)).is_ok());
    channel.send("half");
    await_kill();
  });
  ASSERT_TRUE(channel.receive(4).has_value());
  auto store = Store::open(path);
  ASSERT_TRUE(store.is_ok());
  EXPECT_EQ(store->blobs().collect()->removed, 0u);  // its writer lives
  child.kill();
  child.wait();
  EXPECT_EQ(store->blobs().collect()->removed, 1u);
}

}  // namespace
}  // namespace holdfast
