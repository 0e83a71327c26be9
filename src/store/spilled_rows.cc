#include "store/spilled_rows.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/crc32c.h"

namespace holdfast::store {
namespace {

constexpr size_t kBlockBytes = 128u << 10;

struct BlockHeader {
  uint32_t crc;
  uint32_t size;
};
struct RowHeader {
  uint32_t key_size;
  uint32_t value_size;
};

template <typename Header>
std::string_view bytes_of(const Header& header) {
  return {reinterpret_cast<const char*>(&header), sizeof(header)};
}

}  // namespace

SpilledRows::~SpilledRows() {
  if (file_ == nullptr) return;
  file_.reset();
  (void)os_.remove(path_);
}

Status SpilledRows::write_block(std::string_view rows) {
  const BlockHeader header{crc32c(rows), static_cast<uint32_t>(rows.size())};
  const std::string_view pieces[] = {bytes_of(header), rows};
  HOLDFAST_TRY(file_->write_gather_at(size_, pieces));
  size_ += sizeof(header) + rows.size();
  return Status::ok();
}

Status SpilledRows::add(std::span<const tree::Operation> rows) {
  if (file_ == nullptr) {
    HOLDFAST_ASSIGN(file_, os_.open(path_, os::OpenMode::kCreate));
  }
  Run run;
  run.next = size_;
  std::string block;
  block.reserve(2 * kBlockBytes);
  for (const tree::Operation& row : rows) {
    const RowHeader header{static_cast<uint32_t>(row.key.size()),
                           static_cast<uint32_t>(row.value->size())};
    block.append(bytes_of(header)).append(row.key).append(*row.value);
    if (block.size() < kBlockBytes) continue;
    HOLDFAST_TRY(write_block(block));
    block.clear();
  }
  if (!block.empty()) HOLDFAST_TRY(write_block(block));
  run.end = size_;
  runs_.push_back(std::move(run));
  return Status::ok();
}

Status SpilledRows::damaged(uint64_t offset) const {
  return Status(StatusCode::kCorruption,
                "rows that were put aside cannot be read back as they were written; the disk may "
                "be failing: load again")
      .with_path(path_)
      .with_offset(offset);
}

Status SpilledRows::read_block(Run& run) {
  BlockHeader header{};
  const uint64_t begin = run.next + sizeof(header);
  HOLDFAST_ASSIGN(const size_t head,
                  file_->read_at(run.next, reinterpret_cast<char*>(&header), sizeof(header)));
  if (head < sizeof(header) || begin + header.size > run.end) return damaged(run.next);
  run.block.resize(header.size);
  HOLDFAST_ASSIGN(const size_t size, file_->read_at(begin, run.block.data(), header.size));
  if (size < header.size || crc32c(run.block) != header.crc) return damaged(run.next);
  run.next = begin + size;
  run.at = 0;
  return Status::ok();
}

// To the run's next row. False: there is none.
Result<bool> SpilledRows::advance(Run& run) {
  if (run.at == run.block.size()) {
    if (run.next == run.end) return false;
    HOLDFAST_TRY(read_block(run));
  }
  RowHeader header;
  std::memcpy(&header, run.block.data() + run.at, sizeof(header));
  const std::string_view rest = std::string_view(run.block).substr(run.at + sizeof(header));
  run.row = {rest.substr(0, header.key_size), rest.substr(header.key_size, header.value_size)};
  run.at += sizeof(header) + header.key_size + header.value_size;
  return true;
}

// Whether the row at hand of run `a` comes behind that of run `b`: of one key the newer run's
// first.
bool SpilledRows::is_behind(size_t a, size_t b) const {
  const int compared = runs_[a].row.key.compare(runs_[b].row.key);
  return compared != 0 ? compared > 0 : a < b;
}

// Puts a run at its next row, and where that belongs among the others.
Status SpilledRows::go_on(size_t run) {
  HOLDFAST_ASSIGN(const bool more, advance(runs_[run]));
  if (!more) return Status::ok();
  order_.push_back(run);
  std::push_heap(order_.begin(), order_.end(),
                 [this](size_t a, size_t b) { return is_behind(a, b); });
  return Status::ok();
}

// The run that has the next row, out of the order. REQUIRES: there is one.
size_t SpilledRows::take() {
  std::pop_heap(order_.begin(), order_.end(),
                [this](size_t a, size_t b) { return is_behind(a, b); });
  const size_t run = order_.back();
  order_.pop_back();
  return run;
}

Result<std::optional<tree::Operation>> SpilledRows::next() {
  if (!merging_) {
    merging_ = true;
    for (size_t run = 0; run < runs_.size(); ++run) HOLDFAST_TRY(go_on(run));
  }
  if (taken_) HOLDFAST_TRY(go_on(*std::exchange(taken_, std::nullopt)));
  if (order_.empty()) return std::optional<tree::Operation>();
  taken_ = take();
  const tree::Operation row = runs_[*taken_].row;
  while (!order_.empty() && runs_[order_.front()].row.key == row.key) HOLDFAST_TRY(go_on(take()));
  return std::optional(row);
}

}  // namespace holdfast::store
