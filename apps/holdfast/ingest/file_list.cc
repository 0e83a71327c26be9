#include "ingest/file_list.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace holdfast::ingest {
namespace {

namespace fs = std::filesystem;

bool add_file(const std::string& path, FileList& list) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0) return false;
  if (!S_ISREG(info.st_mode)) return true;
  list.files.push_back({path, static_cast<uint64_t>(info.st_size),
                        info.st_mtim.tv_sec * int64_t{1000000000} + info.st_mtim.tv_nsec});
  return true;
}

void walk(const fs::path& folder, const std::string& excluded, FileList& list) {
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error) list.unreadable.push_back(folder.string() + ": " + error.message());
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const fs::path& path = entries->path();
    std::error_code ignored;
    if (entries->is_symlink(ignored)) {
      ++list.links;
    } else if (entries->is_directory(ignored)) {
      std::string name = path.filename().string();
      if (name == ".git" || name == ".holdfast" || path == excluded) continue;
      walk(path, excluded, list);
    } else if (!add_file(path.string(), list)) {
      list.unreadable.push_back(path.string() + ": " + std::strerror(errno));
    }
  }
}

void keep_evenly(std::vector<InputFile>& files, size_t files_max) {
  if (files_max == 0 || files.size() <= files_max) return;
  std::vector<InputFile> kept;
  for (size_t i = 0; i < files_max; ++i) {
    kept.push_back(std::move(files[i * files.size() / files_max]));
  }
  files = std::move(kept);
}

}  // namespace

Result<FileList> list_files(const std::vector<std::string>& paths, const std::string& excluded,
                            size_t files_max) {
  FileList list;
  for (const std::string& named : paths) {
    std::error_code error;
    fs::path path = fs::absolute(named, error).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();  // "folder/"
    if (fs::is_directory(path, error)) {
      walk(path, excluded, list);
    } else if (!add_file(path.string(), list)) {
      return Status(StatusCode::kInvalidArgument,
                    std::string("cannot read: ") + std::strerror(errno))
          .with_path(path.string());
    }
  }
  auto by_path = [](const InputFile& a, const InputFile& b) { return a.path < b.path; };
  auto same = [](const InputFile& a, const InputFile& b) { return a.path == b.path; };
  std::sort(list.files.begin(), list.files.end(), by_path);
  list.files.erase(std::unique(list.files.begin(), list.files.end(), same), list.files.end());
  keep_evenly(list.files, files_max);
  return list;
}

}  // namespace holdfast::ingest
