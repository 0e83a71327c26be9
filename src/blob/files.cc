#include "blob/files.h"

#include <set>

namespace holdfast::blob {
namespace {

constexpr uint64_t kLockByte = 0;

bool is_missing(const Status& status) {
  return status.code() == StatusCode::kNotFound;
}

Status ignore_missing(Status status) {
  return is_missing(status) ? Status::ok() : std::move(status);
}

}  // namespace

std::string Files::temporary_path(uint64_t incarnation) const {
  return root_ + "/tmp/" + hex(incarnation);
}
std::string Files::new_path(const FileName& name) const {
  return root_ + "/new/" + text_of(name);
}
std::string Files::placed_path(const FileName& name) const {
  const std::string text = text_of(name);
  return root_ + "/" + text.substr(0, 2) + "/" + text;
}

Status Files::prepare() {
  if (prepared_.load(std::memory_order_acquire)) return Status::ok();
  HOLDFAST_TRY(os_.make_directories(root_ + "/tmp"));
  HOLDFAST_TRY(os_.make_directories(root_ + "/new"));
  HOLDFAST_TRY(os_.sync_directory(root_));
  HOLDFAST_TRY(os_.sync_directory(store_path_));
  prepared_.store(true, std::memory_order_release);
  return Status::ok();
}

Status Files::prepare_place(const FileName& name) {
  std::atomic<bool>& prepared = places_prepared_[static_cast<unsigned char>(name.hash[0])];
  if (prepared.load(std::memory_order_acquire)) return Status::ok();
  HOLDFAST_TRY(os_.make_directories(root_ + "/" + text_of(name).substr(0, 2)));
  HOLDFAST_TRY(os_.sync_directory(root_));
  prepared.store(true, std::memory_order_release);
  return Status::ok();
}

Result<HeldFile> Files::create() {
  HOLDFAST_TRY(prepare());
  while (true) {
    HeldFile held;
    os_.random_bytes(reinterpret_cast<char*>(&held.name.incarnation),
                     sizeof(held.name.incarnation));
    const std::string path = temporary_path(held.name.incarnation);
    auto file = os_.open(path, os::OpenMode::kCreateExclusive);
    if (file.status().code() == StatusCode::kConditionFalse) continue;
    if (!file) return file.status();
    held.file = std::move(*file);
    HOLDFAST_ASSIGN(const bool locked, held.file->lock_try(kLockByte, os::LockKind::kExclusive));
    if (!locked) continue;  // a sweep was quicker, and removes it
    // A sweep may have had the lock, removed the file and gone.
    const auto again = os_.open(path, os::OpenMode::kReadWrite);
    if (is_missing(again.status())) continue;
    if (!again) return again.status();
    HOLDFAST_ASSIGN(const os::FileInfo mine, held.file->info());
    HOLDFAST_ASSIGN(const os::FileInfo there, (*again)->info());
    if (mine.inode == there.inode) return held;
  }
}

Status Files::publish(const HeldFile& held) {
  Status status = os_.rename(temporary_path(held.name.incarnation), new_path(held.name));
  if (status) status = os_.sync_directory(root_ + "/new");
  if (!status) (void)remove(held.name);
  return status;
}

Status Files::place(const FileName& name) {
  HOLDFAST_TRY(prepare_place(name));
  return ignore_missing(os_.rename(new_path(name), placed_path(name)));
}

Result<std::unique_ptr<os::File>> Files::find(const FileName& name) {
  // It may be moved in between, from new/ to its place.
  for (const std::string& path : {placed_path(name), new_path(name), placed_path(name)}) {
    auto file = os_.open(path, os::OpenMode::kReadWrite);
    if (file || !is_missing(file.status())) return file;
  }
  return std::unique_ptr<os::File>();
}

Result<std::optional<Files::Taken>> Files::take(const FileName& name) {
  for (const std::string& path : {new_path(name), placed_path(name)}) {
    auto file = os_.open(path, os::OpenMode::kReadWrite);
    if (is_missing(file.status())) continue;
    if (!file) return file.status();
    HOLDFAST_ASSIGN(const bool locked, (*file)->lock_try(kLockByte, os::LockKind::kExclusive));
    if (!locked) return std::optional<Taken>();
    return std::optional(Taken{false, {std::move(*file), name}});
  }
  return std::optional(Taken{true, {nullptr, name}});
}

Status Files::remove(const FileName& name) {
  for (const std::string& path :
       {temporary_path(name.incarnation), new_path(name), placed_path(name)}) {
    HOLDFAST_TRY(ignore_missing(os_.remove(path)));
  }
  return Status::ok();
}

Status Files::sync_removals(const std::vector<FileName>& names) {
  std::set<std::string> directories;
  for (const FileName& name : names) {
    directories.insert(root_ + "/new");
    directories.insert(root_ + "/" + text_of(name).substr(0, 2));
  }
  for (const std::string& directory : directories) {
    HOLDFAST_TRY(ignore_missing(os_.sync_directory(directory)));
  }
  return Status::ok();
}

Result<uint64_t> Files::sweep_temporary(size_t limit) {
  uint64_t removed = 0;
  const auto names = os_.list(root_ + "/tmp");
  if (is_missing(names.status())) return removed;
  if (!names) return names.status();
  for (const std::string& name : *names) {
    if (removed >= limit) break;
    const std::string path = root_ + "/tmp/" + name;
    const auto file = os_.open(path, os::OpenMode::kReadWrite);
    if (is_missing(file.status())) continue;
    if (!file) return file.status();
    HOLDFAST_ASSIGN(const bool locked, (*file)->lock_try(kLockByte, os::LockKind::kExclusive));
    if (!locked) continue;
    HOLDFAST_TRY(ignore_missing(os_.remove(path)));
    ++removed;
  }
  return removed;
}

Result<std::vector<FileName>> Files::list_names(const std::string& directory) {
  std::vector<FileName> found;
  const auto names = os_.list(directory);
  if (is_missing(names.status())) return found;
  if (!names) return names.status();
  for (const std::string& text : *names) {
    if (const auto name = parse_name(text)) found.push_back(*name);
  }
  return found;
}

Result<std::vector<FileName>> Files::list_new() {
  return list_names(root_ + "/new");
}

Result<std::vector<FileName>> Files::list_placed(std::string_view digits) {
  return list_names(root_ + "/" + std::string(digits));
}

}  // namespace holdfast::blob
