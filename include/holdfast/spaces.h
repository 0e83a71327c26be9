// Spaces: looking after the spaces of a store as a whole: renaming, trash, deletion, figures.
//
// A space is named by its path and known inside by a number that its data carry. So renaming moves
// one entry of the catalog however much the space holds, and every handle to the old path finds
// nothing there from the same commit on.
//
// Thread-safety: from any thread; with a transaction, that one's.
// Errors of every call: those of the store, InvalidArgument (a path; see parse_space_path).
// Invariants:
//   1. Each call with a transaction is part of its commit, each other one a commit of its own: all
//      of it, or nothing.
//   2. What is deleted leaves nothing behind, in no index; who wrote to the space in a transaction
//      that did not see the deletion conflicts with it.
//   3. A limit is not exceeded by what one process does. While several write to a space that has
//      more than an eighth of it left, they may together go beyond it by what they commit at that
//      very moment.
//   4. What lies in the trash is out of reach of every path, and comes back as it was.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/space.h"
#include "holdfast/store.h"

namespace holdfast {

constexpr size_t kSpaceTrashListMax = 100'000;

// Whether a call may take the sub-spaces along.
enum class SubSpaces : uint8_t {
  refuse,  // ConditionFalse if there are any
  include,
};

struct SpaceStats {
  uint64_t spaces = 0;  // that are counted: itself, and its sub-spaces if they were asked for
  uint64_t keys = 0;    // rows of all kinds in the store, indexes included, and their bytes
  uint64_t bytes = 0;
  uint64_t values = 0;  // key-values, those that have expired and wait to be swept away included
  uint64_t counters = 0;
  uint64_t observations = 0;
  uint64_t blob_bytes = 0;     // of large values
  uint64_t history_bytes = 0;  // of the versions of key-values; part of `bytes`
};

// What a space may hold, without its sub-spaces; 0: any amount. What would go beyond is refused
// with NoSpace. Forgotten observations count until they are purged, expired values until they are
// swept.
struct SpaceLimits {
  uint64_t observations = 0;
  uint64_t observation_bytes = 0;  // of contents, titles and metadata
  uint64_t values = 0;
  uint64_t value_bytes = 0;  // large values included
};

// What a space holds as its counters say, which change in the commits that change it.
struct SpaceUsage {
  uint64_t observations = 0;
  uint64_t observation_bytes = 0;
  // Only counted where there is a limit of them: counting makes puts of one key conflict.
  std::optional<uint64_t> values = {};
  std::optional<uint64_t> value_bytes = {};
  SpaceLimits limits = {};
};

struct TrashedSpace {
  uint64_t id = 0;  // names it until it is restored or purged
  SpaceSegments segments;
  uint64_t trashed_us = 0;  // since 1970: when
};

class Spaces {
 public:
  // `store` must outlive it.
  explicit Spaces(Store& store) : store_(store) {}

  // Gives a space, with its sub-spaces, another path. Errors: NotFound, ConditionFalse (there is
  // something at the other path), InvalidArgument (the other path lies inside of the first).
  Status rename(const SpaceSegments& from, const SpaceSegments& to) const;
  Status rename(Transaction& txn, const SpaceSegments& from, const SpaceSegments& to) const;

  // Deletes a space with all it holds, in one commit. Errors: NotFound, ConditionFalse, TooLarge
  // (over some 100,000 large values or sub-spaces).
  Status remove(const SpaceSegments& segments, SubSpaces sub_spaces = SubSpaces::refuse) const;
  Status remove(Transaction& txn, const SpaceSegments& segments,
                SubSpaces sub_spaces = SubSpaces::refuse) const;

  // Puts a space into the trash, whence it comes back until it is purged; returns its id there.
  // Errors: NotFound, ConditionFalse.
  Result<uint64_t> trash(const SpaceSegments& segments,
                         SubSpaces sub_spaces = SubSpaces::refuse) const;
  Result<uint64_t> trash(Transaction& txn, const SpaceSegments& segments,
                         SubSpaces sub_spaces = SubSpaces::refuse) const;
  // To where it was, or to `to` if that is not empty. Errors: NotFound (no such id), ConditionFalse
  // (there is something at that path).
  Status restore(uint64_t id, const SpaceSegments& to = {}) const;
  Status restore(Transaction& txn, uint64_t id, const SpaceSegments& to = {}) const;
  // Deletes what lies in the trash under `id`. Errors: NotFound, TooLarge.
  Status purge(uint64_t id) const;
  Status purge(Transaction& txn, uint64_t id) const;
  // In order of their ids. Errors: InvalidArgument (limit: 1 to kSpaceTrashListMax).
  Result<std::vector<TrashedSpace>> trashed(size_t limit = 1000) const;

  // Costs the same however much the space holds. Errors: NotFound.
  Result<SpaceUsage> usage(const SpaceSegments& segments) const;
  // From this commit on. What is there already may be over it; then nothing can be added. Counts
  // the space anew, by reading it. Errors: NotFound.
  Status limit(const SpaceSegments& segments, const SpaceLimits& limits) const;
  Status limit(Transaction& txn, const SpaceSegments& segments, const SpaceLimits& limits) const;

  // Counts by reading all of it, in bounded memory. Errors: NotFound.
  Result<SpaceStats> stats(const SpaceSegments& segments, bool with_sub_spaces = false) const;

 private:
  Store& store_;
};

}  // namespace holdfast
