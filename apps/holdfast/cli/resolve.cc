#include "cli/resolve.h"

#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "base/utf8.h"
#include "cli/digest.h"

namespace holdfast::cli {
namespace {

namespace fs = std::filesystem;

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}
bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

std::string absolute(const Surroundings& surroundings, const std::string& path) {
  fs::path joined = fs::path(surroundings.directory) / path;
  std::string normal = joined.lexically_normal().string();
  if (normal.size() > 1 && normal.back() == '/') normal.pop_back();
  return normal;
}

// Symbolic links resolved as far as the path exists.
fs::path real_path(const fs::path& path) {
  std::error_code error;
  fs::path result = fs::weakly_canonical(path, error);
  return error ? path.lexically_normal() : result;
}

// The nearest directory, from `directory` upwards, for which `wanted` holds.
std::optional<fs::path> nearest(const fs::path& directory,
                                const std::function<bool(const fs::path&)>& wanted) {
  for (fs::path at = directory;; at = at.parent_path()) {
    if (wanted(at)) return at;
    if (at == at.parent_path()) return std::nullopt;
  }
}

// The first line without spaces around it; empty if the file cannot be read.
std::string first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  size_t begin = line.find_first_not_of(" \t\r");
  if (begin == std::string::npos) return {};
  return line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
}

// The directory that all work trees of the repository at `tree` share. `tree`/.git is that
// directory, or a file that points to the tree's own one, which points to it by `commondir`.
std::optional<fs::path> git_common_directory(const fs::path& tree) {
  fs::path git = tree / ".git";
  if (is_file(git)) {
    constexpr std::string_view kPrefix = "gitdir: ";
    std::string line = first_line(git);
    if (line.compare(0, kPrefix.size(), kPrefix) != 0) return std::nullopt;
    git = tree / line.substr(kPrefix.size());
  }
  if (!is_folder(git)) return std::nullopt;
  std::string common = first_line(git / "commondir");
  if (!common.empty()) git /= common;
  return real_path(git);
}

// A readable name that a different path never shares: its last part and a hash of the whole.
std::string name_of_path(const fs::path& path, const fs::path& named_after) {
  std::string name;
  for (char c : named_after.filename().string()) {
    bool plain = std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
    name += plain ? c : '-';
  }
  constexpr size_t kNameBytesMax = 64;
  if (name.size() > kNameBytesMax) name.resize(kNameBytesMax);
  return name + (name.empty() ? "" : "-") + digest_text(path.string()).substr(0, 12);
}

fs::path tree_of_git(const fs::path& common) {
  return common.filename() == ".git" ? common.parent_path() : common;
}

// Of the repository that `directory` is in.
std::optional<fs::path> nearest_git(const fs::path& directory) {
  std::optional<fs::path> common;
  nearest(directory, [&common](const fs::path& at) {
    common = git_common_directory(at);
    return common.has_value();
  });
  return common;
}

// As nearest(), and else from the main work tree of the repository upwards: a further work tree may
// be anywhere.
std::optional<fs::path> nearest_of_project(const fs::path& directory,
                                           const std::optional<fs::path>& git,
                                           const std::function<bool(const fs::path&)>& wanted) {
  auto found = nearest(directory, wanted);
  if (!found && git) found = nearest(tree_of_git(*git), wanted);
  return found;
}

bool holds_store(const fs::path& directory) {
  return is_folder(directory / kProjectStoreName);
}

Result<SpaceName> space_of_id(const fs::path& file) {
  const std::string id = first_line(file);
  if (const Status status = check_segment(id); !status) {
    return Status(status.code(), std::string(status.message()) +
                                     "; write the project's id into the first line of the file")
        .with_path(file.string());
  }
  return SpaceName{kProjectSpaces + id, "id file " + file.string()};
}

// What `place` says, and what keeps it if it is moved with `keeper`.
Result<SpaceName> space_of_place(const fs::path& place, const fs::path& named_after,
                                 const fs::path& keeper, const std::string& reason) {
  const fs::path kept_by = keeper / kKeptIdFileName;
  if (is_file(kept_by)) return space_of_id(kept_by);
  return SpaceName{kProjectSpaces + name_of_path(place, named_after), reason, kept_by.string()};
}

}  // namespace

Result<Surroundings> Surroundings::of_process() {
  std::error_code error;
  fs::path directory = fs::current_path(error);
  if (error) {
    return Status(StatusCode::kNotFound,
                  "the current directory is gone; change to one that exists");
  }
  Surroundings surroundings;
  surroundings.directory = directory.string();
  surroundings.variable = [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') return std::nullopt;
    return std::string(value);
  };
  return surroundings;
}

Result<StoreLocation> resolve_store(const Surroundings& surroundings, const std::string& option) {
  if (!option.empty()) {
    return StoreLocation{absolute(surroundings, option), StoreOrigin::kOption, "--store"};
  }
  if (auto variable = surroundings.variable("HOLDFAST_STORE")) {
    return StoreLocation{absolute(surroundings, *variable), StoreOrigin::kVariable,
                         "$HOLDFAST_STORE"};
  }
  if (auto project = nearest(surroundings.directory, holds_store)) {
    return StoreLocation{(*project / kProjectStoreName).string(), StoreOrigin::kProject,
                         "nearest .holdfast/ upwards"};
  }
  const auto git = nearest_git(surroundings.directory);
  if (auto project = nearest_of_project(surroundings.directory, git, holds_store)) {
    return StoreLocation{(*project / kProjectStoreName).string(), StoreOrigin::kProject,
                         ".holdfast/ of the main work tree"};
  }
  auto data = surroundings.variable("XDG_DATA_HOME");
  if (data && data->front() == '/') {
    return StoreLocation{absolute(surroundings, *data + "/holdfast"), StoreOrigin::kUser,
                         "user's data directory ($XDG_DATA_HOME)"};
  }
  auto home = surroundings.variable("HOME");
  if (!home) {
    return Status(StatusCode::kNotAStore,
                  "no place for a store: set HOME, XDG_DATA_HOME or HOLDFAST_STORE, or give "
                  "--store DIRECTORY");
  }
  return StoreLocation{absolute(surroundings, *home + "/.local/share/holdfast"), StoreOrigin::kUser,
                       "user's data directory"};
}

Status check_segment(const std::string& segment) {
  if (segment.empty() || segment.size() > 128) {
    return Status(StatusCode::kInvalidArgument, "the name of a space has 1 to 128 bytes");
  }
  if (segment.find('/') != std::string::npos || !utf8_valid(segment)) {
    return Status(StatusCode::kInvalidArgument, "the name of a space is UTF-8 without '/'");
  }
  return Status::ok();
}

Result<SpaceName> resolve_space(const Surroundings& surroundings, const std::string& option) {
  if (!option.empty()) return SpaceName{option, "--space"};
  if (auto variable = surroundings.variable("HOLDFAST_SPACE")) {
    return SpaceName{*variable, "$HOLDFAST_SPACE"};
  }
  const fs::path directory = real_path(surroundings.directory);
  const auto git = nearest_git(directory);
  const auto with_id = nearest_of_project(
      directory, git, [](const fs::path& at) { return is_file(at / kIdFileName); });
  if (with_id) return space_of_id(*with_id / kIdFileName);
  if (git) {
    return space_of_place(*git, tree_of_git(*git), *git, "git repository " + git->string());
  }
  if (const auto project = nearest(directory, holds_store)) {
    return space_of_place(*project, *project, *project / kProjectStoreName,
                          "directory " + project->string() + ", which holds .holdfast/");
  }
  return SpaceName{kProjectSpaces + name_of_path(directory, directory),
                   "directory " + directory.string()};
}

}  // namespace holdfast::cli
