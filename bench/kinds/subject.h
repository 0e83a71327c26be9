// Subject: who keeps observations, events, jobs, steps, cached values and artifacts in this
// comparison: Holdfast's memory kinds, or SQLite with the schema that anybody would write.
//
// Thread-safety: a Keeper belongs to one process, which opened it after it was forked.
// Invariant: every call that writes returns when what it wrote survives loss of power, but of a
//   keeper that prepares.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace holdfast::bench {

class Keeper {
 public:
  Keeper() = default;
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;
  virtual ~Keeper() = default;

  // A text that is found by its words from then on.
  virtual void observe(std::string_view text) = 0;
  // Begins a step of a run, then completes it: two commits.
  virtual void do_step(std::string_view key, std::string_view output) = 0;
  // The next version of an artifact, and the latest one, whole.
  virtual void put_artifact(std::string_view name, std::string_view content) = 0;
  virtual bool get_artifact(std::string_view name, std::string& content) = 0;
  virtual void append_event(std::string_view data) = 0;
  virtual void push_job(std::string_view payload) = 0;
  // Takes a job, then acks it in the transaction that keeps its result. False: there was none.
  virtual bool do_job() = 0;
  virtual void cache_put(std::string_view key, std::string_view value) = 0;
  virtual bool cache_get(std::string_view key, std::string& value) = 0;
};

class Subject {
 public:
  Subject() = default;
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;
  virtual ~Subject() = default;

  virtual std::string name() const = 0;
  // Makes the store in an empty directory.
  virtual void create(const std::string& directory) const = 0;
  enum class For : uint8_t { kMeasuring, kPreparing };
  virtual std::unique_ptr<Keeper> open(const std::string& directory, For use) const = 0;
};

std::unique_ptr<Subject> make_holdfast_subject();
std::unique_ptr<Subject> make_sqlite_subject();

}  // namespace holdfast::bench
