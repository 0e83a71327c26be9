#include "bench/engine.h"
#include "bench/kinds/subject.h"
#include "holdfast/holdfast.h"

namespace holdfast::bench {
namespace {

Store open_store(const std::string& directory,
                 holdfast::Durability durability = holdfast::Durability::strict) {
  auto store = Store::open(directory + "/store", {.durability = durability});
  require(store.is_ok(), store.status().to_string());
  return std::move(*store);
}

void check(const Status& status) {
  require(status.is_ok(), status.to_string());
}

class HoldfastKeeper final : public Keeper {
 public:
  HoldfastKeeper(const std::string& directory, holdfast::Durability durability)
      : store_(open_store(directory, durability)),
        space_(*store_.space("bench")),
        observations_(space_.observations()),
        runs_(space_.runs()),
        artifacts_(space_.artifacts()),
        stream_(space_.events().stream("log")),
        queue_(space_.queue("jobs")),
        cache_(space_.cache("values")) {}

  void observe(std::string_view text) override {
    check(observations_.add({.content = std::string(text)}).status());
  }
  void do_step(std::string_view key, std::string_view output) override {
    if (run_.empty()) {
      const auto run = runs_.start({.name = "bench"});
      check(run.status());
      run_ = run->id;
    }
    const auto begun = runs_.begin(run_, {.key = std::string(key)});
    check(begun.status());
    require(!begun->completed, "a step was there already");
    check(runs_.complete(*begun->lease, output));
  }
  void put_artifact(std::string_view name, std::string_view content) override {
    check(artifacts_.put({.name = std::string(name)}, content).status());
  }
  bool get_artifact(std::string_view name, std::string& content) override {
    auto got = artifacts_.get(name);
    if (got) content = std::move(*got);
    return got.is_ok();
  }
  void append_event(std::string_view data) override {
    check(stream_.append({.type = "bench", .data = std::string(data)}).status());
  }
  void push_job(std::string_view payload) override {
    check(queue_.push({.payload = std::string(payload)}).status());
  }
  bool do_job() override {
    auto jobs = queue_.take();
    check(jobs.status());
    if (jobs->empty()) return false;
    const Job& job = jobs->front();
    check(store_
              .update([&](Transaction& txn) -> Status {
                HOLDFAST_TRY(txn.put("result/" + job.id, job.payload));
                return space_.queue(txn, "jobs").ack(job);
              })
              .status());
    return true;
  }
  void cache_put(std::string_view key, std::string_view value) override {
    check(cache_.put(key, value).status());
  }
  bool cache_get(std::string_view key, std::string& value) override {
    auto found = cache_.get(key);
    check(found.status());
    if (!*found) return false;
    value = std::move(**found);
    return true;
  }

 private:
  Store store_;
  Space space_;
  Observations observations_;
  Runs runs_;
  std::string run_;  // of this process
  Artifacts artifacts_;
  EventStream stream_;
  Queue queue_;
  Cache cache_;
};

class HoldfastSubject final : public Subject {
 public:
  std::string name() const override { return "holdfast"; }
  void create(const std::string& directory) const override { check(open_store(directory).close()); }
  std::unique_ptr<Keeper> open(const std::string& directory, For use) const override {
    return std::make_unique<HoldfastKeeper>(directory, use == For::kMeasuring
                                                           ? holdfast::Durability::strict
                                                           : holdfast::Durability::batched);
  }
};

}  // namespace

std::unique_ptr<Subject> make_holdfast_subject() {
  return std::make_unique<HoldfastSubject>();
}

}  // namespace holdfast::bench
