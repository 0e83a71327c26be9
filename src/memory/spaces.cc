#include "holdfast/spaces.h"

#include <algorithm>

#include "base/coding.h"
#include "base/ordered_key.h"
#include "memory/catalog.h"
#include "memory/fields.h"
#include "memory/keys.h"
#include "memory/kv_rows.h"
#include "memory/meter.h"
#include "memory/text_check.h"
#include "search/store_keyspace.h"
#include "store/history_rows.h"

namespace holdfast {
namespace {

using memory::KeyKind;
using memory::SpaceNode;
using search::TransactionTarget;

// --- The trash: 01 't' id:u64; u64 time of the commit, fields.

enum TrashField : uint32_t { kNodeId = 1, kIsSpace = 2, kSegment = 3 };

std::string trash_prefix() {
  return {static_cast<char>(KeyKind::kCatalog), 't'};
}

// The node's own id: it is in the trash once at most.
std::string trash_key(uint64_t id) {
  std::string key = trash_prefix();
  append_ordered_u64(key, id);
  return key;
}

struct Trashed {
  SpaceNode node;
  TrashedSpace shown;
};

Result<Trashed> parse_trashed(std::string_view bytes) {
  if (bytes.size() < sizeof(uint64_t)) {
    return memory::malformed("a space in the trash");
  }
  Trashed trashed;
  trashed.shown.trashed_us = load_le<uint64_t>(bytes.data());
  bytes.remove_prefix(sizeof(uint64_t));
  HOLDFAST_ASSIGN(const auto fields, memory::FieldReader::parse(bytes, "space in the trash"));
  trashed.node.id = static_cast<uint32_t>(fields.number_or(kNodeId, 0));
  trashed.node.is_space = fields.number_or(kIsSpace, 0) != 0;
  trashed.shown.id = trashed.node.id;
  trashed.shown.segments = fields.texts(kSegment);
  return trashed;
}

Result<Trashed> require_trashed(search::KeySource& source, uint64_t id) {
  HOLDFAST_ASSIGN(const auto bytes, source.get(trash_key(id)));
  if (!bytes) {
    return Status(StatusCode::kNotFound, "nothing lies in the trash under " + std::to_string(id) +
                                             "; see what does: `holdfast space trashed`");
  }
  return parse_trashed(*bytes);
}

Status check_sub_spaces(search::KeySource& source, const SpaceSegments& segments,
                        const SpaceNode& node, SubSpaces sub_spaces) {
  if (sub_spaces == SubSpaces::include) return Status::ok();
  if (!node.is_space) {
    return Status(StatusCode::kNotFound, "there is no space " + space_path_text(segments) +
                                             ", only spaces below it; ask for them, too");
  }
  HOLDFAST_ASSIGN(const bool has_some, memory::has_children(source, node.id));
  if (!has_some) return Status::ok();
  return Status(StatusCode::kConditionFalse, "space " + space_path_text(segments) +
                                                 " has sub-spaces; ask for them, too, or deal with "
                                                 "them first");
}

// --- What lies in a space

Status release_blobs(Transaction& txn, const Blobs& blobs, uint32_t space_id) {
  for (const KeyKind kind : {KeyKind::kKvBlob, KeyKind::kArtifactBlob}) {
    Cursor cursor = txn.scan(search::prefix_range(memory::space_prefix(kind, space_id)));
    for (; cursor.valid(); cursor.next()) {
      HOLDFAST_ASSIGN(const BlobRef ref, memory::decode_blob_ref(cursor.value()));
      HOLDFAST_TRY(blobs.release(txn, ref, cursor.key()));
    }
    HOLDFAST_TRY(Status(cursor.status()));
  }
  return Status::ok();
}

// How long the versions of the space's keys are kept. One by one: the store's own keys are out of
// reach for deleted ranges.
Status erase_retentions(Transaction& txn, uint32_t space_id) {
  const std::string prefix =
      store::retention_key(memory::space_prefix(KeyKind::kKvHistory, space_id));
  std::vector<std::string> keys;
  Cursor cursor = txn.peek_scan(search::prefix_range(prefix));
  for (; cursor.valid(); cursor.next()) keys.emplace_back(cursor.key());
  HOLDFAST_TRY(cursor.status());
  for (const std::string& key : keys) HOLDFAST_TRY(txn.del(key));
  return Status::ok();
}

// A range that is empty is left alone: whoever fills it meanwhile has read the epoch of the
// catalog, and conflicts.
Status erase_space(Transaction& txn, const Blobs& blobs, uint32_t space_id) {
  HOLDFAST_TRY(release_blobs(txn, blobs, space_id));
  Status status;
  const auto erase = [&](const std::string& prefix) {
    if (!status) return;
    const KeyRange range = search::prefix_range(prefix);
    const Cursor first = txn.peek_scan(range);
    status = !first.status() ? first.status() : first.valid() ? txn.del_range(range) : Status();
  };
  memory::for_each_space_prefix(space_id,
                                [&](uint16_t, const std::string& prefix) { erase(prefix); });
  erase(memory::children_range(space_id).begin);
  HOLDFAST_TRY(std::move(status));
  return erase_retentions(txn, space_id);
}

Status erase_subtree(Transaction& txn, const Blobs& blobs, const SpaceNode& node) {
  TransactionTarget target(txn);
  HOLDFAST_ASSIGN(const std::vector<uint32_t> ids, memory::subtree_ids(target, node.id));
  for (const uint32_t id : ids) HOLDFAST_TRY(erase_space(txn, blobs, id));
  return Status::ok();
}

// Takes a space out of the tree, with what is below it, after all checks.
Result<SpaceNode> take_out(TransactionTarget& target, const SpaceSegments& segments,
                           SubSpaces sub_spaces) {
  HOLDFAST_TRY(memory::check_segments(segments));
  HOLDFAST_ASSIGN(const SpaceNode node, memory::require_node(target, segments));
  HOLDFAST_TRY(check_sub_spaces(target, segments, node, sub_spaces));
  return memory::detach_node(target, segments);
}

Status check_free(TransactionTarget& target, const SpaceSegments& to) {
  const auto there = memory::require_node(target, to);
  if (!there) {
    return there.status().code() == StatusCode::kNotFound ? Status::ok() : there.status();
  }
  return Status(StatusCode::kConditionFalse,
                "there is something at " + space_path_text(to) + " already; name another path");
}

// No sub-space may come to lie deeper than a path can say.
Status check_depth(search::KeySource& source, const SpaceNode& node, const SpaceSegments& to) {
  HOLDFAST_ASSIGN(const size_t depth, memory::subtree_depth(source, node.id));
  if (to.size() + depth <= kSpaceSegmentsMax) return Status::ok();
  return Status(StatusCode::kInvalidArgument,
                "a sub-space of " + space_path_text(to) + " would have " +
                    std::to_string(to.size() + depth) + " segments, and " +
                    std::to_string(kSpaceSegmentsMax) + " are allowed; name a shorter path");
}

// --- Figures

void count_row(uint16_t kind, std::string_view key, std::string_view value, SpaceStats& stats) {
  ++stats.keys;
  stats.bytes += key.size() + value.size();
  switch (static_cast<KeyKind>(kind)) {
    case KeyKind::kKv:
      ++stats.values;
      break;
    case KeyKind::kKvCounter:
      ++stats.counters;
      break;
    case KeyKind::kRow:
      ++stats.observations;
      break;
    case KeyKind::kKvHistory:
      stats.history_bytes += key.size() + value.size();
      break;
    case KeyKind::kKvBlob:
    case KeyKind::kArtifactBlob:
      if (const auto ref = memory::decode_blob_ref(value)) stats.blob_bytes += ref->size;
      break;
    default:
      break;
  }
}

}  // namespace

// --- Renaming

Status Spaces::rename(Transaction& txn, const SpaceSegments& from, const SpaceSegments& to) const {
  TransactionTarget target(txn);
  HOLDFAST_TRY(memory::check_segments(from));
  HOLDFAST_TRY(memory::check_segments(to));
  HOLDFAST_ASSIGN(const SpaceNode there, memory::require_node(target, from));
  if (from.size() <= to.size() && std::equal(from.begin(), from.end(), to.begin())) {
    return Status(StatusCode::kInvalidArgument,
                  "space " + space_path_text(from) + " cannot move to " + space_path_text(to) +
                      ", which lies inside of it; name a path outside");
  }
  HOLDFAST_TRY(check_free(target, to));
  HOLDFAST_TRY(check_depth(target, there, to));
  HOLDFAST_ASSIGN(const SpaceNode node, memory::detach_node(target, from));
  return memory::attach_node(target, to, node);
}

Status Spaces::rename(const SpaceSegments& from, const SpaceSegments& to) const {
  return store_.update([&](Transaction& txn) { return this->rename(txn, from, to); }).status();
}

// --- Deletion

Status Spaces::remove(Transaction& txn, const SpaceSegments& segments, SubSpaces sub_spaces) const {
  TransactionTarget target(txn);
  HOLDFAST_ASSIGN(const SpaceNode node, take_out(target, segments, sub_spaces));
  return erase_subtree(txn, store_.blobs(), node);
}

Status Spaces::remove(const SpaceSegments& segments, SubSpaces sub_spaces) const {
  return store_.update([&](Transaction& txn) { return remove(txn, segments, sub_spaces); })
      .status();
}

// --- Trash

Result<uint64_t> Spaces::trash(Transaction& txn, const SpaceSegments& segments,
                               SubSpaces sub_spaces) const {
  TransactionTarget target(txn);
  HOLDFAST_ASSIGN(const SpaceNode node, take_out(target, segments, sub_spaces));
  memory::FieldWriter fields;
  fields.number(kNodeId, node.id).number(kIsSpace, node.is_space ? 1 : 0).texts(kSegment, segments);
  HOLDFAST_TRY(txn.put_stamped(trash_key(node.id), {}, fields.bytes(),
                               {.has_time = true, .version_in = StampOptions::Place::kNowhere}));
  return uint64_t{node.id};
}

Result<uint64_t> Spaces::trash(const SpaceSegments& segments, SubSpaces sub_spaces) const {
  uint64_t id = 0;
  HOLDFAST_TRY(store_
                   .update([&](Transaction& txn) -> Status {
                     HOLDFAST_ASSIGN(id, trash(txn, segments, sub_spaces));
                     return Status::ok();
                   })
                   .status());
  return id;
}

Status Spaces::restore(Transaction& txn, uint64_t id, const SpaceSegments& to) const {
  TransactionTarget target(txn);
  HOLDFAST_ASSIGN(const Trashed trashed, require_trashed(target, id));
  const SpaceSegments& path = to.empty() ? trashed.shown.segments : to;
  HOLDFAST_TRY(memory::check_segments(path));
  HOLDFAST_TRY(check_free(target, path));
  HOLDFAST_TRY(check_depth(target, trashed.node, path));
  HOLDFAST_TRY(target.del(trash_key(id)));
  return memory::attach_node(target, path, trashed.node);
}

Status Spaces::restore(uint64_t id, const SpaceSegments& to) const {
  return store_.update([&](Transaction& txn) { return restore(txn, id, to); }).status();
}

Status Spaces::purge(Transaction& txn, uint64_t id) const {
  TransactionTarget target(txn);
  HOLDFAST_ASSIGN(const Trashed trashed, require_trashed(target, id));
  HOLDFAST_TRY(target.del(trash_key(id)));
  return erase_subtree(txn, store_.blobs(), trashed.node);
}

Status Spaces::purge(uint64_t id) const {
  return store_.update([&](Transaction& txn) { return purge(txn, id); }).status();
}

Result<std::vector<TrashedSpace>> Spaces::trashed(size_t limit) const {
  HOLDFAST_TRY(memory::check_limit(limit, kSpaceTrashListMax));
  HOLDFAST_ASSIGN(Snapshot snapshot, store_.snapshot());
  std::vector<TrashedSpace> spaces;
  Cursor cursor = snapshot.scan(search::prefix_range(trash_prefix()));
  for (; cursor.valid() && spaces.size() < limit; cursor.next()) {
    HOLDFAST_ASSIGN(Trashed trashed, parse_trashed(cursor.value()));
    spaces.push_back(std::move(trashed.shown));
  }
  HOLDFAST_TRY(Status(cursor.status()));
  return spaces;
}

// --- Limits and figures

Result<SpaceUsage> Spaces::usage(const SpaceSegments& segments) const {
  HOLDFAST_TRY(memory::check_segments(segments));
  HOLDFAST_ASSIGN(Snapshot snapshot, store_.snapshot());
  search::ReaderSource source(snapshot);
  HOLDFAST_ASSIGN(const SpaceNode node, memory::require_node(source, segments));
  SpaceUsage usage;
  const auto figure = [&](memory::Figure name) {
    return memory::read_figure(source, node.id, name);
  };
  HOLDFAST_ASSIGN(usage.limits, memory::read_limits(source, node.id));
  HOLDFAST_ASSIGN(usage.observations, figure(memory::Figure::kObservations));
  HOLDFAST_ASSIGN(usage.observation_bytes, figure(memory::Figure::kObservationBytes));
  if (!memory::counts_values(usage.limits)) return usage;
  HOLDFAST_ASSIGN(usage.values, figure(memory::Figure::kValues));
  HOLDFAST_ASSIGN(usage.value_bytes, figure(memory::Figure::kValueBytes));
  return usage;
}

Status Spaces::limit(Transaction& txn, const SpaceSegments& segments,
                     const SpaceLimits& limits) const {
  TransactionTarget target(txn);
  HOLDFAST_TRY(memory::check_segments(segments));
  HOLDFAST_ASSIGN(const SpaceNode node, memory::require_node(target, segments));
  HOLDFAST_TRY(memory::write_limits(target, node.id, limits));
  return memory::recount(target, node.id, limits);
}

Status Spaces::limit(const SpaceSegments& segments, const SpaceLimits& limits) const {
  return store_.update([&](Transaction& txn) { return limit(txn, segments, limits); }).status();
}

Result<SpaceStats> Spaces::stats(const SpaceSegments& segments, bool with_sub_spaces) const {
  HOLDFAST_TRY(memory::check_segments(segments));
  HOLDFAST_ASSIGN(Snapshot snapshot, store_.snapshot());
  search::ReaderSource source(snapshot);
  HOLDFAST_ASSIGN(const SpaceNode node, memory::require_node(source, segments));
  std::vector<uint32_t> ids{node.id};
  SpaceStats stats;
  stats.spaces = node.is_space ? 1 : 0;
  if (with_sub_spaces) {
    constexpr size_t kListMax = 1'000'000;
    HOLDFAST_ASSIGN(ids, memory::subtree_ids(source, node.id));
    HOLDFAST_ASSIGN(const auto below, memory::list_spaces_below(source, segments, kListMax));
    stats.spaces += below.size();
  }
  for (const uint32_t id : ids) {
    Status status;
    memory::for_each_space_prefix(id, [&](uint16_t kind, const std::string& prefix) {
      if (!status) return;
      Cursor cursor = snapshot.scan(search::prefix_range(prefix));
      for (; cursor.valid(); cursor.next()) count_row(kind, cursor.key(), cursor.value(), stats);
      status = cursor.status();
    });
    HOLDFAST_TRY(status);
  }
  return stats;
}

}  // namespace holdfast
