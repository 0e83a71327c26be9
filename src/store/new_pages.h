// NewPages: writes the pages of a tree that is not published yet.
//
// They are free until it is: who dies before leaves nothing. Pages that follow each other go to the
// file in one call. Between calls, a helper thread that applies beside strict commits gives way to
// them: they come many a millisecond and need the processor for microseconds, while it may hold it
// for all of its time slice, which would be what the slowest of a hundred commits waits for. Nobody
// else does: a scheduler takes a time slice from whoever gives way (Linux since 6.18), so that a
// short-lived process that applies as it closes would end several times as late on a busy machine.
// Who: who applies. Not thread-safe. The context must outlive it.
#pragma once

#include <string>

#include "os/give_way.h"
#include "store/context.h"
#include "tree/tree.h"

namespace holdfast::store {

enum class ApplyPace : uint8_t {
  kAtOnce,     // someone waits for the end
  kGivingWay,  // nobody does
};

class NewPages final : public tree::PageSink {
 public:
  explicit NewPages(const Context& context, ApplyPace pace = ApplyPace::kAtOnce)
      : context_(context),
        gives_way_(pace == ApplyPace::kGivingWay &&
                   context.options.durability == Durability::strict) {}

  // Errors: IoError, NoSpace; what sound() says.
  Status write(uint32_t pgno, std::string_view bytes) override {
    constexpr size_t kPendingMax = 16u << 10;
    const uint64_t offset = uint64_t{pgno} << context_.page_shift;
    if (offset != offset_ + pending_.size() || pending_.size() + bytes.size() > kPendingMax) {
      HOLDFAST_TRY(finish());
      offset_ = offset;
    }
    if (bytes.size() > kPendingMax) return write_now(offset, bytes);
    pending_.append(bytes);
    return Status::ok();
  }

  // Writes what is pending. REQUIRED before the pages are read or published.
  Status finish() {
    if (pending_.empty()) return Status::ok();
    Status status = write_now(offset_, pending_);
    pending_.clear();
    return status;
  }

 private:
  Status write_now(uint64_t offset, std::string_view bytes) {
    if (gives_way_) os::give_way();
    // Where zeros in place of a lost control block said that pages are free, others may lie.
    HOLDFAST_TRY(context_.sound());
    return context_.data_file->write_at(offset, bytes);
  }

  const Context& context_;
  const bool gives_way_;
  uint64_t offset_ = 0;  // of what is pending
  std::string pending_;
};

}  // namespace holdfast::store
