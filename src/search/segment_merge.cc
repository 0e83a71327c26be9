#include "search/segment_merge.h"

#include <algorithm>
#include <bit>
#include <map>
#include <memory>

#include "search/segment.h"
#include "search/segment_terms.h"

namespace holdfast::search {
namespace {

constexpr uint32_t kDocumentsMax = 4u << 20;  // of a segment that is merged with others
constexpr uint32_t kIdsPerStep = 16'384;
constexpr uint32_t kNowhere = UINT32_MAX;  // the new ordinal of a dead document

const SegmentInfo* find_segment(const Manifest& manifest, uint32_t id) {
  for (const SegmentInfo& segment : manifest.segments) {
    if (segment.id == id) return &segment;
  }
  return nullptr;
}

// Segments of a few folds, of segments_max times as many ...: of a tier there are fewer than
// segments_max.
uint32_t tier_of(const SegmentInfo& segment, const FoldOptions& options) {
  const uint32_t live = segment.documents - segment.dead;
  uint32_t tier = 0;
  for (uint64_t most = 5u * options.documents_min; live >= most; most *= options.segments_max) {
    ++tier;
  }
  return tier;
}

// Those that are to become one; of more than one choice the smallest segments.
std::vector<uint32_t> choose_inputs(const Manifest& manifest, const FoldOptions& options) {
  std::map<uint32_t, std::vector<uint32_t>> tiers;
  for (const SegmentInfo& segment : manifest.segments) {
    if (segment.dead > segment.documents / 4) return {segment.id};
    if (segment.documents > kDocumentsMax) continue;
    tiers[tier_of(segment, options)].push_back(segment.id);
  }
  for (auto& [tier, ids] : tiers) {
    if (ids.size() < options.segments_max) continue;
    ids.resize(options.segments_max);
    return ids;
  }
  return {};
}

// The inputs of a merge, and the new ordinals of their documents.
struct Inputs {
  std::vector<uint32_t> segments;
  std::vector<std::vector<uint32_t>> ordinals;  // by input and old ordinal
  std::vector<DocumentId> ids;                  // by new ordinal
};

Result<Inputs> read_inputs(KeySource& source, const IndexKeys& keys, const Manifest& manifest) {
  Inputs inputs;
  struct Place {
    DocumentId id;
    uint32_t input;
    uint32_t ordinal;
  };
  std::vector<Place> places;
  for (const uint32_t id : manifest.merge->inputs) {
    const SegmentInfo* const segment = find_segment(manifest, id);
    if (segment == nullptr) return malformed_index("a segment to merge is missing");
    HOLDFAST_ASSIGN(const std::vector<DocumentId> ids, read_ids(source, keys, *segment));
    HOLDFAST_ASSIGN(const std::vector<uint64_t> dead, read_dead(source, keys, *segment));
    const auto input = static_cast<uint32_t>(inputs.segments.size());
    const auto middle = static_cast<ptrdiff_t>(places.size());
    for (uint32_t ordinal = 0; ordinal < ids.size(); ++ordinal) {
      const bool is_dead = !dead.empty() && (dead[ordinal / 64] >> ordinal % 64 & 1) != 0;
      if (!is_dead) places.push_back({ids[ordinal], input, ordinal});
    }
    std::inplace_merge(places.begin(), places.begin() + middle, places.end(),
                       [](const Place& a, const Place& b) { return a.id < b.id; });
    inputs.segments.push_back(id);
    inputs.ordinals.emplace_back(ids.size(), kNowhere);
  }
  for (uint32_t ordinal = 0; ordinal < places.size(); ++ordinal) {
    inputs.ordinals[places[ordinal].input][places[ordinal].ordinal] = ordinal;
    inputs.ids.push_back(places[ordinal].id);
  }
  return inputs;
}

Status append_postings(const PostingList& list, const std::vector<uint32_t>& ordinals,
                       std::vector<Posting>& postings) {
  uint32_t old[kBlockPostings];
  for (const PostingBlock& block : list.blocks) {
    if (!list.decode(block, old)) return malformed_index("a list of postings");
    for (size_t i = 0; i < block.postings; ++i) {
      if (old[i] >= ordinals.size()) return malformed_index("a list of postings");
      const uint32_t ordinal = ordinals[old[i]];
      if (ordinal == kNowhere) continue;
      postings.push_back(
          {ordinal, list.counts(block)[i], list.length_codes(block)[i], list.neighbours(block, i)});
    }
  }
  return Status::ok();
}

// Writes the terms behind merge.after_term until enough postings are written; true: all are.
Result<bool> merge_terms(KeyTarget& target, const IndexKeys& keys, const Inputs& inputs,
                         uint64_t postings_max, MergeInfo& merge) {
  std::vector<std::unique_ptr<TermStream>> streams;
  std::vector<bool> has_term;
  for (const uint32_t segment : inputs.segments) {
    streams.push_back(std::make_unique<TermStream>(target, keys, segment, merge.after_term));
    HOLDFAST_ASSIGN(const bool has, streams.back()->next());
    has_term.push_back(has);
  }
  SegmentWriter writer(target, keys, merge.output.id);
  std::vector<Posting> postings;
  uint64_t merged = 0;
  while (merged < postings_max) {
    const std::string* least = nullptr;
    for (size_t i = 0; i < streams.size(); ++i) {
      if (has_term[i] && (least == nullptr || streams[i]->term() < *least)) {
        least = &streams[i]->term();
      }
    }
    if (least == nullptr) break;
    merge.after_term = *least;
    postings.clear();
    for (size_t i = 0; i < streams.size(); ++i) {
      if (!has_term[i] || streams[i]->term() != merge.after_term) continue;
      merged += streams[i]->postings().count;
      HOLDFAST_TRY(append_postings(streams[i]->postings(), inputs.ordinals[i], postings));
      HOLDFAST_ASSIGN(const bool has, streams[i]->next());
      has_term[i] = has;
    }
    if (postings.empty()) continue;
    std::sort(postings.begin(), postings.end(),
              [](const Posting& a, const Posting& b) { return a.ordinal < b.ordinal; });
    HOLDFAST_TRY(writer.add(merge.after_term, postings));
  }
  HOLDFAST_TRY(writer.flush());
  return std::none_of(has_term.begin(), has_term.end(), [](bool has) { return has; });
}

Status finish(KeyTarget& target, const IndexKeys& keys, Manifest& manifest) {
  const MergeInfo merge = *manifest.merge;
  manifest.merge.reset();
  std::erase_if(manifest.segments, [&](const SegmentInfo& segment) {
    return std::find(merge.inputs.begin(), merge.inputs.end(), segment.id) != merge.inputs.end();
  });
  if (merge.output.documents > 0) manifest.segments.push_back(merge.output);
  for (const uint32_t input : merge.inputs) {
    HOLDFAST_TRY(target.del_range(prefix_range(keys.segment(input))));
  }
  return Status::ok();
}

}  // namespace

Result<bool> merge_step(KeyTarget& target, const IndexKeys& keys, Manifest& manifest,
                        const FoldOptions& options) {
  if (!manifest.merge) {
    MergeInfo merge;
    merge.inputs = choose_inputs(manifest, options);
    if (merge.inputs.empty()) return false;
    merge.output.id = manifest.next_segment++;
    for (const uint32_t id : merge.inputs) {
      const SegmentInfo& segment = *find_segment(manifest, id);
      merge.output.documents += segment.documents - segment.dead;
      merge.output.length += segment.length;
    }
    manifest.merge = std::move(merge);
  }
  MergeInfo& merge = *manifest.merge;
  HOLDFAST_ASSIGN(const Inputs inputs, read_inputs(target, keys, manifest));
  if (inputs.ids.size() != merge.output.documents)
    return malformed_index("its dead are miscounted");
  if (!inputs.ids.empty()) {
    merge.output.first = inputs.ids.front();
    merge.output.last = inputs.ids.back();
  }
  bool is_done = merge.output.documents == 0;
  if (merge.ids_written < merge.output.documents) {
    const uint32_t count = std::min(merge.output.documents - merge.ids_written, kIdsPerStep);
    HOLDFAST_TRY(write_ids(target, keys, merge.output.id, merge.ids_written,
                           std::span(inputs.ids).subspan(merge.ids_written, count)));
    merge.ids_written += count;
  }
  if (!is_done && merge.ids_written == merge.output.documents) {
    // Every step numbers all documents: of many, it should be worth it.
    const uint64_t postings_max =
        std::max<uint64_t>(options.postings_max, merge.output.documents / 4);
    HOLDFAST_ASSIGN(is_done, merge_terms(target, keys, inputs, postings_max, merge));
  }
  if (is_done) HOLDFAST_TRY(finish(target, keys, manifest));
  HOLDFAST_TRY(target.put(keys.manifest(), encode_manifest(manifest)));
  return true;
}

}  // namespace holdfast::search
