#include "os/sigbus_guard.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>

#include "base/check.h"
#include "os/descriptor.h"

namespace holdfast::os {

// One listed range. Entries are used again and never freed: the handler may look at any time.
struct GuardedRange::Entry {
  std::atomic<uint32_t> changes{0};  // odd: listed; it counts up by one at each change
  std::atomic<uintptr_t> begin{0};
  std::atomic<uintptr_t> end{0};
  std::atomic<Loss> loss{Loss::kPage};
  std::atomic<uint32_t> fork_count{0};
  std::atomic<std::atomic<bool>*> happened{nullptr};
  std::atomic<uint64_t> lost_offset{~uint64_t{0}};
  Entry* next = nullptr;
};

namespace {

using Entry = GuardedRange::Entry;

static_assert(std::atomic<Entry*>::is_always_lock_free && std::atomic<Loss>::is_always_lock_free &&
              std::atomic<uint64_t>::is_always_lock_free);

std::atomic<Entry*> entries{nullptr};

// The action that ours took the place of; written before ours can run, and while SIGBUS has its
// default action.
struct sigaction previous;
std::atomic<bool> previous_used_up{false};  // it was to run once (SA_RESETHAND)
std::atomic<uintptr_t> page_size{4096};

struct Place {
  Entry* entry;
  uintptr_t begin;
  uintptr_t end;
  Loss loss;
  std::atomic<bool>* happened;
};

// A range that changes while it is read is not the one that was faulted in: that one stays listed
// until the access has returned.
bool find(uintptr_t address, Place& place) {
  for (Entry* entry = entries.load(std::memory_order_acquire); entry != nullptr;
       entry = entry->next) {
    const uint32_t changes = entry->changes.load(std::memory_order_acquire);
    if (changes % 2 == 0) continue;
    place = {entry, entry->begin.load(std::memory_order_relaxed),
             entry->end.load(std::memory_order_relaxed),
             entry->loss.load(std::memory_order_relaxed),
             entry->happened.load(std::memory_order_relaxed)};
    const uint32_t forks = entry->fork_count.load(std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (entry->changes.load(std::memory_order_relaxed) != changes) continue;
    if (forks != Descriptor::fork_count()) continue;
    if (address >= place.begin && address < place.end) return true;
  }
  return false;
}

bool put_zeros(uintptr_t begin, uintptr_t end, Loss loss) {
  void* const at = reinterpret_cast<void*>(begin);
  const int protection = loss == Loss::kPage ? PROT_READ : PROT_READ | PROT_WRITE;
  if (mmap(at, end - begin, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1,
           0) == MAP_FAILED) {
    return false;
  }
  (void)madvise(at, end - begin, MADV_DONTFORK);
  return true;
}

bool answer(uintptr_t address) {
  Place place{};
  if (!find(address, place)) return false;
  const uintptr_t size = page_size.load(std::memory_order_relaxed);
  const uintptr_t page = address / size * size;
  uint64_t none = ~uint64_t{0};
  place.entry->lost_offset.compare_exchange_strong(none, page - place.begin);
  place.happened->store(true, std::memory_order_seq_cst);
  if (place.loss == Loss::kWhole) return put_zeros(place.begin, place.end, place.loss);
  // One mapping more for each hole, of which there may be too many: then without holes.
  return put_zeros(page, page + size, place.loss) || put_zeros(page, place.end, place.loss);
}

// As if there were no handler: the access is made again and ends the process, or the signal is
// sent again.
void act_by_default(int signal_number, bool by_access) {
  ::signal(signal_number, SIG_DFL);
  if (!by_access) (void)::raise(signal_number);
}

void pass_on(int signal_number, siginfo_t* info, void* context, bool by_access) {
  if ((previous.sa_flags & SA_SIGINFO) == 0 &&
      (previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN)) {
    // What an access to memory raises cannot be ignored.
    if (previous.sa_handler == SIG_IGN && !by_access) return;
    act_by_default(signal_number, by_access);
    return;
  }
  if ((previous.sa_flags & static_cast<int>(SA_RESETHAND)) != 0 &&
      previous_used_up.exchange(true)) {
    act_by_default(signal_number, by_access);
    return;
  }
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(signal_number, info, context);
  } else {
    previous.sa_handler(signal_number);
  }
}

void on_sigbus(int signal_number, siginfo_t* info, void* context) {
  const int error = errno;
  const bool lost = info->si_code == BUS_ADRERR || info->si_code == BUS_MCEERR_AR ||
                    info->si_code == BUS_MCEERR_AO;
  const bool ours = lost && answer(reinterpret_cast<uintptr_t>(info->si_addr));
  errno = error;
  if (!ours) {
    const bool by_access = info->si_code > 0 && info->si_code != BUS_MCEERR_AO;
    pass_on(signal_number, info, context, by_access);
  }
}

// Over the default action always; over another handler only once: it may call ours by now, and
// must not be called by it. REQUIRES: the fork mutex.
void install() {
  static bool installed = false;
  struct sigaction now {};
  CHECK(sigaction(SIGBUS, nullptr, &now) == 0);
  const bool is_default = (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL;
  if (installed && !is_default) return;
  installed = true;
  page_size = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  previous = now;
  previous_used_up = false;
  struct sigaction ours {};
  ours.sa_sigaction = on_sigbus;
  ours.sa_mask = now.sa_mask;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | (now.sa_flags & (SA_NODEFER | SA_RESTART));
  CHECK(sigaction(SIGBUS, &ours, nullptr) == 0);
}

}  // namespace

// Under the mutex that fork() takes too: a child never finds the list half-changed.
GuardedRange::GuardedRange(char* data, size_t size, Loss loss, std::atomic<bool>& happened) {
  const std::lock_guard lock(Descriptor::fork_mutex());
  install();
  entry_ = entries.load();
  while (entry_ != nullptr && entry_->happened.load() != nullptr) entry_ = entry_->next;
  const bool is_new = entry_ == nullptr;
  if (is_new) entry_ = new Entry;
  entry_->begin = reinterpret_cast<uintptr_t>(data);
  entry_->end = reinterpret_cast<uintptr_t>(data) + size;
  entry_->loss = loss;
  entry_->fork_count = Descriptor::fork_count();
  entry_->happened = &happened;
  entry_->lost_offset = ~uint64_t{0};
  entry_->changes.fetch_add(1);
  if (!is_new) return;
  entry_->next = entries.load();
  entries.store(entry_, std::memory_order_release);
}

GuardedRange::~GuardedRange() {
  const std::lock_guard lock(Descriptor::fork_mutex());
  entry_->changes.fetch_add(1);
  entry_->happened = nullptr;
}

std::optional<uint64_t> GuardedRange::lost_offset() const {
  const uint64_t offset = entry_->lost_offset.load();
  return offset == ~uint64_t{0} ? std::nullopt : std::optional(offset);
}

}  // namespace holdfast::os
