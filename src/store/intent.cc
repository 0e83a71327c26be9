#include "store/intent.h"

#include <algorithm>

#include "base/check.h"

namespace holdfast::store {
namespace {

Shared<uint64_t>* extent_words(const Context& context) {
  return reinterpret_cast<Shared<uint64_t>*>(context.region(kExtentRegion));
}
RetiredEntry* retired_entries(const Context& context) {
  return reinterpret_cast<RetiredEntry*>(context.region(kRetiredRegion));
}
RetiredEntry* held_entries(const Context& context, uint64_t buffer) {
  return reinterpret_cast<RetiredEntry*>(context.region(kHeldRegions[buffer & 1]));
}

constexpr uint64_t pack(uint32_t pgno, uint32_t count) {
  return uint64_t{pgno} << 32 | count;
}
constexpr Extent unpack(uint64_t run) {
  return {static_cast<uint32_t>(run >> 32), static_cast<uint32_t>(run)};
}

RetiredRun load_entry(const RetiredEntry& entry) {
  const Extent run = unpack(entry.run.load(std::memory_order_relaxed));
  return {run.pgno, run.count, entry.birth.load(std::memory_order_relaxed),
          entry.death.load(std::memory_order_relaxed)};
}

void store_entry(RetiredEntry& entry, const RetiredRun& run) {
  entry.run.store(pack(run.pgno, run.count), std::memory_order_relaxed);
  entry.birth.store(run.birth, std::memory_order_relaxed);
  entry.death.store(run.death, std::memory_order_relaxed);
}

Status write_extents(const Context& context, std::span<const Extent> extents) {
  if (extents.size() > kExtentCapacity) {
    return Status(StatusCode::kTooLarge, "one batch touches more runs of pages than " +
                                             std::to_string(kExtentCapacity) +
                                             "; commit in smaller transactions");
  }
  ControlBlock& control = context.control();
  HOLDFAST_TRY(
      back_region(context, kExtentRegion, control.allocation.extents_backed, extents.size() * 8));
  Shared<uint64_t>* words = extent_words(context);
  for (size_t i = 0; i < extents.size(); ++i) {
    words[i].store(pack(extents[i].pgno, extents[i].count), std::memory_order_relaxed);
  }
  control.intent.extent_count.store(extents.size());
  return Status::ok();
}

// Backs the part of the ring that entries [first, last) fall into.
Status back_retired(const Context& context, uint64_t last) {
  const uint64_t entries = std::min(last, kRetiredCapacity);
  return back_region(context, kRetiredRegion, context.control().allocation.retired_backed,
                     entries * sizeof(RetiredEntry));
}

void do_publish(const Context& context) {
  ControlBlock& control = context.control();
  const IntentLine& intent = control.intent;
  const Shared<uint64_t>* words = extent_words(context);
  const uint64_t count = intent.extent_count.load();
  for (uint64_t i = 0; i < count; ++i) mark_taken(context, unpack(words[i].load()));
  AllocationLine& line = control.allocation;
  line.free_pages.store(intent.free_pages_after.load());
  line.hint.store(intent.hint_after.load());
  line.retired_tail.store(intent.retired_tail_after.load());
  line.retired_pages.store(intent.retired_pages_after.load());
  line.leaked_pages.store(intent.leaked_pages_after.load());
  PublishedRoot root = load_root(intent.root);
  root.sequence = intent.root.sequence.load();
  publish_root(control, root);
  control.intent.state.store(static_cast<uint32_t>(IntentState::kIdle));
}

void do_reclaim(const Context& context) {
  ControlBlock& control = context.control();
  const IntentLine& intent = control.intent;
  const Shared<uint64_t>* words = extent_words(context);
  const uint64_t count = intent.extent_count.load();
  for (uint64_t i = 0; i < count; ++i) mark_free(context, unpack(words[i].load()));
  AllocationLine& line = control.allocation;
  line.held_buffer.store(intent.held_buffer_after.load());
  line.held_count.store(intent.held_count_after.load());
  line.retired_head.store(intent.retired_head_after.load());
  line.retired_pages.store(intent.retired_pages_after.load());
  line.leaked_pages.store(intent.leaked_pages_after.load());
  line.free_pages.store(intent.free_pages_after.load());
  line.hint.store(intent.hint_after.load());
  control.intent.state.store(static_cast<uint32_t>(IntentState::kIdle));
}

uint64_t pages_of(std::span<const Extent> extents) {
  uint64_t pages = 0;
  for (const Extent& extent : extents) pages += extent.count;
  return pages;
}

}  // namespace

RetiredRun load_retired(const Context& context, uint64_t index) {
  return load_entry(retired_entries(context)[index % kRetiredCapacity]);
}

RetiredRun load_held(const Context& context, uint64_t buffer, uint64_t index) {
  return load_entry(held_entries(context, buffer)[index]);
}

void strike_retired(const Context& context, uint64_t index) {
  retired_entries(context)[index % kRetiredCapacity].run.store(0);
}

Status carry_out(const Context& context, const PublishPlan& plan) {
  ControlBlock& control = context.control();
  AllocationLine& line = control.allocation;
  IntentLine& intent = control.intent;
  HOLDFAST_TRY(write_extents(context, plan.taken));
  const uint64_t head = line.retired_head.load();
  uint64_t tail = line.retired_tail.load();
  uint64_t retired_pages = line.retired_pages.load();
  uint64_t leaked_pages = line.leaked_pages.load();
  HOLDFAST_TRY(back_retired(context, tail + plan.retired.size()));
  for (const RetiredRun& run : plan.retired) {
    if (tail - head >= kRetiredCapacity) {
      leaked_pages += run.count;  // found again by the next cold start
      continue;
    }
    store_entry(retired_entries(context)[tail % kRetiredCapacity], run);
    retired_pages += run.count;
    ++tail;
  }
  const uint64_t free_pages = line.free_pages.load();
  HOLDFAST_TRY(context.sound());  // not of zeros in place of what was lost
  CHECK(free_pages >= plan.pages_taken);
  intent.free_pages_after.store(free_pages - plan.pages_taken);
  intent.hint_after.store(plan.hint);
  intent.retired_tail_after.store(tail);
  intent.retired_pages_after.store(retired_pages);
  intent.leaked_pages_after.store(leaked_pages);
  store_root(intent.root, plan.root);
  intent.root.sequence.store(plan.root.sequence);
  intent.state.store(static_cast<uint32_t>(IntentState::kPublishing));
  do_publish(context);
  return Status::ok();
}

Status carry_out(const Context& context, const ReclaimPlan& plan) {
  ControlBlock& control = context.control();
  AllocationLine& line = control.allocation;
  IntentLine& intent = control.intent;
  HOLDFAST_TRY(write_extents(context, plan.freed));
  const uint64_t freed = pages_of(plan.freed);
  uint64_t buffer = line.held_buffer.load();
  uint64_t count = line.held_count.load();
  if (plan.held_replaced) {
    buffer ^= 1;
    count = 0;
  }
  uint64_t leaked = 0;
  const uint64_t count_after = std::min<uint64_t>(count + plan.held.size(), kHeldCapacity);
  HOLDFAST_TRY(back_region(context, kHeldRegions[buffer & 1], line.held_backed[buffer & 1],
                           count_after * sizeof(RetiredEntry)));
  for (const RetiredRun& run : plan.held) {
    if (count < kHeldCapacity) {
      store_entry(held_entries(context, buffer)[count++], run);
    } else {
      leaked += run.count;
    }
  }
  intent.held_buffer_after.store(buffer);
  intent.held_count_after.store(count);
  intent.retired_head_after.store(plan.retired_head);
  intent.retired_pages_after.store(line.retired_pages.load() - freed - leaked);
  intent.leaked_pages_after.store(line.leaked_pages.load() + leaked);
  intent.free_pages_after.store(line.free_pages.load() + freed);
  uint64_t hint = line.hint.load();
  for (const Extent& extent : plan.freed) hint = std::min<uint64_t>(hint, extent.pgno);
  intent.hint_after.store(hint);
  intent.state.store(static_cast<uint32_t>(IntentState::kReclaiming));
  do_reclaim(context);
  return Status::ok();
}

void redo_intent(const Context& context) {
  AllocationLine& line = context.control().allocation;
  switch (static_cast<IntentState>(context.control().intent.state.load())) {
    case IntentState::kIdle:
      break;
    case IntentState::kPublishing:
      do_publish(context);
      break;
    case IntentState::kReclaiming:
      do_reclaim(context);
      break;
  }
  // A holder that died while the file grew may have left its new pages uncounted.
  context.pages->set_page_count(static_cast<uint32_t>(line.file_pages.load()));
  line.free_pages.store(count_free(context));
}

}  // namespace holdfast::store
