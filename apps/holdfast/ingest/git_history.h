// The history of git repositories, read through the program `git`.
//
// Thread-safety: pure functions of the repositories.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "holdfast/observation.h"
#include "ingest/file_list.h"

namespace holdfast::ingest {

struct Commit {
  std::string hash = {};
  std::string author = {};  // "Name <address>"
  int64_t time_us = 0;      // the author's
  std::string message = {};
  std::vector<std::string> files = {};  // that it changes; none of a merge
};

// The commits that HEAD reaches in each of `repositories`, oldest first, in pieces of a commit of
// the store each. Errors: InvalidArgument (no git, or no repository with commits there).
Result<FileList> list_commits(const std::vector<std::string>& repositories);

// Errors: those of running git; IoError (what it says is not understood).
Result<std::vector<Commit>> read_commits(const std::string& repository,
                                         const std::vector<std::string>& hashes);

NewObservation observation_of(const Commit& commit);

}  // namespace holdfast::ingest
