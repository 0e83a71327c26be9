#include "bench/kinds/dead_owner.h"

#include <signal.h>

#include <atomic>
#include <chrono>
#include <filesystem>

#include "bench/rows.h"
#include "bench/shared_array.h"
#include "bench/sync_counter.h"
#include "holdfast/holdfast.h"

namespace holdfast::bench {
namespace {

// What an owner of a claim, those who wait for it, and who kills the owner tell each other.
struct Scene {
  std::atomic<uint32_t> owned{0};       // rounds that have an owner
  std::atomic<uint32_t> waited_for{0};  // rounds in which others wait
  std::atomic<uint32_t> taken{0};       // times that one of these had it
  std::atomic<uint64_t> killed_ns{0};   // when the owner was; 0: told already
  Histogram durations;                  // written by who has the claim
};

template <typename Condition>
void wait_until(const Condition& condition) {
  while (!condition()) usleep(100);
}

// One process's way to the claim.
class Claimer {
 public:
  explicit Claimer(const std::string& directory)
      : store_(std::move(*Store::open(directory))), claims_(store_.space("bench")->claims()) {}
  Claim take() {
    auto claim = claims_.take("build", {.ttl = kTtl, .wait = kTtl});
    require(claim.is_ok(), claim.status().to_string());
    return std::move(*claim);
  }
  void release(const Claim& claim) {
    const Status released = claims_.release(claim);
    require(released.is_ok(), released.to_string());
  }

 private:
  static constexpr std::chrono::hours kTtl{1};
  Store store_;
  Claims claims_;
};

void own_claim(const std::string& directory, Scene& scene) {
  Claimer claimer(directory);
  claimer.take();
  scene.owned.fetch_add(1);
  for (;;) pause();
}

void wait_for_claim(const std::string& directory, uint32_t rounds, Scene& scene) {
  Claimer claimer(directory);
  for (uint32_t round = 1; round <= rounds; ++round) {
    wait_until([&] { return scene.waited_for >= round; });
    const Claim claim = claimer.take();
    const uint64_t now_ns = monotonic_ns();
    if (const uint64_t killed_ns = scene.killed_ns.exchange(0); killed_ns != 0) {
      scene.durations.record(now_ns - killed_ns);
    }
    claimer.release(claim);
    scene.taken.fetch_add(1);
  }
}

}  // namespace

Outcome measure_dead_owner(uint32_t waiters, uint32_t rounds, const std::string& directory) {
  const SharedArray<Scene> scene(1);
  std::vector<pid_t> children;
  for (uint32_t i = 0; i < waiters; ++i) {
    children.push_back(start([&] { wait_for_claim(directory, rounds, scene[0]); }));
  }
  Random random(waiters);
  for (uint32_t round = 1; round <= rounds; ++round) {
    const pid_t owner = start([&] { own_claim(directory, scene[0]); });
    wait_until([&] { return scene->owned == round; });
    scene->waited_for = round;
    usleep(static_cast<useconds_t>(5'000 + random.below(20'000)));
    scene->killed_ns = monotonic_ns();
    require(kill(owner, SIGKILL) == 0, "cannot kill the owner");
    require(waitpid(owner, nullptr, 0) == owner, "the owner is somebody else's");
    wait_until([&] { return scene->taken == round * waiters; });
  }
  for (const pid_t child : children) join(child);
  std::filesystem::remove_all(directory);
  return outcome_of(scene->durations, 0);
}

}  // namespace holdfast::bench
