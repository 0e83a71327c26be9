#include "care/salvage_place.h"

#include <algorithm>

#include "store/create.h"

namespace holdfast::care {
namespace {

constexpr const char* kStoreName = "store";

Status in_the_way(const std::string& path, const char* what) {
  return Status(StatusCode::kInvalidArgument, what).with_path(path);
}

Status require_absent(os::Os& os, const std::string& path) {
  const auto names = os.list(path);
  if (names.status().code() == StatusCode::kNotFound) return Status::ok();
  if (!names && names.status().code() != StatusCode::kInvalidArgument) return names.status();
  return in_the_way(path, "there is something at this path; give one that does not exist");
}

// The directory with all that is in it; nothing there is success.
Status remove_all(os::Os& os, const std::string& path) {
  const auto names = os.list(path);
  if (names.status().code() == StatusCode::kNotFound) return Status::ok();
  if (names.status().code() == StatusCode::kInvalidArgument) return os.remove(path);  // a file
  HOLDFAST_TRY(names.status());
  for (const std::string& name : *names) HOLDFAST_TRY(remove_all(os, path + "/" + name));
  return os.remove(path);
}

// Every directory's entries; their files are synced by who wrote them.
Status sync_directories(os::Os& os, const std::string& path) {
  const auto names = os.list(path);
  if (names.status().code() == StatusCode::kInvalidArgument) return Status::ok();  // a file
  HOLDFAST_TRY(names.status());
  for (const std::string& name : *names) HOLDFAST_TRY(sync_directories(os, path + "/" + name));
  return os.sync_directory(path);
}

}  // namespace

SalvagePlace::SalvagePlace(os::Os& os, std::string to)
    : os_(&os),
      to_(std::move(to)),
      partial_(to_ + store::kSalvageSuffix),
      store_path_(partial_ + "/" + kStoreName) {}

Result<SalvagePlace> SalvagePlace::claim(os::Os& os, const std::string& from,
                                         const std::string& to) {
  SalvagePlace place(os, to.size() > 1 && to.back() == '/' ? to.substr(0, to.size() - 1) : to);
  HOLDFAST_TRY(require_absent(os, place.to_));
  const auto names = os.list(place.partial_);
  if (names) {
    const bool ours = std::all_of(names->begin(), names->end(), [](const std::string& name) {
      return name == kStoreName || name == store::kSalvageMark;
    });
    if (!ours) {
      return in_the_way(place.partial_,
                        "there is something here that no salvage left; remove it, or salvage to "
                        "another path");
    }
  } else if (names.status().code() == StatusCode::kInvalidArgument) {
    return in_the_way(place.partial_, "there is a file where the salvage would write");
  }
  HOLDFAST_TRY(os.make_directories(place.partial_));
  HOLDFAST_TRY(place.lock(from));
  // Who had the lock may have finished meanwhile.
  HOLDFAST_TRY(require_absent(os, place.to_));
  HOLDFAST_TRY(remove_all(os, place.store_path_));
  return place;
}

Status SalvagePlace::lock(const std::string& from) {
  const std::string path = partial_ + "/" + store::kSalvageMark;
  HOLDFAST_ASSIGN(mark_, os_->open(path, os::OpenMode::kCreate));
  HOLDFAST_ASSIGN(const bool locked, mark_->lock_try(0, os::LockKind::kExclusive));
  if (!locked) {
    return Status(StatusCode::kBusy,
                  "another process salvages to this path; wait for it or end it, or salvage to "
                  "another path")
        .with_path(partial_);
  }
  return mark_->write_at(0, "What holdfast salvage saved from " + from +
                                ", unfinished: run it again,\nwhich begins anew, or remove this "
                                "directory.\n");
}

Status SalvagePlace::finish() {
  // Whoever opens it starts cold, and then first makes the new name durable.
  HOLDFAST_TRY(os_->remove(store_path_ + "/shm"));
  HOLDFAST_TRY(sync_directories(*os_, store_path_));
  HOLDFAST_TRY(os_->rename(store_path_, to_));
  HOLDFAST_TRY(store::sync_entries(*os_, to_));
  // What is left if this fails, or never happens, is empty but for the mark.
  if (os_->remove(partial_ + "/" + store::kSalvageMark)) (void)os_->remove(partial_);
  return Status::ok();
}

}  // namespace holdfast::care
