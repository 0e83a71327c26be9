#include "store/slices.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/prefetch.h"
#include "store/key_sort.h"

namespace holdfast::store {
namespace {

constexpr size_t kAhead = 12;  // places to fetch before they are needed

uint64_t bytes_of(std::span<const Place> places) {
  uint64_t bytes = 0;
  for (const Place& place : places) bytes += place.size;
  return bytes;
}

// Room for `size` bytes. What is given back would have to be cleared when it comes again.
char* room_in(Slice& slice, uint64_t size) {
  if (size > slice.room) {
    slice.bytes.reset(new char[size]);
    slice.room = size;
  }
  return slice.bytes.get();
}

}  // namespace

Slices::Slices(const Context& context, Stretch& stretch, uint64_t bytes_max)
    : context_(context), stretch_(stretch), bytes_max_(bytes_max) {}

Status Slices::open() {
  for (const uint64_t number : stretch_.segments()) {
    Source source;
    HOLDFAST_ASSIGN(source.segment, context_.segments->open(number));
    if (context_.trusted) {
      os::File& file = source.segment->file();
      if (auto map = file.map(source.segment->capacity(), os::MapAccess::kRead)) {
        source.map = std::move(*map);
      }
    }
    sources_.push_back(std::move(source));
  }
  return Status::ok();
}

Result<bool> Slices::next(Slice& slice) {
  if (!is_sorted_) {
    std::sort(stretch_.places().begin(), stretch_.places().end());
    rests_.push_back({stretch_.places(), true});
    is_sorted_ = true;
  }
  while (!rests_.empty()) {
    if (rests_.back().places.empty()) {
      rests_.pop_back();
      continue;
    }
    const bool in_key_order = rests_.back().in_key_order;
    const std::span<Place> places = take(rests_.back());
    if (in_key_order && places.size() > 1 && bytes_of(places) > bytes_max_) {
      HOLDFAST_ASSIGN(const bool divided, divide(places));
      rests_.push_back({places, divided});
      continue;
    }
    HOLDFAST_TRY(load(places, slice));
    return true;
  }
  return false;
}

// Takes a slice's worth off the front. In key order, those with the same head are not separated,
// even where they are more than that.
std::span<Place> Slices::take(Rest& rest) {
  const std::span<Place> places = rest.places;
  size_t taken = 0;
  for (uint64_t bytes = 0; taken < places.size();) {
    size_t end = taken + 1;
    bytes += places[taken].size;
    while (rest.in_key_order && end < places.size() && places[end].head == places[taken].head) {
      bytes += places[end++].size;
    }
    if (taken > 0 && bytes > bytes_max_) break;
    taken = end;
  }
  rest.places = places.subspan(taken);
  return places.subspan(0, taken);
}

// Sorts keys with the same head by what follows the bytes they share. False: these places have no
// order but that of the log.
Result<bool> Slices::divide(std::span<Place> places) {
  std::string first;
  size_t shared = 0;
  Slice scratch;
  for (const bool measure : {true, false}) {
    for (size_t i = 0; i < places.size(); ++i) {
      if (i + kAhead < places.size()) prefetch(places[i + kAhead]);
      Place& place = places[i];
      HOLDFAST_ASSIGN(const Change change, load(place, room_in(scratch, place.size)));
      if (measure) {
        if (i == 0) {
          first = change.key;
          shared = first.size();
        }
        shared = std::min<size_t>(shared, tree::common_prefix(first, change.key));
      } else {
        place.head = sort_head(change.key.substr(shared));
      }
    }
  }
  std::sort(places.begin(), places.end());
  return places.front().head != places.back().head;
}

Status Slices::load(std::span<const Place> places, Slice& slice) {
  char* bytes = room_in(slice, bytes_of(places));
  slice.changes.clear();
  slice.changes.reserve(places.size());
  for (size_t i = 0; i < places.size(); ++i) {
    if (i + kAhead < places.size()) prefetch(places[i + kAhead]);
    HOLDFAST_ASSIGN(const Change change, load(places[i], bytes));
    slice.changes.push_back(change);
    bytes += places[i].size;
  }
  sort_by_key(slice.changes);
  return Status::ok();
}

// Neighbours in key order lie all over the log.
void Slices::prefetch(const Place& place) const {
  constexpr uint32_t kLine = 64, kLinesMax = 8;
  const Source& source = sources_[place.segment_index()];
  if (source.map == nullptr) return;
  const char* const bytes = source.map->data() + place.offset();
  const uint32_t size = std::min(place.size, kLine * kLinesMax);
  for (uint32_t at = 0; at < size; at += kLine) holdfast::prefetch(bytes + at);
}

Status Slices::copy(const Place& place, char* out) const {
  const Source& source = sources_[place.segment_index()];
  size_t count = place.size;
  if (source.map != nullptr) {
    std::memcpy(out, source.map->data() + place.offset(), place.size);
  } else {
    HOLDFAST_ASSIGN(count, source.segment->file().read_at(place.offset(), out, place.size));
  }
  // Verified behind the copying: mapped bytes may change meanwhile.
  if (count == place.size && crc32c({out, count}) == place.crc) return Status::ok();
  return damaged(place);
}

Result<Change> Slices::load(const Place& place, char* bytes) const {
  HOLDFAST_TRY(copy(place, bytes));
  auto reader = log::PayloadReader::of_operations({bytes, place.size});
  const auto operation = reader.next();
  CHECK(operation && reader.rest().empty());  // the bytes are those that were taken apart before
  CommitStamp stamp{};
  if (operation->kind == log::OperationKind::kPutStamped) stamp = stretch_.stamp_of(place);
  return change_of(*operation, place.at, stamp.version, stamp.time_us);
}

Status Slices::damaged(const Place& place) const {
  return Status(StatusCode::kCorruption,
                "an operation that could be read a moment ago cannot be read any more; the disk "
                "may be failing")
      .with_path(context_.segments->path(stretch_.segments()[place.segment_index()]))
      .with_offset(place.offset());
}

}  // namespace holdfast::store
