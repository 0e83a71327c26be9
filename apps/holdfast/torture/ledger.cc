#include "torture/ledger.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <fstream>

#include "base/crc32c.h"
#include "process/system_error.h"

namespace holdfast::torture {
namespace {

uint32_t crc_of(const LedgerRecord& record) {
  return crc32c(
      std::string_view(reinterpret_cast<const char*>(&record), offsetof(LedgerRecord, crc)));
}

}  // namespace

LedgerWriter::~LedgerWriter() {
  if (fd_ >= 0) ::close(fd_);
}

Status LedgerWriter::open(const std::string& path, uint32_t worker) {
  worker_ = worker;
  fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd_ < 0) return process::system_error("the ledger: open", path);
  struct stat info = {};
  if (::fstat(fd_, &info) != 0) return process::system_error("the ledger: fstat", path);
  off_t whole = info.st_size - info.st_size % static_cast<off_t>(sizeof(LedgerRecord));
  if (whole != info.st_size && ::ftruncate(fd_, whole) != 0)
    return process::system_error("the ledger: ftruncate", path);
  return Status::ok();
}

Status LedgerWriter::append(Phase phase, uint64_t number, uint64_t version) {
  LedgerRecord record;
  record.number = number;
  record.version = version;
  record.worker = worker_;
  record.phase = phase;
  record.crc = crc_of(record);
  ssize_t written = ::write(fd_, &record, sizeof(record));
  if (written != static_cast<ssize_t>(sizeof(record)))
    return process::system_error("the ledger: write", "");
  return Status::ok();
}

Result<std::vector<LedgerEntry>> read_ledger(const std::string& path, uint32_t worker) {
  std::vector<LedgerEntry> entries;
  std::ifstream file(path, std::ios::binary);
  LedgerRecord record;
  uint64_t offset = 0;
  while (file.read(reinterpret_cast<char*>(&record), sizeof(record))) {
    bool intact = record.crc == crc_of(record) && record.worker == worker;
    uint64_t last = entries.empty() ? 0 : entries.back().number;
    bool intent = record.phase == Phase::kIntent && record.number == last + 1;
    bool known = !entries.empty() && (entries.back().acknowledged || entries.back().refused);
    bool outcome = (record.phase == Phase::kAcknowledged || record.phase == Phase::kRefused) &&
                   record.number == last && !entries.empty() && !known;
    if (!intact || (!intent && !outcome)) {
      return Status(StatusCode::kCorruption, "the ledger is damaged: its file system lies")
          .with_path(path)
          .with_offset(offset);
    }
    if (intent) {
      entries.push_back({record.number});
    } else {
      entries.back().acknowledged = record.phase == Phase::kAcknowledged;
      entries.back().refused = record.phase == Phase::kRefused;
      entries.back().version = record.version;
    }
    offset += sizeof(record);
  }
  return entries;
}

}  // namespace holdfast::torture
