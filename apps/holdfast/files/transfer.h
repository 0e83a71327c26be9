// Trees between a space and the machine's own files.
//
// Files come in some at a time, each group in one commit, so a tree of any size does, and one that
// was stopped goes on where it was: what is there already with the same size, time and permissions
// is left as it is. A folder's permissions and time come and go with it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "files/file_tree.h"
#include "holdfast/store.h"

namespace holdfast::files {

struct TransferReport {
  uint64_t files = 0;  // and links
  uint64_t folders = 0;
  uint64_t bytes = 0;
  uint64_t unchanged = 0;
  // Neither files, folders nor links, or not UTF-8 in their names; and the first of them.
  uint64_t skipped = 0;
  std::string first_skipped = {};
};

// Told now and then how far it is.
using Progress = std::function<void(const TransferReport& so_far)>;

// Brings `source`, a file, folder or link, in as `path`; `files` is files_space() of a space. What
// a folder holds there already stays. Errors: InvalidArgument (no such source), those of
// FileTree::put, of reading, and of the store.
Result<TransferReport> bring_in(Store& store, const Space& files, const std::string& source,
                                const std::string& path, const Progress& progress);

// Writes `path` and all below as `target`; each file is there whole or not at all, also after a
// loss of power: many are put onto the disk at once before they get their names. A folder's target
// must not be there, or be an empty folder; a file's is replaced. `files` belongs to a snapshot.
// Errors: NotFound, ConditionFalse, those of writing.
Result<TransferReport> take_out(const Kv& files, const std::string& path, const std::string& target,
                                const Progress& progress);

// Removes `path`, a folder with what is in it; up to kRemovedAtOnce files and folders go in one
// commit, more in several, none before what it holds. One that was stopped is called again.
// Returns how many commits. Errors: those of FileTree::remove and of the store.
Result<uint64_t> remove_tree(Store& store, const Space& files, const std::string& path, bool deep,
                             const std::function<void(uint64_t commits)>& progress);

// The content of a file, piece by piece. Errors: ConditionFalse (it is no file), NotFound, those of
// `take`. `files` belongs to a snapshot.
Status read_file(const Kv& files, const std::string& path,
                 const std::function<Status(std::string_view piece)>& take);

// Puts a file whose content `produce` appends. Errors: those of `produce` and of FileTree::put.
Status write_file(Store& store, const Space& files, Node node,
                  const std::function<Status(NewContent& content)>& produce);

}  // namespace holdfast::files
