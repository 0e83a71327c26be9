#include "ingest/id_ledger.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/uuid.h"
#include "process/system_error.h"

namespace holdfast::ingest {

IdLedger::~IdLedger() {
  if (fd_ >= 0) ::close(fd_);
}

Status IdLedger::open(const std::string& path) {
  path_ = path;
  fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd_ >= 0) return Status::ok();
  return process::system_error("opening the ledger", path);
}

Status IdLedger::append(std::span<const std::string> ids) {
  std::string lines;
  for (const std::string& id : ids) lines += id + "\n";
  if (lines.empty()) return Status::ok();
  ssize_t written = ::write(fd_, lines.data(), lines.size());
  if (written == static_cast<ssize_t>(lines.size())) return Status::ok();
  return Status(StatusCode::kIoError,
                std::string("cannot write the ledger: ") + std::strerror(errno))
      .with_path(path_);
}

Result<std::vector<std::string>> read_id_ledger(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Status(StatusCode::kNotFound, "cannot read the ledger").with_path(path);
  std::vector<std::string> ids;
  std::string line;
  while (std::getline(file, line)) {
    if (file.eof() && line.size() < 36) break;  // cut off: nobody was told
    if (!Uuid::parse(line)) {
      return Status(StatusCode::kCorruption,
                    "line " + std::to_string(ids.size() + 1) + " of the ledger is not an id")
          .with_path(path);
    }
    ids.push_back(line);
  }
  return ids;
}

}  // namespace holdfast::ingest
