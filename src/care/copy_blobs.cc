#include "care/copy_blobs.h"

#include "care/salvage_tree.h"

namespace holdfast::care {
namespace {

constexpr size_t kPieceSize = 1u << 20;
constexpr const char* kUnfinished = "tmp";

Status copy_file(os::File& from, os::File& to, uint64_t& bytes) {
  std::string piece(kPieceSize, '\0');
  for (uint64_t offset = 0;; offset += piece.size()) {
    HOLDFAST_ASSIGN(const size_t count, from.read_at(offset, piece.data(), piece.size()));
    if (count == 0) break;
    HOLDFAST_TRY(to.write_at(offset, std::string_view(piece).substr(0, count)));
    bytes += count;
    if (count < piece.size()) break;
  }
  return to.sync_data();
}

Status copy_directory(os::Os& from_os, const std::string& from, os::Os& to_os,
                      const std::string& to, SalvageReport& report) {
  const auto names = from_os.list(from);
  if (names.status().code() == StatusCode::kInvalidArgument) return Status::ok();  // a file
  HOLDFAST_TRY(names.status());
  if (names->empty()) return Status::ok();
  HOLDFAST_TRY(to_os.make_directories(to));
  for (const std::string& name : *names) {
    auto file = from_os.open(from + "/" + name, os::OpenMode::kRead);
    if (!file) {
      add_damage(report, file.status().to_string());
      continue;
    }
    HOLDFAST_ASSIGN(auto copy, to_os.open(to + "/" + name, os::OpenMode::kCreate));
    HOLDFAST_TRY(copy_file(**file, *copy, report.blob_bytes));
    ++report.blob_files;
  }
  return to_os.sync_directory(to);
}

}  // namespace

Status copy_blobs(os::Os& from_os, const std::string& from, os::Os& to_os, const std::string& to,
                  SalvageReport& report) {
  const auto directories = from_os.list(from + "/blobs");
  if (directories.status().code() == StatusCode::kNotFound) return Status::ok();
  HOLDFAST_TRY(directories.status());
  for (const std::string& name : *directories) {
    if (name == kUnfinished) continue;
    const std::string below = "/blobs/" + name;
    HOLDFAST_TRY(copy_directory(from_os, from + below, to_os, to + below, report));
  }
  if (report.blob_files == 0) return Status::ok();
  return to_os.sync_directory(to + "/blobs");
}

}  // namespace holdfast::care
