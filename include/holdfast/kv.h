// Kv: named values of a space.
//
// Thread-safety: a handle without a transaction may be used from any thread; one made for a
//   transaction or snapshot belongs to that object's thread and must not outlive it.
// Errors of every call: those of the store (Busy, IoError, Corruption, NoSpace ...); of a handle
//   made for a snapshot, writes return ReadOnly. In a transaction nothing is visible to others
//   before its commit.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/blob.h"
#include "holdfast/status.h"

namespace holdfast {

namespace memory {
class Access;
}

constexpr size_t kKvKeySizeMax = 1000;  // bytes, at least 1; any bytes
// Bytes of a value that is put or got at once; any bytes, may be empty. Larger ones are streams.
constexpr size_t kKvValueSizeMax = 1u << 20;
constexpr size_t kKvListLimitMax = 100'000;

struct KvEntry {
  std::string key;
  std::string value;     // empty if it is a blob
  uint64_t size = 0;     // bytes of the value
  bool is_blob = false;  // its value was put as a blob: Kv::open reads it
};

// Reads a value as a stream, as of when it was opened.
class KvReader {
 public:
  explicit KvReader(std::string value) : value_(std::move(value)) {}
  explicit KvReader(BlobReader blob) : blob_(std::move(blob)) {}

  uint64_t size() const { return blob_ ? blob_->ref().size : value_.size(); }
  // The next bytes, at most `size`; 0 at the end. Errors: those of BlobReader::read.
  Result<size_t> read(char* out, size_t size);

 private:
  std::string value_;
  size_t position_ = 0;
  std::optional<BlobReader> blob_;
};

struct KvListOptions {
  std::string prefix = {};  // only keys that begin with these bytes
  std::string after = {};   // only keys greater than this one: the last of the page before
  size_t limit = 1000;      // 1 to kKvListLimitMax
  bool keys_only = false;   // leave the values empty
};

class Kv {
 public:
  explicit Kv(std::shared_ptr<memory::Access> access);  // see Space::kv

  // The value, or nullopt. Errors: InvalidArgument (key empty or too long), TooLarge (a blob over
  // kKvValueSizeMax: open() reads it).
  Result<std::optional<std::string>> get(std::string_view key) const;
  // Sets the value. Errors: InvalidArgument (key), TooLarge (value: write() it).
  Status put(std::string_view key, std::string_view value) const;

  // Values of any size: what write() gives is filled and finished, and then put. The content is
  // durable before the commit, and goes when the key gets another value.
  Result<BlobWriter> write() const;
  Status put(std::string_view key, const NewBlob& blob) const;
  // The value, large or small, as a stream; nullopt: there is none.
  Result<std::optional<KvReader>> open(std::string_view key) const;

  // Removes the key; success if there is none.
  Status del(std::string_view key) const;
  // Entries in bytewise order of their keys. Errors: InvalidArgument (limit).
  Result<std::vector<KvEntry>> list(const KvListOptions& options = {}) const;

 private:
  std::shared_ptr<memory::Access> access_;
};

}  // namespace holdfast
