#include "tree/page.h"

namespace holdfast::tree {
namespace {

class Walker {
 public:
  using Visit = std::function<Result<bool>(const VisitedRun&)>;

  // With `damage`, what cannot be read is noted there and left out.
  Walker(const PageSource& source, bool leaves_needed, const Visit& visit, Status* damage)
      : source_(source), leaves_needed_(leaves_needed), visit_(visit), damage_(damage) {}

  Status walk(const PageRef& ref, uint32_t level) {
    // A damaged tree could lead to the same pages again and again.
    if (++page_count_ > source_.page_count()) {
      return Status(StatusCode::kCorruption,
                    "page " + std::to_string(ref.pgno) +
                        ": more pages are reachable than exist; restore the store from a backup");
    }
    if (level == 0 && !leaves_needed_ && !ref.has_overflow) {
      return visit_({ref.pgno, 1, 0, VisitedRun::Kind::kLeaf, nullptr}).status();
    }
    Status error;
    const char* bytes = load_at_level(source_, ref, level, &error);
    if (bytes == nullptr && damage_ != nullptr) {
      if (*damage_) *damage_ = std::move(error);
      return Status::ok();
    }
    if (bytes == nullptr) return error;
    const Page page(bytes, source_.page_size_bytes());
    const auto kind = level == 0 ? VisitedRun::Kind::kLeaf : VisitedRun::Kind::kBranch;
    HOLDFAST_ASSIGN(const bool descend, visit_({ref.pgno, 1, page.birth_version(), kind, nullptr}));
    if (level == 0) return page.has_overflow() ? visit_runs(page) : Status::ok();
    if (!descend) return Status::ok();
    for (uint32_t i = 0; i < page.cell_count(); ++i) {
      HOLDFAST_TRY(walk(page.child(i), level - 1));
    }
    return Status::ok();
  }

 private:
  Status visit_runs(const Page& page) {
    for (uint32_t i = 0; i < page.cell_count(); ++i) {
      const OverflowRef run = page.value(i).overflow;
      if (run.page_count == 0) continue;
      HOLDFAST_TRY(
          visit_({run.pgno, run.page_count, run.birth_version, VisitedRun::Kind::kOverflow, &run})
              .status());
    }
    return Status::ok();
  }

  const PageSource& source_;
  const bool leaves_needed_;
  const Visit& visit_;
  Status* const damage_;
  uint64_t page_count_ = 0;
};

}  // namespace

Status walk(const PageSource& source, const Root& root, bool leaves_needed,
            const std::function<Result<bool>(const VisitedRun&)>& visit) {
  if (root.height == 0) return Status::ok();
  return Walker(source, leaves_needed, visit, nullptr).walk(root.page, root.height - 1);
}

Status walk_intact(const PageSource& source, const Root& root,
                   const std::function<Result<bool>(const VisitedRun&)>& visit) {
  if (root.height == 0) return Status::ok();
  Status damage;
  HOLDFAST_TRY(Walker(source, true, visit, &damage).walk(root.page, root.height - 1));
  return damage;
}

}  // namespace holdfast::tree
