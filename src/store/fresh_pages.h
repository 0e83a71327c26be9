// FreshPages: the pages of the data file, unseen by what this process has verified before. After an
// error of the disk the kernel may show old bytes of a page that was verified long ago, and what
// rots on the disk shows only when it is read again. Most readers are told soon enough; who
// verifies everything, or removes for good, asks here.
//
// Who: store/ (check, checkpoint), blob/ (collector). The source must not outlive the context.
#pragma once

#include <memory>

#include "store/context.h"

namespace holdfast::store {

// A source that has verified nothing, of all pages that there are now. Errors: IoError (no address
// space).
Result<std::unique_ptr<tree::PageSource>> fresh_pages(const Context& context);

}  // namespace holdfast::store
