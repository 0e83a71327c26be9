// Descriptor: owns one file descriptor and keeps it out of forked children.
//
// A forked child shares its parent's open file descriptions, so a child that outlives the parent
// would keep the parent's locks: a liveness lock held by the dead. Every Descriptor is therefore
// listed, and closed in the child by a pthread_atfork handler.
//
// Who: the posix files of this room. Any thread.
// Invariants:
//   1. A descriptor is close-on-exec and above 2: nobody prints into a database file.
//   2. No fork() of this process happens between the opening and the listing of a descriptor, nor
//      between its unlisting and closing.
//   3. In a child, every Descriptor that was inherited is closed and reads as -1.
#pragma once

#include <cstdint>
#include <mutex>

namespace holdfast::os {

class Descriptor {
 public:
  Descriptor() = default;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }

  // Takes what `open` returns: a new close-on-exec descriptor, or -1 with errno set.
  // Returns false with errno set on failure. REQUIRES: nothing is owned yet.
  template <typename Open>
  bool open(Open open_call) {
    std::lock_guard lock(fork_mutex());
    return take_locked(open_call());
  }
  void close();

  // -1 when nothing is owned, or when it was inherited over fork().
  int get() const { return fd_; }

  // Counts the forks that led to this process since the library was first used.
  static uint32_t fork_count();

  // Held by fork() itself: whoever holds it is never caught half-way by a fork.
  static std::mutex& fork_mutex();

 private:
  bool take_locked(int fd);
  static void prepare_fork();
  static void finish_fork_in_parent();
  static void finish_fork_in_child();

  int fd_ = -1;
  Descriptor* previous_ = nullptr;
  Descriptor* next_ = nullptr;
};

}  // namespace holdfast::os
