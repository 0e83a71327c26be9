#include "torture/limits.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <filesystem>

#include "base/check.h"
#include "process/system_error.h"

namespace holdfast::torture {
namespace {

Status failed(const std::string& what, const std::string& directory) {
  return process::system_error(what + " (a small disk needs root)", directory);
}

std::string size_option(uint64_t size_mib) {
  return "size=" + std::to_string(size_mib) + "m";
}

}  // namespace

SmallDisk::~SmallDisk() {
  if (!directory_.empty()) ::umount2(directory_.c_str(), MNT_DETACH);
}

Status SmallDisk::mount(const std::string& directory, uint64_t size_mib) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return Status(StatusCode::kIoError, "cannot make it: " + error.message()).with_path(directory);
  }
  if (::unshare(CLONE_NEWNS) != 0) return failed("unshare", directory);
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return failed("making the mounts private", directory);
  }
  const std::string size = size_option(size_mib);
  if (::mount("tmpfs", directory.c_str(), "tmpfs", 0, size.c_str()) != 0) {
    return failed("mounting a tmpfs", directory);
  }
  directory_ = directory;
  return Status::ok();
}

Status SmallDisk::resize(uint64_t size_mib) {
  const std::string size = size_option(size_mib);
  const int result = ::mount("tmpfs", directory_.c_str(), "tmpfs", MS_REMOUNT, size.c_str());
  return result == 0 ? Status::ok() : failed("making the tmpfs larger", directory_);
}

void limit_file_size(uint64_t size_mib_max) {
  if (size_mib_max == 0) return;
  rlimit limit{};
  CHECK(::getrlimit(RLIMIT_FSIZE, &limit) == 0);
  limit.rlim_cur = size_mib_max << 20;
  CHECK(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

}  // namespace holdfast::torture
