// What one Cache object and its copies keep in memory: what was counted and used and is not written
// yet, and the compressor.
//
// Who: cache.cc, cache_compute.cc. Thread-safety: any thread.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "blob/frame_codec.h"
#include "holdfast/cache.h"
#include "memory/access.h"
#include "memory/cache_rows.h"

namespace holdfast {

class Cache::State {
 public:
  State(std::shared_ptr<memory::Access> access, std::string name)
      : access_(std::move(access)), name_(std::move(name)) {}
  // Writes what is left, if it can.
  ~State();

  struct Pending {
    std::map<memory::CacheCounter, int64_t> counts = {};
    std::map<std::string, int64_t, std::less<>> used = {};  // entry: when
    uint64_t gets = 0;
  };

  void count(memory::CacheCounter counter);
  void use(std::string_view entry, int64_t now_us);
  // Whether so much has piled up, for so long, that a get should write it.
  bool is_due() const;
  Pending pending() const;
  // What `written` has, others may have added to meanwhile.
  void settle(const Pending& written);
  // Writes what is pending in a transaction of its own.
  Status flush();

  std::string compress(std::string_view value);
  Result<std::string> decompress(std::string_view stored, size_t size);

 private:
  const std::shared_ptr<memory::Access> access_;
  const std::string name_;
  mutable std::mutex mutex_;
  Pending pending_;
  int64_t written_us_ = 0;  // when something was, last
  blob::FrameCompressor compressor_;
  blob::FrameDecompressor decompressor_;
};

namespace memory {

// Adds what is pending to the rows of `target`.
Status write_pending(search::KeyTarget& target, const CacheRows& rows,
                     const std::map<CacheCounter, int64_t>& counts,
                     const std::map<std::string, int64_t, std::less<>>& used);

// An entry that is to be put; checked.
struct CacheItem {
  std::string_view entry;
  std::string_view stored;  // compressed, where that pays
  uint64_t size = 0;
  const CachePut* options = nullptr;
};

Status check_cache(std::string_view name, std::string_view entry);
Status check_put(std::string_view value, const CachePut& options);
// Puts it and makes room; false: it was there (only_absent).
Result<uint64_t> sweep_gone(search::KeyTarget& target, const CacheRows& rows, int64_t now_us,
                            size_t limit);
Result<bool> put_item(search::KeyTarget& target, const CacheRows& rows, const CacheItem& item,
                      int64_t now_us, size_t first_victim);

}  // namespace memory
}  // namespace holdfast
