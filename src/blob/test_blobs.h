// For tests of blobs: contents, a store in memory, and what lies in its directories.
#pragma once

#include <string>
#include <vector>

#include "base/check.h"
#include "blob/blobs_impl.h"
#include "holdfast/blob.h"
#include "store/test_machine.h"

namespace holdfast::blob {

// Bytes that do not compress, the same for the same seed.
inline std::string noise(size_t size, uint64_t seed = 1) {
  std::string bytes(size, '\0');
  uint64_t state = seed * 0x9E3779B97F4A7C15 + 1;
  for (char& c : bytes) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    c = static_cast<char>(state >> 32);
  }
  return bytes;
}

// Bytes that do.
inline std::string prose(size_t size) {
  std::string text;
  while (text.size() < size) text += "line " + std::to_string(text.size() / 7) + " of the log\n";
  text.resize(size);
  return text;
}

inline Result<std::string> read_all(BlobReader& reader, size_t piece_size = 100'000) {
  std::string content;
  std::string piece(piece_size, '\0');
  while (true) {
    HOLDFAST_ASSIGN(const size_t count, reader.read(piece.data(), piece.size()));
    if (count == 0) return content;
    content.append(piece, 0, count);
  }
}

inline Result<std::string> content_of(Store& store, const BlobRef& ref) {
  HOLDFAST_ASSIGN(Snapshot snapshot, store.snapshot());
  HOLDFAST_ASSIGN(BlobReader reader, store.blobs().open(snapshot, ref));
  return read_all(reader);
}

inline Status reference_one(Store& store, const NewBlob& blob, const std::string& referrer) {
  return store
      .update([&](Transaction& txn) { return store.blobs().reference(txn, blob, referrer); })
      .status();
}

inline Status release_one(Store& store, const BlobRef& ref, const std::string& referrer) {
  return store.update([&](Transaction& txn) { return store.blobs().release(txn, ref, referrer); })
      .status();
}

// Writes a content and refers to it. REQUIRES: nothing fails.
inline BlobRef keep(Store& store, const std::string& content, const std::string& referrer) {
  const auto blob = store.blobs().write(content);
  CHECK(blob.is_ok());
  CHECK(reference_one(store, *blob, referrer).is_ok());
  return blob->ref();
}

// All files under blobs/: "tmp/...", "new/...", "ab/...".
inline std::vector<std::string> blob_files(os::Os& os, const std::string& store_path) {
  std::vector<std::string> files;
  const auto directories = os.list(store_path + "/blobs");
  if (!directories) return files;
  for (const std::string& directory : *directories) {
    const auto names = os.list(store_path + "/blobs/" + directory);
    CHECK(names.is_ok());
    for (const std::string& name : *names) files.push_back(directory + "/" + name);
  }
  return files;
}

}  // namespace holdfast::blob
