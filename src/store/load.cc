#include "store/load.h"

#include <algorithm>

#include "store/published.h"

namespace holdfast::store {
namespace {

// What its commits have on average, at least.
constexpr uint64_t kLoadCommitBytes = 64u << 10;
constexpr uint64_t kAppliedBytesMin = 4u << 20;
// Half of what a commit waits for: the next half is committed while one is applied.
constexpr uint64_t kAppliedBytesMax = kLoadWaitsBytes / 2;

}  // namespace

std::optional<uint64_t> load_bytes(const Context& context) {
  const ControlBlock& control = context.control();
  const Tail tail = read_tail(control.tail);
  const PublishedRoot latest = read_latest_root(control);
  if (tail.version <= latest.version) return std::nullopt;
  const uint64_t bytes = context.log_bytes_between(latest.lsn, tail.lsn);
  if (bytes / kLoadCommitBytes < tail.version - latest.version) return std::nullopt;
  return bytes;
}

uint64_t load_bytes_worth_applying(const Context& context) {
  const AllocationLine& line = context.control().allocation;
  const uint64_t file_pages = line.file_pages.load();
  const uint64_t unused = std::min(file_pages, line.free_pages.load() + line.retired_pages.load());
  const uint64_t tree_bytes = (file_pages - unused) << context.page_shift;
  return std::clamp(tree_bytes, kAppliedBytesMin, kAppliedBytesMax);
}

}  // namespace holdfast::store
