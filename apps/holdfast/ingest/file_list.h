// The files that ingest is to read: those named, and those below the folders named; or pieces of
// the history of repositories (ingest/git_history.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "holdfast/status.h"

namespace holdfast::ingest {

struct InputFile {
  std::string path;  // absolute, normal
  uint64_t size_bytes = 0;
  int64_t modified_ns = 0;
  // Of a piece of git's history: `path` is its repository, and these are the commits.
  std::vector<std::string> commits = {};
};

struct FileList {
  std::vector<InputFile> files;  // by path, each once
  uint64_t links = 0;            // symbolic links below folders: not followed, their targets count
  std::vector<std::string> unreadable;
};

// Folders named .git or .holdfast and `excluded` (the store itself) are left out. With more than
// `files_max` files, that many evenly spread ones are kept; 0 keeps all.
// Errors: InvalidArgument (a named path does not exist).
Result<FileList> list_files(const std::vector<std::string>& paths, const std::string& excluded,
                            size_t files_max);

}  // namespace holdfast::ingest
