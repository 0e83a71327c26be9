// Blobs: large contents. Each is a file of its own beside the tree, named by the SHA-256 of what it
// holds, written and read as a stream, and shared by all who refer to it.
//
//   BlobWriter writer = *store.blobs().write();              // any size, in any pieces
//   ... writer.append(bytes) ...
//   NewBlob blob = *writer.finish();                         // on the disk from here on
//   store.update([&](Transaction& txn) -> Status {
//     HOLDFAST_TRY(store.blobs().reference(txn, blob, "report/7"));
//     return txn.put("report/7", encode(blob.ref()));        // both or neither
//   });
//
// What is referenced by a committed transaction has its whole file, whatever crashes. What nobody
// refers to any more is collected as soon as no snapshot can see it; see collect().
//
// Thread-safety: Blobs from any thread; writers, readers and new blobs one thread at a time each.
//   Handles keep the store open. Nothing may be used after fork() (Forked).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"
#include "holdfast/transaction.h"

namespace holdfast {

constexpr uint64_t kBlobSizeMax = uint64_t{1} << 40;  // bytes
constexpr size_t kBlobReferrerSizeMax = 1024;         // bytes, at least 1

// What names a content: equal references, equal bytes.
struct BlobRef {
  std::array<char, 32> hash{};  // SHA-256
  uint64_t size = 0;            // bytes

  friend bool operator==(const BlobRef&, const BlobRef&) = default;
};
// 64 hexadecimal digits.
std::string blob_hash_text(const BlobRef& ref);

// A content that is whole and on the disk, and that nobody refers to yet. While this handle lives
// its file stays; when the handle goes before a reference was committed, so does the file.
class NewBlob {
 public:
  class Impl;
  explicit NewBlob(std::shared_ptr<Impl> impl);
  const BlobRef& ref() const;

 private:
  friend class Blobs;
  std::shared_ptr<Impl> impl_;
};

// Takes a content in pieces. Needs about 3 MiB of memory, and 8 bytes for each 256 KiB written.
// Destroyed without finish(): nothing is left.
class BlobWriter {
 public:
  class Impl;
  explicit BlobWriter(std::unique_ptr<Impl> impl);
  BlobWriter(BlobWriter&&) noexcept;
  BlobWriter& operator=(BlobWriter&&) noexcept;
  ~BlobWriter();

  // Errors: NoSpace, IoError, TooLarge (kBlobSizeMax). After an error the writer is of no use:
  // every call returns it again, and the file is removed.
  Status append(std::string_view bytes);
  uint64_t size() const;
  // Makes the file durable. REQUIRES: no call after it. Errors: those of append.
  Result<NewBlob> finish();

 private:
  std::unique_ptr<Impl> impl_;
};

// Reads a content, from anywhere, in any pieces. Needs about 1 MiB of memory, and 8 bytes for each
// 256 KiB of content. Goes on reading when the blob is collected meanwhile.
// Errors: Corruption names the file and the offset in it; IoError.
class BlobReader {
 public:
  class Impl;
  explicit BlobReader(std::unique_ptr<Impl> impl);
  BlobReader(BlobReader&&) noexcept;
  BlobReader& operator=(BlobReader&&) noexcept;
  ~BlobReader();

  const BlobRef& ref() const;
  // The next bytes of the content, at most `size`; 0 at its end. Whoever reads to the end has every
  // byte checked against the hash: Corruption, if it differs, comes in place of the last bytes.
  Result<size_t> read(char* out, size_t size);
  // Bytes at `offset` of the content: `size`, or what there is up to the end. Checked by the
  // checksum of each frame touched.
  Result<size_t> read_at(uint64_t offset, char* out, size_t size);

 private:
  std::unique_ptr<Impl> impl_;
};

// What one view of the store holds.
struct BlobStats {
  uint64_t blobs = 0;
  uint64_t bytes = 0;         // of contents
  uint64_t stored_bytes = 0;  // of their files
  uint64_t references = 0;
  uint64_t dead_blobs = 0;  // referenced no more, waiting to be collected
  uint64_t dead_bytes = 0;  // of their files
};

struct BlobCollection {
  uint64_t removed = 0;  // files
  uint64_t removed_bytes = 0;
  uint64_t waiting = 0;   // dead, and still in sight of a snapshot or of an upload's handle
  bool finished = false;  // all were looked at
};

struct BlobEntry {
  BlobRef ref;
  uint64_t stored_bytes = 0;
};

struct BlobCheck {
  uint64_t blobs = 0;
  uint64_t bytes = 0;  // of contents that were read
  uint64_t references = 0;
  std::vector<std::string> problems;  // each names the blob or the file, and what is wrong
};

class Blobs {
 public:
  class Impl;
  explicit Blobs(std::shared_ptr<Impl> impl);  // see Store::blobs

  // A content to be written. Errors: NoSpace, IoError, PermissionDenied.
  Result<BlobWriter> write() const;
  // The same in one call.
  Result<NewBlob> write(std::string_view content) const;

  // In a transaction: `referrer` (1 to kBlobReferrerSizeMax bytes; by convention the key that holds
  // the reference) needs the content from this commit on, until it is released. Twice is once.
  // Errors: InvalidArgument (referrer, another store's blob), those of Transaction.
  Status reference(Transaction& txn, const NewBlob& blob, std::string_view referrer) const;
  // The same for a content that is referenced already. Errors: also NotFound: write it again.
  Status reference(Transaction& txn, const BlobRef& ref, std::string_view referrer) const;
  // Takes a reference back. Errors: NotFound (there is no such reference).
  Status release(Transaction& txn, const BlobRef& ref, std::string_view referrer) const;

  // Opens a content that is referenced in `view`, a snapshot or transaction. Errors: NotFound (it
  // is not referenced there), Corruption (its file is missing or damaged).
  Result<BlobReader> open(Reader& view, const BlobRef& ref) const;
  // The contents that are referenced in `view`, by hash, greater than `after`; at most `limit`.
  Result<std::vector<BlobEntry>> list(Reader& view, const BlobRef* after, size_t limit) const;

  Result<BlobStats> stats(Reader& view) const;
  // Verifies records against each other and that each file is there and whole in its outline; with
  // `contents` also every byte against its hash.
  Result<BlobCheck> check(Reader& view, bool contents) const;

  // Removes files that nobody needs: of dead blobs that no snapshot sees, and of writers that
  // died. Looks at about `limit` of them, so that a call is short; the next one goes on behind.
  // Each write() does a little of it, and so does a space behind a commit that released something.
  // Two calls are needed for a blob that a snapshot saw. Errors: those of Transaction, IoError.
  Result<BlobCollection> collect(size_t limit = 256) const;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast
