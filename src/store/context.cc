#include "store/context.h"

namespace holdfast::store {

Status Context::lost() const {
  constexpr const char* kCause = " was cut off by somebody, or the disk could not give it";
  const auto page = os.lost_page();
  if (page && page->path == data_path()) {
    return Status(StatusCode::kIoError,
                  "page " + std::to_string(page->offset >> page_shift) + " of the data file" +
                      kCause +
                      "; close the handle, check the disk, and open the store again; if it is "
                      "damaged, holdfast salvage saves what is intact")
        .with_path(page->path)
        .with_offset(page->offset);
  }
  return Status(StatusCode::kIoError,
                std::string("a part of the control block") + kCause +
                    "; close all handles of all processes and open the store again")
      .with_path(control_path());
}

Status data_whole(const Context& context) {
  // The count first: the file is longer before it is counted.
  const uint64_t size = context.control().allocation.file_pages.load() << context.page_shift;
  HOLDFAST_ASSIGN(const os::FileInfo info, context.data_file->info());
  HOLDFAST_TRY(context.connected());
  if (info.size_bytes >= size) return Status::ok();
  make_read_only(context.control());
  return Status(StatusCode::kCorruption,
                "the data file was cut by somebody from " + std::to_string(size) + " to " +
                    std::to_string(info.size_bytes) +
                    " bytes; nothing more is written: close all handles of all processes and open "
                    "the store again, which makes up for it from the log or says what is damaged")
      .with_path(context.data_path())
      .with_offset(info.size_bytes);
}

Status still_in_place(const Context& context) {
  HOLDFAST_ASSIGN(const os::FileInfo ours, context.data_file->info());
  const auto there = context.os.open(context.data_path(), os::OpenMode::kReadWrite);
  if (there) {
    HOLDFAST_ASSIGN(const os::FileInfo found, (*there)->info());
    if (found.device == ours.device && found.inode == ours.inode) return Status::ok();
  } else if (there.status().code() != StatusCode::kNotFound) {
    return there.status();
  }
  return Status(StatusCode::kIoError,
                "the data file of the store was moved or removed while it was open; close all "
                "handles and open the store where it is now")
      .with_path(context.data_path());
}

}  // namespace holdfast::store
