// Pages made of any bytes, reached by references whose checksums are right: whatever validate_page
// accepts must be safe to look up, walk, scan, compare, and apply operations to.
#include <algorithm>
#include <deque>
#include <vector>

#include "base/crc32c.h"
#include "fuzz/target.h"
#include "tree/cursor.h"
#include "tree/page.h"
#include "tree/test_pages.h"
#include "tree/tree.h"

namespace holdfast::fuzz {
namespace {

constexpr uint32_t kPageSize = 512;
constexpr uint32_t kPages = 4;

// A sound leaf to begin with, which the input then changes.
std::string page_of(uint32_t pgno, Input& input) {
  std::string bytes(kPageSize, '\0');
  if (input.number() % 4 == 0) {
    const std::string_view raw = input.take(kPageSize);
    raw.copy(bytes.data(), raw.size());
  } else {
    tree::TestPages pages(kPageSize, 16);
    std::vector<std::string> keys;
    for (uint64_t i = input.number() % 12; i > 0; --i) {
      keys.emplace_back(input.take(1 + input.number() % 40));
    }
    std::erase(keys, "");
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    std::vector<tree::Operation> operations;
    for (const std::string& key : keys) operations.push_back({key, std::string_view(key)});
    const auto made = tree::apply(pages.source(), {}, operations, 1, pages);
    if (made && !made->written.empty()) bytes = made->written.front().bytes.substr(0, kPageSize);
  }
  for (uint64_t i = input.number() % 8; i > 0; --i) {
    bytes[input.number(2) % kPageSize] = static_cast<char>(input.number());
  }
  const uint32_t number = pgno;
  if (input.number() % 8 != 0) std::memcpy(bytes.data(), &number, sizeof(number));
  return bytes;
}

void use(tree::TestPages& pages, const tree::Root& root, Input& input) {
  const auto source = pages.fresh_source();
  const std::string key(input.take(1 + input.number() % 32));
  if (const auto found = tree::find(*source, root, key); found && *found) {
    (void)tree::value_bytes(*source, **found);
  }
  tree::Cursor cursor(*source, root);
  cursor.seek_first();
  for (int i = 0; cursor.valid() && i < 1000; ++i) cursor.next();
  if (!key.empty()) cursor.seek(key);
  const auto visit = [](const tree::VisitedRun&) -> Result<bool> { return true; };
  (void)tree::walk(*source, root, true, visit);
  (void)tree::walk_intact(*source, root, visit);
  std::vector<tree::Operation> operations;
  if (!key.empty()) operations.push_back({key, std::string_view("value")});
  (void)tree::apply(*source, root, operations, 9, pages);
}

void run(Input input) {
  tree::TestPages pages(kPageSize, 64);
  const auto first = pages.allocate(kPages);
  if (!first) return;
  uint32_t crc = 0;
  for (uint32_t i = 0; i < kPages; ++i) {
    const uint32_t pgno = *first + kPages - 1 - i;
    std::string bytes = page_of(pgno, input);
    // A branch gets references to the pages made so far, with their checksums.
    if (i > 0 && bytes.size() == kPageSize && input.number() % 2 == 0) {
      tree::ChildCell child{pgno + 1, crc, 0};
      const size_t at = input.number(2) % (kPageSize - sizeof(child));
      std::memcpy(bytes.data() + at, &child, sizeof(child));
    }
    crc = crc32c(bytes);
    bytes.copy(pages.page(pgno), kPageSize);
  }
  tree::Root root;
  root.page.pgno = *first;
  root.page.crc = crc;
  root.height = 1 + static_cast<uint32_t>(input.number() % 4);
  use(pages, root, input);
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  holdfast::fuzz::run({data, size});
  return 0;
}
