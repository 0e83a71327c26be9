// Single files of a tree as programs use them: through links, at offsets, copied, cut.
//
// Thread-safety and errors: as of FileTree and of the store. Each change is one commit; of two that
// change one file at once, one is done after the other.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "files/file_tree.h"
#include "holdfast/store.h"

namespace holdfast::files {

// A content that is changed in place, or copied, is held in memory meanwhile.
constexpr uint64_t kEditedSizeMax = 64u << 20;
constexpr size_t kLinksMax = 40;  // on the way to one file, as Linux has it

// Where `path` leads, along links; parts that are not there stay as they are. A link leads to what
// is beside it in the tree, one that begins with "/" from the tree's root on, and never out of it.
// Errors: ConditionFalse (more than kLinksMax links, or one of them leads below a file).
Result<std::string> resolved_path(const FileTree& tree, const std::string& path);

// At most `size` bytes from `offset` on, piece by piece; none behind the end. Errors:
// ConditionFalse (it is no file), NotFound, those of `take`. `files` belongs to a snapshot.
Status read_part(const Kv& files, const std::string& path, uint64_t offset, uint64_t size,
                 const std::function<Status(std::string_view piece)>& take);

// Lets `change` say what the file holds from now on; one that is not there is made, empty at first.
// `change` may be called again, with what others have made of the file meanwhile. Errors:
// ConditionFalse (it is no file), TooLarge (kEditedSizeMax), those of `change`.
Status edit_file(Store& store, const Space& files, const std::string& path,
                 const std::function<Status(std::string& content)>& change);

// Copies a file, with its permissions and its time, to where no folder is. Errors: NotFound,
// ConditionFalse, TooLarge.
Status copy_file(Store& store, const Space& files, const std::string& from, const std::string& to);

struct TreeTotals {
  uint64_t files = 0;
  uint64_t folders = 0;
  uint64_t links = 0;
  uint64_t bytes = 0;
};
Result<TreeTotals> totals_of(const FileTree& tree, const std::string& path);

}  // namespace holdfast::files
