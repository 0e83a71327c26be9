#include "support/log_file.h"

#include <cstring>

#include "log/record.h"
#include "support/store_files.h"

namespace holdfast {

LogFile::LogFile(std::string path) : path_(std::move(path)) {
  read();
}

void LogFile::read() {
  entries_.clear();
  commits_.clear();
  const std::string bytes = read_file(path_);
  if (bytes.size() < sizeof(header_)) return;
  std::memcpy(&header_, bytes.data(), sizeof(header_));
  uint64_t offset = sizeof(header_);
  while (offset + sizeof(log::RecordHeader) <= bytes.size()) {
    LogEntry entry;
    entry.offset = offset;
    std::memcpy(&entry.header, bytes.data() + offset, sizeof(entry.header));
    if (!log::sealed(entry.header, header_.salt)) break;
    entry.size = log::record_size(entry.header.payload_size);
    entries_.push_back(entry);
    if (entry.header.type == static_cast<uint16_t>(log::RecordType::kCommit)) {
      commits_.push_back(entry);
    }
    offset = entry.end();
  }
}

void LogFile::forge(const std::function<void(log::RecordHeader&)>& change) {
  uint32_t chain = header_.prev_crc;
  for (const LogEntry& entry : entries_) {
    log::RecordHeader header = entry.header;
    change(header);
    header.prev_header_crc = chain;
    log::seal(header, header_.salt);
    chain = header.header_crc;
    overwrite(path_, entry.offset, {reinterpret_cast<const char*>(&header), sizeof(header)});
  }
  read();
}

}  // namespace holdfast
