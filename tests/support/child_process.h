// ChildProcess: a real process that runs a function of the test and can really be killed. Gate and
// Channel: how parent and children wait for each other without sleeping. For tests only.
//
// Call start() from a test that has no store open (unless the fork itself is the subject) and no
// threads of its own. In the child, EXPECT and ASSERT print as usual and make it exit with 1.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

class ChildProcess {
 public:
  struct End {
    int exit_code = -1;  // when it exited by itself
    int signal = 0;      // that killed it, else 0
    bool operator==(const End&) const = default;
  };
  static constexpr End kSuccess{0, 0};

  // Forks. The child runs `body` and exits with 0, or with 1 after a failed expectation; it leaves
  // no destructors of the test to run, and dies with its parent.
  static ChildProcess start(const std::function<void()>& body);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();  // kills it if nobody waited for it

  pid_t pid() const { return pid_; }
  void kill();  // SIGKILL; wait() still has to be called
  End wait();

 private:
  explicit ChildProcess(pid_t pid) : pid_(pid) {}
  pid_t pid_ = -1;
};

// For printing by googletest.
void PrintTo(const ChildProcess::End& end, std::ostream* out);

// Runs `body` in a child and waits for it.
ChildProcess::End run_in_child(const std::function<void()>& body);
// The process that calls it dies as if by `kill -9`.
[[noreturn]] void die_by_kill();
// Does nothing until the parent calls kill().
[[noreturn]] void await_kill();

// Bytes from any number of processes to one.
class Channel {
 public:
  Channel();
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // One write: up to 4,096 bytes arrive whole and in one piece, also when the writer is killed
  // right behind it.
  void send(std::string_view bytes);
  // Waits for exactly `size` bytes. Nullopt: all who could send are gone.
  std::optional<std::string> receive(size_t size);
  // Whether all who could send are gone. Does not wait. REQUIRES: nobody sends anything.
  bool has_ended() const;
  // Everything until all who could send are gone.
  std::string receive_all();
  // In a process that does not send any more: receivers see the end when all have done so.
  void close_sending();

 private:
  int receiving_ = -1;
  int sending_ = -1;
};

// Holds processes back until all are there.
class Gate {
 public:
  // In a child: waits until the parent opens the gate.
  void pass();
  // In the parent: waits until `count` are in front of it, then lets all of them go.
  void open_for(int count);

 private:
  Channel arrivals_;
  Channel departure_;
};

// So many processes run `body`, which tells of each step. `deaths` of them are killed, one after
// every `every` bytes that were told, and replaced; the others must end well.
void run_crew(int processes, const std::function<void()>& body, Channel& told, size_t deaths,
              size_t every);

}  // namespace holdfast
