// GuardedOs: an Os of one store that outlives the loss of what it has mapped.
//
// A file that is mapped to be read shows zeros where it was cut off or cannot be read. One that is
// mapped to be written, memory shared with other processes, becomes private zeros as a whole: from
// then on this handle is to the others as if its process had died at that point, and what it
// derives from the zeros stays with it.
//
// Who: Store::open. Thread-safety: as Os.
// Invariants:
//   1. Once shared memory is lost, nothing is written to a file any more, nor is one made or named.
//   2. Once anything mapped is lost, no file is removed: what seems not to be needed may be.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "os/forwarding_os.h"
#include "os/sigbus_guard.h"

namespace holdfast::os {

class GuardedOs final : public ForwardingOs {
 public:
  explicit GuardedOs(Os& os) : ForwardingOs(os), state_(std::make_shared<State>()) {
    losses_ = &state_->losses;
  }
  explicit GuardedOs(std::unique_ptr<Os> os) : GuardedOs(*os) { owned_ = std::move(os); }

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status make_directories(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  std::optional<LostPage> lost_page() override;

  struct Guard {
    Guard(std::string path_in, char* data, size_t size, Loss loss, std::atomic<bool>& happened)
        : path(std::move(path_in)), range(std::in_place, data, size, loss, happened) {}
    const std::string path;
    std::optional<GuardedRange> range;
  };
  // Outlives the Os in the files and mappings that came from it.
  struct State {
    Losses losses;
    std::mutex mutex;
    std::optional<LostPage> first;  // of a mapping that is gone
    std::vector<Guard*> guards;
  };

 private:
  std::unique_ptr<Os> owned_;
  const std::shared_ptr<State> state_;
};

}  // namespace holdfast::os
