// dump_page, dump_tree and dump_meta: the data file.
#include <cstring>
#include <string>

#include "base/crc32c.h"
#include "care/dump_format.h"
#include "care/tree_walk.h"

namespace holdfast::care {
namespace {

constexpr size_t kPreviewSize = 80;

void add_preview(Row& row, std::string_view value) {
  row.add("value",
          key_text(value.substr(0, kPreviewSize)) + (value.size() > kPreviewSize ? "..." : ""));
}

Row superblock_row(StoreFiles& files) {
  Row row("superblock");
  if (!files.superblock()) {
    row.add("problem", files.superblock_status().to_string());
    if (files.page_size() != 0) row.add("page_size", files.page_size());
    if (files.store_id()) row.add("store_id", hexadecimal(*files.store_id()));
    if (!files.format_origin().empty()) row.add("known_from", files.format_origin());
    return row;
  }
  const store::Superblock& superblock = *files.superblock();
  row.add("format_version", superblock.format_version).add("page_size", files.page_size());
  row.add("store_id", hexadecimal(superblock.store_id));
  add_time(row, "created", superblock.created_us);
  row.add("segment_capacity_max", superblock.segment_capacity_max);
  row.add("features_required", hexadecimal(superblock.features_required, 16));
  row.add("features_optional", hexadecimal(superblock.features_optional, 16));
  return row.add("crc", hexadecimal(superblock.crc, 8));
}

Row meta_row(const MetaSlot& slot, int number) {
  Row row("meta");
  row.add("page", 1 + number);
  if (!slot.meta) {
    return row.add("valid", false)
        .add("problem", slot.blank ? "none: never written" : "damaged, or not written whole");
  }
  const store::Meta& meta = *slot.meta;
  row.add("valid", true).add("checkpoint", meta.number).add("version", meta.version);
  add_lsn(row, "lsn", meta.lsn);
  add_time(row, "time", meta.commit_time_us);
  row.add("epoch", meta.epoch).add("prev_crc", hexadecimal(meta.prev_crc, 8));
  row.add("root_page", meta.root_pgno).add("root_crc", hexadecimal(meta.root_crc, 8));
  row.add("root_height", meta.root_height);
  row.add("root_has_overflow", (meta.root_flags & store::kRootHasOverflow) != 0);
  row.add("file_pages", meta.file_pages);
  add_time(row, "written", meta.written_us);
  return row.add("crc", hexadecimal(meta.crc, 8));
}

Row page_row(const LoadedPage& loaded, uint32_t pgno, uint32_t page_size) {
  Row row("page");
  row.add("page", pgno).add("crc", hexadecimal(loaded.crc, 8));
  if (!loaded.problem.empty()) return row.add("problem", loaded.problem);
  const tree::Page page(loaded.bytes.data(), page_size);
  row.add("kind", page.is_leaf() ? "leaf" : "branch").add("level", page.level());
  row.add("birth", page.birth_version()).add("cells", page.cell_count());
  row.add("prefix", key_text(page.prefix())).add("used_bytes", page.used_size());
  return row.add("has_overflow", page.has_overflow());
}

Row cell_row(const tree::Page& page, uint32_t index) {
  Row row("cell");
  row.add("cell", index).add("key", key_text(key_of(page, index)));
  if (!page.is_leaf()) {
    const tree::PageRef child = page.child(index);
    return row.add("child", child.pgno)
        .add("crc", hexadecimal(child.crc, 8))
        .add("has_overflow", child.has_overflow);
  }
  const tree::FoundValue value = page.value(index);
  if (value.overflow.page_count == 0) {
    row.add("value_bytes", value.inline_bytes.size());
    add_preview(row, value.inline_bytes);
    return row;
  }
  const tree::OverflowRef& run = value.overflow;
  return row.add("value_bytes", run.size_bytes)
      .add("overflow_page", run.pgno)
      .add("overflow_pages", run.page_count)
      .add("overflow_birth", run.birth_version)
      .add("crc", hexadecimal(run.crc, 8));
}

Status overflow_rows(StoreFiles& files, const tree::Page& page, uint32_t pgno,
                     const RowSink& sink) {
  if (!page.has_overflow()) return Status::ok();
  for (uint32_t i = 0; i < page.cell_count(); ++i) {
    const tree::FoundValue value = page.value(i);
    if (value.overflow.page_count == 0) continue;
    Row row("overflow");
    row.add("page", value.overflow.pgno).add("pages", value.overflow.page_count);
    row.add("leaf", pgno).add("key", key_text(key_of(page, i)));
    row.add("value_bytes", value.overflow.size_bytes).add("birth", value.overflow.birth_version);
    const LoadedValue loaded = load_value(files, value);
    row.add("crc_ok", loaded.problem.empty());
    if (!loaded.problem.empty()) row.add("problem", loaded.problem);
    HOLDFAST_TRY(sink(row));
  }
  return Status::ok();
}

Result<store::PublishedRoot> choose_root(StoreFiles& files, TreeChoice choice) {
  if (choice == TreeChoice::kLive) {
    if (files.control_valid()) return store::read_latest_root(*files.control());
    return Status(StatusCode::kNotFound,
                  "there is no control block of this boot (" +
                      (files.control_problem().empty() ? "it is of another boot or data file"
                                                       : files.control_problem()) +
                      "); dump the tree of a checkpoint")
        .with_path(files.path() + "/shm");
  }
  const std::vector<store::Meta> metas = files.valid_metas();
  const size_t index = choice == TreeChoice::kNewestCheckpoint ? 0 : 1;
  if (index < metas.size()) return store::root_of(metas[index]);
  return Status(StatusCode::kNotFound, "there is no such checkpoint: " +
                                           std::to_string(metas.size()) + " metas are intact")
      .with_path(files.data_path());
}

Status require_data(StoreFiles& files) {
  if (files.data() == nullptr) return files.data_status();
  if (files.page_size() != 0) return Status::ok();
  return Status(StatusCode::kCorruption,
                "superblock and metas are damaged and no page is intact: the size of pages is not "
                "known")
      .with_path(files.data_path());
}

}  // namespace

Status dump_meta(os::Os& os, const std::string& path, const RowSink& sink) {
  HOLDFAST_ASSIGN(const auto files, StoreFiles::open(os, path));
  HOLDFAST_TRY(sink(superblock_row(*files)));
  for (int slot = 0; slot < 2; ++slot) HOLDFAST_TRY(sink(meta_row(files->metas()[slot], slot)));
  Row row("data");
  row.add("path", files->data_path()).add("bytes", files->data_bytes());
  return sink(row.add("pages", files->page_count()));
}

Status dump_page(os::Os& os, const std::string& path, uint64_t pgno, const RowSink& sink) {
  HOLDFAST_ASSIGN(const auto files, StoreFiles::open(os, path));
  if (pgno == 0) return sink(superblock_row(*files));
  HOLDFAST_TRY(require_data(*files));
  if (pgno < store::kFirstPage) {
    const int slot = static_cast<int>(pgno) - 1;
    return sink(meta_row(files->metas()[slot], slot));
  }
  if (pgno >= files->page_count()) {
    return Status(StatusCode::kInvalidArgument,
                  "the file has " + std::to_string(files->page_count()) + " pages")
        .with_path(files->data_path());
  }
  const auto number = static_cast<uint32_t>(pgno);
  const LoadedPage loaded = load_page(*files, number, nullptr, std::nullopt);
  Row row = page_row(loaded, number, files->page_size());
  row.add("offset", pgno << files->page_shift());
  if (!loaded.problem.empty()) {
    row.add("note", "not a page of a tree: free, a part of a large value, or damaged");
    return sink(row);
  }
  HOLDFAST_TRY(sink(row));
  const tree::Page page(loaded.bytes.data(), files->page_size());
  for (uint32_t i = 0; i < page.cell_count(); ++i) HOLDFAST_TRY(sink(cell_row(page, i)));
  return Status::ok();
}

Status dump_tree(os::Os& os, const std::string& path, const TreeDumpOptions& options,
                 const RowSink& sink) {
  HOLDFAST_ASSIGN(const auto files, StoreFiles::open(os, path));
  HOLDFAST_TRY(require_data(*files));
  HOLDFAST_ASSIGN(const store::PublishedRoot root, choose_root(*files, options.choice));
  Row tree("tree");
  tree.add("version", root.version).add("height", root.root.height);
  add_lsn(tree, "lsn", root.lsn);
  HOLDFAST_TRY(sink(tree.add("root_page", root.root.page.pgno)));
  return walk_tree(*files, root.root, {}, [&](const PageView& view) -> Result<bool> {
    Row row = page_row(view.loaded, view.pgno, files->page_size());
    row.add("parent", view.parent).add("crc_ok", view.loaded.crc == view.crc_expected);
    row.add("lower", key_text(view.span.lower));
    if (view.span.upper) row.add("upper", key_text(*view.span.upper));
    HOLDFAST_TRY(sink(row));
    if (view.page && view.page->is_leaf()) {
      HOLDFAST_TRY(overflow_rows(*files, *view.page, view.pgno, sink));
    }
    return root.root.height - 1 - view.level < options.depth_max;
  });
}

}  // namespace holdfast::care
