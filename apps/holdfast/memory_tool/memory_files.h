// MemoryFiles: the files under /memories that a model keeps with the memory tool
// ("memory_20250818"): view, create, str_replace, insert, delete, rename. The texts it answers are
// those of the reference implementation (BetaLocalFilesystemMemoryTool of @anthropic-ai/sdk 1.11),
// as prompts and models know them.
//
// A file is a key-value: its path below /memories is the key. A directory is a key that ends with
// '/'; it stays when it becomes empty, as on a disk.
//
// Better than the reference: old_str may span lines, and every occurrence counts; "/memoriesX" is
// no path; a rename sees the destination in the same transaction; new_str may be left out; what is
// too long to be read at once is shown up to a line, with a word on how to go on; secrets are taken
// out before anything is written, and the answer says so.
//
// Thread-safety: that of its Kv. Each command reads and writes through it alone, so that a
// transaction makes it atomic.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cli/output.h"
#include "holdfast/kv.h"

namespace holdfast::memory_tool {

constexpr size_t kFileSizeMax = kKvValueSizeMax;  // bytes
constexpr size_t kPathSizeMax = 900;              // bytes below /memories
constexpr size_t kLinesMax = 999'999;
constexpr size_t kViewSizeMax = 200'000;  // bytes of lines that one view shows

class MemoryFiles {
 public:
  explicit MemoryFiles(Kv kv) : kv_(std::move(kv)) {}

  // Runs one command object and returns the text for the model. A Status whose message is the text
  // for the model: NotFound, ConditionFalse, InvalidArgument, TooLarge; nothing was changed then.
  // All other errors are those of the store.
  Result<std::string> run(const cli::Json& command) const;

  // For undoing; a key that ends with '/' is a directory. Puts a file or directory there again,
  // with the directories above it. Errors: ConditionFalse (something of the other kind is there).
  Status put_back(const std::string& key, const std::string& content) const;
  // Removes a file, or a directory that is empty; one that is not stays.
  Status take_away(const std::string& key) const;

 private:
  enum class Kind { kNothing, kFile, kDirectory };
  struct Entry {
    std::string path;  // below /memories, without a '/' at its end
    bool directory = false;
    uint64_t size = 0;
  };

  Result<Kind> kind_of(const std::string& path) const;
  // Everything below the directory `path`, at any depth.
  Result<std::vector<Entry>> below(const std::string& path) const;
  Status make_parents(const std::string& path) const;
  // The content of the file that a command names. Errors: NotFound, ConditionFalse (a directory).
  Result<std::string> content_of(const std::string& path, const std::string& shown) const;
  // Takes secrets out of the content and keeps it; returns what is said of them, or nothing.
  Result<std::string> write(const std::string& path, std::string& content) const;

  Result<std::string> view(const cli::Json& command) const;
  Result<std::string> view_directory(const std::string& path, const std::string& shown) const;
  Result<std::string> create(const cli::Json& command) const;
  Result<std::string> replace(const cli::Json& command) const;
  Result<std::string> insert(const cli::Json& command) const;
  Result<std::string> remove(const cli::Json& command) const;
  Result<std::string> rename(const cli::Json& command) const;

  Kv kv_;
};

}  // namespace holdfast::memory_tool
