// A segment of the log made of any bytes, read as a cold start reads it. Where the input says so
// the checksums are made right, so that what stands behind them is reached as well.
#include <algorithm>

#include "base/check.h"
#include "base/crc32c.h"
#include "fuzz/target.h"
#include "log/reader.h"
#include "log/record.h"
#include "log/scan.h"

namespace holdfast::fuzz {
namespace {

constexpr std::array<char, 16> kStore{'f', 'u', 'z', 'z'};
constexpr size_t kCapacity = 8192;

void write_segment(os::Os& os, log::SegmentFiles& files, uint64_t number, std::string_view bytes) {
  const auto file = os.open(files.path(number), os::OpenMode::kCreate);
  CHECK(file.is_ok());
  CHECK((*file)->write_at(0, bytes).is_ok());
}

std::string segment_header(uint64_t number, Input& input) {
  log::SegmentHeader header;
  header.store_id = kStore;
  header.segment = number;
  header.capacity = kCapacity;
  header.epoch = 1 + static_cast<uint32_t>(input.number() & 1);
  header.salt = number;
  if (number > 1) {
    header.prev_segment = number - 1;
    header.prev_end_lsn = log::make_lsn(number - 1, input.number(2) & ~7ull);
    header.prev_crc = static_cast<uint32_t>(input.number(4));
    header.start_version = input.number();
  }
  log::seal(header);
  return std::string(reinterpret_cast<const char*>(&header), sizeof(header));
}

// Records whose sizes, payloads and, at times, headers come from the input.
std::string records(uint64_t number, Input& input) {
  std::string bytes;
  uint32_t previous = 0;
  const uint64_t count = input.number() % 8;
  for (uint64_t i = 0; i < count; ++i) {
    const auto edits = static_cast<uint8_t>(input.number());
    const std::string_view payload = input.take(input.number(2) % 512);
    log::RecordHeader header;
    header.type = static_cast<uint16_t>(1 + (edits & 1));
    header.lsn = log::make_lsn(number, log::kSegmentHeaderSize + bytes.size());
    header.version = i + 1;
    header.epoch = 1;
    header.prev_header_crc = previous;
    header.payload_size = static_cast<uint32_t>(payload.size());
    header.payload_crc = crc32c(payload);
    if ((edits & 2) != 0) header.durable_lsn = input.number(8);
    if ((edits & 4) != 0) header.payload_size = static_cast<uint32_t>(input.number(4));
    if ((edits & 8) != 0) header.version = input.number(8);
    log::seal(header, number);
    previous = header.header_crc;
    bytes.append(reinterpret_cast<const char*>(&header), sizeof(header));
    bytes.append(payload);
    bytes.resize((bytes.size() + log::kRecordAlignment - 1) / log::kRecordAlignment *
                 log::kRecordAlignment);
  }
  return bytes;
}

void read_all(log::SegmentFiles& files, log::Trust trust) {
  log::Position start;
  start.lsn = log::make_lsn(1, log::kSegmentHeaderSize);
  start.epoch = 1;
  log::Reader reader(files, kStore, start, trust);
  while (true) {
    const auto record = reader.next(~0ull);
    if (!record || !*record) break;
    log::PayloadReader payload((*record)->payload);
    while (const auto operation = payload.next()) {
      (void)log::written_key(*operation, (*record)->header.version);
      (void)log::writes_into(*operation, 1, "a", "b");
    }
    (void)payload.status();
  }
  (void)log::scan_tail(files, kStore, reader.position());
}

void run(Input input) {
  const auto os = os::make_memory_os();
  CHECK(os->make_directories("/wal").is_ok());
  log::SegmentFiles files(*os, "/wal", 1u << 20);
  for (uint64_t number = 1; number <= 2; ++number) {
    const bool is_structured = input.number() % 4 != 0;
    std::string bytes;
    if (is_structured) {
      bytes = segment_header(number, input) + records(number, input);
      if (number == 2) bytes += input.rest();
    } else {
      bytes = input.take(kCapacity);
    }
    bytes.resize(std::max<size_t>(bytes.size(), std::min<size_t>(input.number(2), kCapacity)));
    write_segment(*os, files, number, bytes);
  }
  read_all(files, log::Trust::kUnproven);
  read_all(files, log::Trust::kAccepted);
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  holdfast::fuzz::run({data, size});
  return 0;
}
