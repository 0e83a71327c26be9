#include "store/inquiry.h"

namespace holdfast::store {
namespace {

constexpr uint64_t kLookAgainUs = 200;

// A free word, made ours; nullptr: all are taken.
Shared<uint32_t>* take_word(const Context& context) {
  for (Shared<uint32_t>& word : context.control().state.inquirers) {
    uint32_t free = 0;
    if (word.load() == 0 && word.compare_exchange(free, context.attachment->owner())) return &word;
  }
  return nullptr;
}

}  // namespace

bool disk_lost_pages(const Context& context) {
  if (!context.connected()) return false;
  ControlBlock& control = context.control();
  if (engine_state(control) == EngineState::kReadOnly) return true;
  Shared<uint32_t>* const word = take_word(context);
  if (word == nullptr) return false;  // eight ask already, and will say what they hear
  const bool lost = !context.data_file->sync_data();
  if (lost) make_read_only(control);
  word->store(0);
  return lost;
}

SilentInquirers silent_inquirers(const Context& context, const Deadline& deadline) {
  SilentInquirers silent{};
  for (size_t i = 0; i < kInquirers; ++i) {
    const Shared<uint32_t>& word = context.control().state.inquirers[i];
    for (uint32_t owner; (owner = word.load()) != 0; context.os.sleep_us(kLookAgainUs)) {
      if (context.exclusive) continue;
      if (!context.attachment->owner_dead(owner) && !deadline.passed()) continue;
      silent[i] = owner;
      break;
    }
  }
  return silent;
}

bool anybody_new(const Context& context, const SilentInquirers& before,
                 const SilentInquirers& now) {
  const uint32_t self = context.attachment->owner();
  for (size_t i = 0; i < kInquirers; ++i) {
    if (now[i] != 0 && (now[i] != before[i] || now[i] == self)) return true;
  }
  return false;
}

bool any_inquirer(const ControlBlock& control) {
  for (const Shared<uint32_t>& word : control.state.inquirers) {
    if (word.load() != 0) return true;
  }
  return false;
}

void forget_dead(const Context& context, const SilentInquirers& silent) {
  for (size_t i = 0; i < kInquirers; ++i) {
    uint32_t owner = silent[i];
    if (owner == 0 || !context.attachment->owner_dead(owner)) continue;
    context.control().state.inquirers[i].compare_exchange(owner, 0);
  }
}

}  // namespace holdfast::store
