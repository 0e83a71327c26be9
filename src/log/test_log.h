// TestLog: a log in memory, written record by record, to be cut and damaged. For tests of log/
// only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/crc32c.h"
#include "log/reader.h"
#include "log/record.h"
#include "log/segment.h"

namespace holdfast::log {

constexpr std::array<char, 16> kTestStore{'t', 'e', 's', 't'};

class TestLog {
 public:
  static constexpr uint32_t kCapacity = 8192;
  using EditHeader = std::function<void(SegmentHeader&)>;
  using EditRecord = std::function<void(RecordHeader&)>;

  TestLog() { CHECK(os_->make_directories("/wal").is_ok()); }

  os::Os& os() { return *os_; }
  // Remembers nothing: what was changed on the disk is seen.
  SegmentFiles files() { return SegmentFiles(*os_, "/wal", 1u << 20); }
  std::string path(uint64_t number) { return files().path(number); }

  // Behind the last record.
  Position end;

  // Prepares a segment and starts it at `end`; appends go there.
  void start(uint64_t number, uint32_t capacity = kCapacity, const EditHeader& edit = {}) {
    CHECK(files().prepare(number, capacity).is_ok());
    header_ = {};
    header_.store_id = kTestStore;
    header_.segment = number;
    header_.prev_end_lsn = end.lsn;
    header_.prev_segment = lsn_segment(end.lsn);
    header_.start_version = end.version;
    header_.epoch = end.epoch == 0 ? 1 : end.epoch;
    header_.prev_crc = end.prev_crc;
    header_.salt = 0x5a17 * number;
    header_.capacity = capacity;
    if (edit) edit(header_);
    seal(header_);
    write(number, 0, {reinterpret_cast<const char*>(&header_), sizeof(header_)});
    end.lsn = make_lsn(number, kSegmentHeaderSize);
    end.epoch = header_.epoch;
    end.prev_crc = header_.prev_crc;
    end.version = header_.start_version;
  }
  const SegmentHeader& header() const { return header_; }

  // Appends a record; `edit` changes its header before it is sealed. Returns where it begins.
  Lsn append(std::string_view payload, const EditRecord& edit = {}) {
    RecordHeader header;
    header.type = static_cast<uint16_t>(RecordType::kCommit);
    header.lsn = end.lsn;
    header.version = end.version + 1;
    header.commit_time_us = header.version * 1000;
    header.prev_header_crc = end.prev_crc;
    header.epoch = end.epoch;
    header.payload_size = static_cast<uint32_t>(payload.size());
    header.payload_crc = crc32c(payload);
    if (edit) edit(header);
    seal(header, header_.salt);
    std::string bytes(reinterpret_cast<const char*>(&header), sizeof(header));
    bytes.append(payload);
    write(lsn_segment(end.lsn), lsn_offset(end.lsn), bytes);
    end.lsn += record_size(payload.size());
    end.prev_crc = header.header_crc;
    end.version = header.version;
    end.time_us = header.commit_time_us;
    return header.lsn;
  }

  void write(uint64_t number, uint64_t offset, std::string_view bytes) {
    auto file = os_->open(path(number), os::OpenMode::kCreate);
    CHECK(file.is_ok());
    CHECK((*file)->write_at(offset, bytes).is_ok());
  }
  std::string read(uint64_t number, uint64_t offset, uint64_t size) {
    auto file = os_->open(path(number), os::OpenMode::kReadWrite);
    std::string bytes(size, '\0');
    const auto count = (*file)->read_at(offset, bytes.data(), size);
    bytes.resize(*count);
    return bytes;
  }
  void flip(uint64_t number, uint64_t offset) {
    write(number, offset, std::string(1, static_cast<char>(read(number, offset, 1)[0] ^ 0x10)));
  }
  void zero(Lsn from, Lsn to) {
    write(lsn_segment(from), lsn_offset(from), std::string(to - from, '\0'));
  }

  // The payloads that a reader returns from `start` on.
  std::vector<std::string> payloads(const Position& start, Lsn limit = ~0ull,
                                    Trust trust = Trust::kUnproven) {
    SegmentFiles fresh = files();
    Reader reader(fresh, kTestStore, start, trust);
    std::vector<std::string> all;
    while (true) {
      const auto record = reader.next(limit);
      status = record.status();
      if (!record || !*record) break;
      all.emplace_back((*record)->payload);
    }
    reached = reader.position();
    return all;
  }
  // How the last payloads() ended.
  Status status;
  Position reached;

 private:
  std::unique_ptr<os::Os> os_ = os::make_memory_os();
  SegmentHeader header_;
};

}  // namespace holdfast::log
