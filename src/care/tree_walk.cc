#include "care/tree_walk.h"

#include <algorithm>
#include <cstdio>

#include "base/crc32c.h"
#include "holdfast/care.h"

namespace holdfast::care {
namespace {

std::string hexadecimal(uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof(text), "%08x", value);
  return text;
}

class Walker {
 public:
  Walker(StoreFiles& files, const KeySpan& within, const PageVisit& visit)
      : files_(files), within_(within), visit_(visit) {}

  Status walk(const tree::PageRef& ref, uint32_t parent, uint32_t level, const KeySpan& span) {
    const LoadedPage loaded = load_page(files_, ref.pgno, &ref, level);
    PageView view{ref.pgno, parent, level, ref.crc, span, loaded, std::nullopt};
    if (loaded.problem.empty()) view.page.emplace(loaded.bytes.data(), files_.page_size());
    HOLDFAST_ASSIGN(const bool descend, visit_(view));
    if (!descend || level == 0 || !view.page) return Status::ok();
    const tree::Page& page = *view.page;
    for (uint32_t i = 0; i < page.cell_count(); ++i) {
      KeySpan child;
      child.lower = i == 0 ? span.lower : key_of(page, i);
      child.upper = i + 1 < page.cell_count() ? std::optional(key_of(page, i + 1)) : span.upper;
      if (child.intersection(within_).empty()) continue;
      HOLDFAST_TRY(walk(page.child(i), ref.pgno, level - 1, child));
    }
    return Status::ok();
  }

 private:
  StoreFiles& files_;
  const KeySpan& within_;
  const PageVisit& visit_;
};

}  // namespace

KeySpan KeySpan::intersection(const KeySpan& other) const {
  KeySpan both{std::max(lower, other.lower), upper};
  if (!both.upper || (other.upper && *other.upper < *both.upper)) both.upper = other.upper;
  return both;
}

std::string span_text(const KeySpan& span) {
  return "[" + key_text(span.lower) + ", " + (span.upper ? key_text(*span.upper) + ")" : "end]");
}

LoadedPage load_page(StoreFiles& files, uint32_t pgno, const tree::PageRef* ref,
                     std::optional<uint32_t> level) {
  LoadedPage loaded;
  if (pgno < store::kFirstPage || pgno >= files.page_count()) {
    loaded.problem = "it lies outside of the " + std::to_string(files.page_count()) + " pages";
    return loaded;
  }
  auto bytes = files.read_page(pgno);
  if (!bytes) {
    loaded.problem = "it cannot be read: " + bytes.status().to_string();
    return loaded;
  }
  loaded.bytes = std::move(*bytes);
  if (loaded.bytes.size() < files.page_size()) {
    loaded.problem = "the file ends in it";
    return loaded;
  }
  loaded.crc = crc32c(loaded.bytes);
  if (ref != nullptr && loaded.crc != ref->crc) {
    loaded.problem = "its checksum is " + hexadecimal(loaded.crc) + ", its parent expects " +
                     hexadecimal(ref->crc);
    return loaded;
  }
  loaded.problem = tree::validate_page(loaded.bytes.data(), files.page_size(), pgno);
  if (!loaded.problem.empty() || !level) return loaded;
  const uint32_t found = tree::Page(loaded.bytes.data(), files.page_size()).level();
  if (found != *level) {
    loaded.problem = "it stands at level " + std::to_string(found) + ", its parent expects " +
                     std::to_string(*level);
  }
  return loaded;
}

Status walk_tree(StoreFiles& files, const tree::Root& root, const KeySpan& within,
                 const PageVisit& visit) {
  if (root.height == 0 || root.height > tree::kHeightMax) return Status::ok();
  return Walker(files, within, visit).walk(root.page, 0, root.height - 1, {});
}

std::string key_of(const tree::Page& page, uint32_t index) {
  if (!page.is_leaf() && index == 0) return {};
  std::string key(page.prefix());
  return key.append(page.suffix(index));
}

LoadedValue load_value(StoreFiles& files, const tree::FoundValue& value) {
  LoadedValue loaded;
  const tree::OverflowRef& run = value.overflow;
  if (run.page_count == 0) {
    loaded.bytes = value.inline_bytes;
    return loaded;
  }
  const std::string place = "pages " + std::to_string(run.pgno) + " to " +
                            std::to_string(run.pgno + uint64_t{run.page_count} - 1);
  const uint64_t room = uint64_t{run.page_count} << files.page_shift();
  if (run.pgno < store::kFirstPage || uint64_t{run.pgno} + run.page_count > files.page_count() ||
      run.size_bytes > room) {
    loaded.problem = place + " lie outside of the file or are too few";
    return loaded;
  }
  loaded.bytes.resize(run.size_bytes);
  const auto size = files.data()->read_at(uint64_t{run.pgno} << files.page_shift(),
                                          loaded.bytes.data(), loaded.bytes.size());
  if (!size || *size < loaded.bytes.size()) {
    loaded.problem = place + " cannot be read";
  } else if (crc32c(loaded.bytes) != run.crc) {
    loaded.problem = place + " fail their checksum";
  }
  if (!loaded.problem.empty()) loaded.bytes.clear();
  return loaded;
}

}  // namespace holdfast::care
