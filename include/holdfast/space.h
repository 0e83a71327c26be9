// Space: a namespace of a store, and the capability to use it: every read, write and search goes
// through a handle to one space and never leaves it.
//
// A path has 1 to 8 segments of 1 to 128 bytes of UTF-8 each. Paths are compared segment by
// segment, byte by byte: "acme" and "acme-corp" have nothing in common, nor have "a/b" as one
// segment and "a", "b" as two. A space begins to exist with the first write to it, in the same
// commit; reading one that does not exist finds nothing and creates nothing. What a space holds
// does not include its sub-spaces.
//
// Thread-safety: all methods from any thread. Handles are cheap to copy and keep the store open.
//   Handles of kv(txn), observations(txn) and the like belong to the transaction: its thread, its
//   lifetime.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/artifact.h"
#include "holdfast/cache.h"
#include "holdfast/claim.h"
#include "holdfast/event.h"
#include "holdfast/inbox.h"
#include "holdfast/kv.h"
#include "holdfast/link.h"
#include "holdfast/message.h"
#include "holdfast/observation.h"
#include "holdfast/outbox.h"
#include "holdfast/presence.h"
#include "holdfast/queue.h"
#include "holdfast/recall.h"
#include "holdfast/record.h"
#include "holdfast/registry.h"
#include "holdfast/run.h"
#include "holdfast/status.h"
#include "holdfast/transaction.h"
#include "holdfast/vector.h"

namespace holdfast {

constexpr size_t kSpaceSegmentsMax = 8;
constexpr size_t kSpaceSegmentSizeMax = 128;  // bytes
constexpr size_t kSpaceTreeMax = 10'000;      // spaces that one call reads with their sub-spaces

using SpaceSegments = std::vector<std::string>;

// Segments of "a/b/c". Errors: InvalidArgument (none, too many, an empty or too long segment, not
// UTF-8).
Result<SpaceSegments> parse_space_path(std::string_view path);
// For people: segments joined by '/', a '/' inside a segment shown as "\/".
std::string space_path_text(const SpaceSegments& segments);

struct SpaceListOptions {
  SpaceSegments below = {};  // only sub-spaces of this path, itself not included; empty: all
  size_t limit = 1000;       // 1 to 100,000
};

// The spaces that exist, in order of their segments.
// Errors: InvalidArgument (limit, `below`).
Result<std::vector<SpaceSegments>> list_spaces(Reader& reader,
                                               const SpaceListOptions& options = {});

class Space {
 public:
  class Impl;
  explicit Space(std::shared_ptr<Impl> impl);  // see Store::space

  const SpaceSegments& segments() const;
  const std::string& path() const;  // space_path_text(segments())

  // A sub-space. `segment` may contain '/'. Errors: InvalidArgument, as of Store::space.
  Result<Space> child(std::string_view segment) const;
  // The sub-spaces that exist, of any depth.
  Result<std::vector<Space>> children(size_t limit = 1000) const;

  // Each call a commit, or a snapshot, of its own.
  Kv kv() const;
  Claims claims() const;
  // A queue begins to exist with its first job.
  Queue queue(std::string_view name) const;
  Events events() const;
  Cache cache(std::string_view name) const;
  Inbox inbox(std::string_view name) const;
  Outbox outbox(std::string_view name) const;
  Messages messages() const;
  Presence presence() const;
  Links links() const;
  Runs runs() const;
  Artifacts artifacts() const;
  Registry registry() const;
  Records records() const;
  Observations observations() const;
  Vectors vectors() const;
  // Ranks what the space remembers. Hits are of one snapshot. No searchable term in the text: no
  // hits. Errors: InvalidArgument (text empty or not UTF-8, limit, snippet_size).
  Result<std::vector<RecallHit>> recall(const RecallQuery& query) const;
  // Why that recall returns this observation, or not. Errors: as of recall and Observations::get.
  Result<RecallVerdict> why_not(const RecallQuery& query, std::string_view id) const;

  // As part of a transaction of the caller, which then commits. Recalling, listing and counting
  // read every record they pass: the commit conflicts when one was added or removed since.
  // REQUIRES: `transaction` is of the same store.
  Kv kv(Transaction& transaction) const;
  Claims claims(Transaction& transaction) const;
  Queue queue(Transaction& transaction, std::string_view name) const;
  Events events(Transaction& transaction) const;
  Cache cache(Transaction& transaction, std::string_view name) const;
  Inbox inbox(Transaction& transaction, std::string_view name) const;
  Outbox outbox(Transaction& transaction, std::string_view name) const;
  Messages messages(Transaction& transaction) const;
  Presence presence(Transaction& transaction) const;
  Links links(Transaction& transaction) const;
  Runs runs(Transaction& transaction) const;
  Artifacts artifacts(Transaction& transaction) const;
  Registry registry(Transaction& transaction) const;
  Records records(Transaction& transaction) const;
  Observations observations(Transaction& transaction) const;
  Vectors vectors(Transaction& transaction) const;
  Result<std::vector<RecallHit>> recall(Transaction& transaction, const RecallQuery& query) const;
  Result<RecallVerdict> why_not(Transaction& transaction, const RecallQuery& query,
                                std::string_view id) const;

  // As of a snapshot. REQUIRES: `snapshot` is of the same store.
  Kv kv(Snapshot& snapshot) const;
  Claims claims(Snapshot& snapshot) const;
  Queue queue(Snapshot& snapshot, std::string_view name) const;
  Events events(Snapshot& snapshot) const;
  Cache cache(Snapshot& snapshot, std::string_view name) const;
  Inbox inbox(Snapshot& snapshot, std::string_view name) const;
  Outbox outbox(Snapshot& snapshot, std::string_view name) const;
  Messages messages(Snapshot& snapshot) const;
  Presence presence(Snapshot& snapshot) const;
  Links links(Snapshot& snapshot) const;
  Runs runs(Snapshot& snapshot) const;
  Artifacts artifacts(Snapshot& snapshot) const;
  Registry registry(Snapshot& snapshot) const;
  Records records(Snapshot& snapshot) const;
  Observations observations(Snapshot& snapshot) const;
  Vectors vectors(Snapshot& snapshot) const;
  Result<std::vector<RecallHit>> recall(Snapshot& snapshot, const RecallQuery& query) const;
  Result<RecallVerdict> why_not(Snapshot& snapshot, const RecallQuery& query,
                                std::string_view id) const;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast
