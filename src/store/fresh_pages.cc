#include "store/fresh_pages.h"

#include <algorithm>

#include "store/inquiry.h"

namespace holdfast::store {

Result<std::unique_ptr<tree::PageSource>> fresh_pages(const Context& context) {
  const uint64_t counted = context.control().allocation.file_pages.load();
  const auto count =
      static_cast<uint32_t>(std::clamp<uint64_t>(counted, 1, context.pages->page_count_max()));
  std::unique_ptr<tree::PageSource> pages;
  if (context.data_map != nullptr) {
    pages = std::make_unique<tree::PageSource>(context.data_map->data(), context.page_shift, count);
    pages->set_losses(context.os.losses());
  } else {
    pages = tree::PageSource::reading(*context.data_file, context.page_shift, count);
  }
  if (pages == nullptr) {
    return Status(StatusCode::kIoError,
                  "no address space is left to read the pages of the store once more; raise its "
                  "limit (ulimit -v)")
        .with_path(context.data_path());
  }
  pages->set_loss_inquiry([&context] { return disk_lost_pages(context); });
  pages->set_page_count(count);
  return pages;
}

}  // namespace holdfast::store
