// Observations: the texts that a space remembers, with where they came from. Each is written in one
// commit with everything by which it is found, and leaves all of it in one commit.
//
// Thread-safety: a handle without a transaction may be used from any thread; one made for a
//   transaction or snapshot belongs to that object's thread and must not outlive it.
// Conflicts: adding never conflicts with other observations (there is no shared counter); only two
//   transactions that add the same `key`, or that create the same space, do.
// Errors of every call: those of the store (Busy, IoError, Corruption, NoSpace ...); of a handle
//   made for a snapshot, writes return ReadOnly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"

namespace holdfast {

namespace memory {
class Access;
}

constexpr size_t kContentSizeMax = 1u << 20;  // bytes, at least 1
constexpr size_t kTitleSizeMax = 4096;        // bytes
constexpr size_t kLabelSizeMax = 1000;        // bytes of source, kind, session, run, key
constexpr size_t kTagSizeMax = 128;           // bytes, at least 1
constexpr size_t kTagsMax = 64;
constexpr size_t kMetadataSizeMax = 256u << 10;  // bytes
constexpr size_t kEmbeddingValuesMax = 128u << 10;
constexpr size_t kObservationListLimitMax = 10'000;

// A vector that stands for the content, and what computed it.
struct Embedding {
  std::string model = {};          // 1 to kLabelSizeMax bytes
  std::string model_version = {};  // 0 to kLabelSizeMax bytes
  std::vector<float> values = {};  // 1 to kEmbeddingValuesMax, all finite
};

// What is to be remembered. Only `content` is required; what is left out stays absent, which is not
// the same as empty. All strings are UTF-8 and come back byte for byte.
struct NewObservation {
  std::string content = {};
  std::optional<std::string> title = {};
  std::optional<std::string> source = {};   // where it came from: "tool:bash", a path, a URL
  std::optional<std::string> kind = {};     // "note", "fact", "section" ...
  std::optional<std::string> session = {};  // of which session of an agent
  std::optional<std::string> run = {};      // in which run
  std::vector<std::string> tags = {};
  std::optional<std::string> metadata = {};  // JSON text
  std::optional<double> confidence = {};     // finite; by convention 0 to 1
  std::optional<int64_t> happened_us = {};   // when it happened: microseconds since 1970, UTC
  std::optional<Embedding> embedding = {};
  // Idempotency key: adding again with a key that an observation of the space already has returns
  // that one's id and writes nothing. Removing the observation frees its key.
  std::optional<std::string> key = {};
};

struct Observation : NewObservation {
  std::string id = {};     // UUIDv7, 36 characters; ids sort by `created_us`
  int64_t created_us = 0;  // when it was added: microseconds since 1970, UTC
};

struct AddedObservation {
  std::string id = {};
  bool existed = false;  // its `key` was there already; nothing was written
};

struct ObservationListOptions {
  size_t limit = 50;         // 1 to kObservationListLimitMax
  bool newest_first = true;  // by `created_us`
  std::optional<std::string> kind = {};
  std::optional<int64_t> since_us = {};  // created_us >= since_us
  std::optional<int64_t> until_us = {};  // created_us < until_us
  std::string after = {};                // id of the last observation of the page before
};

class Observations {
 public:
  explicit Observations(std::shared_ptr<memory::Access> access);  // see Space::observations

  // Remembers it and returns its id. Errors: InvalidArgument (text that is not UTF-8, with the
  // offset of the bad byte; no content; metadata that is not JSON; a number that is not finite),
  // TooLarge (a limit above; the message says which and what to do).
  Result<std::string> add(const NewObservation& observation) const;
  // Remembers all or none in one commit; the results are in the order of `observations`. Errors as
  // of add, and TooLarge when they do not fit one transaction: add fewer at once.
  Result<std::vector<AddedObservation>> add_all(std::span<const NewObservation> observations) const;

  // In these, `id` is an id or a prefix of one with 8 or more hexadecimal digits (dashes do not
  // matter) that no other observation of the space shares. The first 12 digits are the millisecond
  // of creation: of what was added in a burst, a unique prefix has 16 or more.
  // Errors: NotFound; InvalidArgument (not an id, or ambiguous: the message names candidates).
  Result<Observation> get(std::string_view id) const;
  // Removes it, and its text, embedding and key from every index, in one commit.
  Status remove(std::string_view id) const;

  // Without embeddings; get() gives them. Errors: InvalidArgument (limit, `after` is not an id).
  Result<std::vector<Observation>> list(const ObservationListOptions& options = {}) const;
  // Counts them by a scan, about 0.1 us each.
  Result<uint64_t> count() const;

 private:
  std::shared_ptr<memory::Access> access_;
};

}  // namespace holdfast
