#include "search/vector_fold.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/coding.h"
#include "search/vector_keys.h"
#include "vector/codes.h"

namespace holdfast::search {
namespace {

using vector::Encoder;
using vector::kGroupSize;

// The ids under `prefix`, ascending, with their values. Each is read once more, so that whoever
// changes it conflicts.
Result<std::map<DocumentId, std::string>> take_marks(KeyTarget& target, const std::string& prefix,
                                                     uint32_t most) {
  std::map<DocumentId, std::string> marks;
  HOLDFAST_TRY(target.peek_scan(prefix_range(prefix), [&](std::string_view key, std::string_view) {
    if (key.size() == prefix.size() + kDocumentIdSize) {
      marks.emplace(document_id(key.substr(prefix.size())), "");
    }
    return marks.size() < most;
  }));
  for (auto& [id, value] : marks) {
    HOLDFAST_ASSIGN(auto read, target.get(prefix + std::string(view_of(id))));
    if (!read) return malformed_index("the mark of a vector is gone");
    value = std::move(*read);
  }
  return marks;
}

class Folder {
 public:
  Folder(KeyTarget& target, std::string_view prefix, const VectorShape& shape,
         const VectorFoldOptions& options)
      : target_(target), keys_(prefix), shape_(shape), options_(options) {}

  Result<FoldStep> step();

 private:
  struct Source {
    std::string bytes;
    VectorBlock block;
    std::string dead;
    bool is_dead(uint32_t at) const {
      const size_t byte = at / 8;
      return byte < dead.size() && (static_cast<uint8_t>(dead[byte]) >> at % 8 & 1) != 0;
    }
  };
  struct Member {  // of a block that is being made
    DocumentId id;
    Signature signature;
    std::string values = {};  // empty: its code is copied
    const VectorBlock* block = nullptr;
    uint32_t at = 0;
  };

  uint32_t rows() const { return static_cast<uint32_t>(vector::code_rows(shape_.dimension)); }
  uint32_t capacity() const { return vector_block_capacity(rows()); }
  Result<bool> fold();
  Status bury();
  Status fold_fresh();
  Result<std::string> values_of(const DocumentId& id);
  Status centre_on(const std::vector<Member>& some);
  Result<std::vector<Member>> sample();
  Result<Encoder> encoder();
  Result<bool> merge();
  std::vector<size_t> due_for_merge() const;
  Result<Source> read_block(const VectorBlockInfo& info);
  Status erase_blocks(const std::vector<size_t>& chosen, bool keeps_centre);
  Status write_block(const std::vector<Member>& members, uint32_t generation, Encoder* encoder);

  KeyTarget& target_;
  const VectorKeys keys_;
  const VectorShape shape_;
  const VectorFoldOptions options_;
  VectorManifest manifest_;
};

Result<std::string> Folder::values_of(const DocumentId& id) {
  // Whoever drops it, or puts another, changes its mark, which was read.
  HOLDFAST_ASSIGN(auto values, target_.peek(keys_.vector(view_of(id))));
  if (!values || values->size() != shape_.dimension * sizeof(float)) {
    return malformed_index("a vector that has a mark");
  }
  return std::move(*values);
}

// Sets the bits of those that `block` has and that are not dead there yet; how many they are.
uint32_t set_dead(const VectorBlock& block, const std::map<DocumentId, std::string>& dropped,
                  std::string& bits) {
  bits.resize(block.groups() * sizeof(uint64_t));
  uint32_t died = 0;
  const DocumentId last = block.id(block.count() - 1);
  for (auto at = dropped.lower_bound(block.id(0)); at != dropped.end() && at->first <= last; ++at) {
    const uint32_t place = block.lower(at->first);
    if (block.id(place) != at->first) continue;
    const uint32_t byte = static_cast<uint8_t>(bits[place / 8]);
    const uint32_t bit = 1u << place % 8;
    if ((byte & bit) != 0) continue;
    bits[place / 8] = static_cast<char>(byte | bit);
    ++died;
  }
  return died;
}

// What was dropped is marked dead wherever a block has it.
Status Folder::bury() {
  HOLDFAST_ASSIGN(const auto dropped, take_marks(target_, keys_.dropped(), options_.dropped_max));
  std::map<std::string, VectorBlockInfo*> by_key;
  for (VectorBlockInfo& info : manifest_.blocks) by_key[keys_.codes(info.number)] = &info;
  std::map<std::string, std::string> masks;  // by key
  std::pair<std::string, std::string> dead;  // key and bits of the last one seen
  Status failure;
  // Blocks change in folds alone, each of which reads the manifest: peeking is enough.
  HOLDFAST_TRY(target_.peek_scan(prefix_range(keys_.blocks()),
                                 [&](std::string_view key, std::string_view value) {
                                   const auto info = by_key.find(std::string(key));
                                   if (info == by_key.end()) {
                                     dead.first = key;
                                     dead.second = value;
                                     return true;
                                   }
                                   const auto block = VectorBlock::open(value);
                                   failure = block.status();
                                   if (!block) return false;
                                   const std::string dead_key = keys_.dead(info->second->number);
                                   std::string bits = dead.first == dead_key ? dead.second : "";
                                   const uint32_t died = set_dead(*block, dropped, bits);
                                   info->second->dead += died;
                                   if (died > 0) masks[dead_key] = std::move(bits);
                                   return true;
                                 }));
  HOLDFAST_TRY(failure);
  for (const auto& [key, bits] : masks) HOLDFAST_TRY(target_.put(key, bits));
  for (const auto& [id, empty] : dropped) HOLDFAST_TRY(target_.del(keys_.dropped(view_of(id))));
  return Status::ok();
}

// --- Making a block

Status Folder::centre_on(const std::vector<Member>& some) {
  std::vector<double> sum(shape_.dimension);
  for (const Member& member : some) {
    double scale = 1;
    if (shape_.metric == VectorMetric::cosine) {
      scale = 1 / std::sqrt(static_cast<double>(
                      vector::kernels().square_sum(member.values.data(), shape_.dimension)));
    }
    for (size_t i = 0; i < sum.size(); ++i) {
      sum[i] += scale * load_le<float>(member.values.data() + i * sizeof(float));
    }
  }
  std::string centre(shape_.dimension * sizeof(float), 0);
  for (size_t i = 0; i < sum.size(); ++i) {
    const double mean = sum[i] / static_cast<double>(some.size());
    store_le(centre.data() + i * sizeof(float), static_cast<float>(mean));
  }
  manifest_.generation += 1;
  return target_.put(keys_.centre(manifest_.generation), centre);
}

Result<Encoder> Folder::encoder() {
  HOLDFAST_ASSIGN(const auto bytes, target_.get(keys_.centre(manifest_.generation)));
  if (!bytes || bytes->size() != shape_.dimension * sizeof(float)) {
    return malformed_index("the centre of its vectors");
  }
  std::vector<float> centre(shape_.dimension);
  std::copy(bytes->begin(), bytes->end(), reinterpret_cast<char*>(centre.data()));
  return Encoder(shape_.metric, std::move(centre));
}

// REQUIRES: members ascend by id; an encoder where one of them has values.
Status Folder::write_block(const std::vector<Member>& members, uint32_t generation,
                           Encoder* encoder) {
  const auto count = static_cast<uint32_t>(members.size());
  VectorBlockBuilder builder(count, generation, rows());
  for (uint32_t at = 0; at < count; ++at) {
    const Member& member = members[at];
    builder.set(at, member.id, member.signature);
    if (member.values.empty()) {
      builder.copy(at, *member.block, member.at);
    } else {
      encoder->encode(member.values.data(), builder.group(at / kGroupSize), at % kGroupSize);
    }
  }
  const uint32_t number = manifest_.next_block++;
  manifest_.blocks.push_back({.number = number, .generation = generation, .count = count});
  return target_.put(keys_.codes(number), builder.take());
}

Status Folder::fold_fresh() {
  const uint32_t most = std::min(options_.vectors_max, capacity());
  HOLDFAST_ASSIGN(const auto marks, take_marks(target_, keys_.fresh(), most));
  std::vector<Member> members;
  for (const auto& [id, signature] : marks) {
    if (signature.size() != kSignatureSize) return malformed_index("the mark of a vector");
    HOLDFAST_ASSIGN(std::string values, values_of(id));
    members.push_back({id, decode_signature(signature), std::move(values)});
    HOLDFAST_TRY(target_.del(keys_.fresh(view_of(id))));
  }
  // The centre is the mean of the first ones, until there are eight times as many, and so on.
  const uint64_t live = manifest_.live();
  if (manifest_.generation == 0) {
    HOLDFAST_TRY(centre_on(members));
    manifest_.centred_at = members.size();
  } else if (live >= 8 * manifest_.centred_at) {
    HOLDFAST_ASSIGN(std::vector<Member> some, sample());
    some.insert(some.end(), members.begin(), members.end());
    HOLDFAST_TRY(centre_on(some));
    manifest_.centred_at = live;
  }
  HOLDFAST_ASSIGN(Encoder encoder, this->encoder());
  return write_block(members, manifest_.generation, &encoder);
}

// Some vectors of every block, about 512.
Result<std::vector<Folder::Member>> Folder::sample() {
  constexpr uint32_t kSampled = 512;
  const uint32_t of_each =
      std::max<uint32_t>(1, kSampled / static_cast<uint32_t>(manifest_.blocks.size()));
  std::vector<DocumentId> ids;
  HOLDFAST_TRY(target_.peek_scan(
      prefix_range(keys_.blocks()), [&](std::string_view key, std::string_view value) {
        const auto block =
            key.back() == 'c' ? VectorBlock::open(value) : Result<VectorBlock>(malformed_index(""));
        if (!block) return true;
        for (uint32_t i = 0; i < of_each && i < block->count(); ++i) {
          ids.push_back(block->id(i * block->count() / of_each % block->count()));
        }
        return ids.size() < 2 * kSampled;
      }));
  std::vector<Member> members;
  for (const DocumentId& id : ids) {
    HOLDFAST_ASSIGN(auto values, target_.peek(keys_.vector(view_of(id))));
    if (values) members.push_back({id, {}, std::move(*values)});
  }
  return members;
}

// --- Merging

// Blocks that become one: many of less than half of what fits, or one with many dead. All are
// around one centre, so that codes are copied and not made anew.
std::vector<size_t> Folder::due_for_merge() const {
  struct Small {
    std::vector<size_t> blocks;
    uint32_t count = 0;
  };
  std::map<uint32_t, Small> small;  // by generation
  for (size_t i = 0; i < manifest_.blocks.size(); ++i) {
    const VectorBlockInfo& one = manifest_.blocks[i];
    if (one.dead > 0 && one.dead * 4 >= one.count) return {i};
    if (one.count - one.dead >= capacity() / 2) continue;
    Small& of = small[one.generation];
    of.blocks.push_back(i);
    of.count += one.count - one.dead;
  }
  for (const auto& [generation, of] : small) {
    // No more will come around an earlier centre.
    const size_t most = generation == manifest_.generation ? options_.blocks_max : 2;
    if (of.blocks.size() < most && of.count < capacity()) continue;
    std::vector<size_t> chosen;
    uint32_t count = 0;
    for (const size_t i : of.blocks) {
      count += manifest_.blocks[i].count - manifest_.blocks[i].dead;
      if (count > capacity()) break;
      chosen.push_back(i);
    }
    if (chosen.size() > 1) return chosen;
  }
  return {};
}

Result<Folder::Source> Folder::read_block(const VectorBlockInfo& info) {
  Source source;
  HOLDFAST_ASSIGN(auto bytes, target_.peek(keys_.codes(info.number)));
  if (!bytes) return malformed_index("a block of vectors is gone");
  source.bytes = std::move(*bytes);
  HOLDFAST_ASSIGN(auto dead, target_.peek(keys_.dead(info.number)));
  source.dead = std::move(dead).value_or("");
  return source;
}

// And, unless their centre stays in use, centres that no block needs any more. REQUIRES: `chosen`
// ascends.
Status Folder::erase_blocks(const std::vector<size_t>& chosen, bool keeps_centre) {
  std::set<uint32_t> generations;
  for (auto at = chosen.rbegin(); at != chosen.rend(); ++at) {
    const VectorBlockInfo& block = manifest_.blocks[*at];
    if (!keeps_centre && block.generation != manifest_.generation) {
      generations.insert(block.generation);
    }
    HOLDFAST_TRY(target_.del(keys_.codes(block.number)));
    HOLDFAST_TRY(target_.del(keys_.dead(block.number)));
    manifest_.blocks.erase(manifest_.blocks.begin() + static_cast<ptrdiff_t>(*at));
  }
  for (const VectorBlockInfo& block : manifest_.blocks) generations.erase(block.generation);
  for (const uint32_t unused : generations) HOLDFAST_TRY(target_.del(keys_.centre(unused)));
  return Status::ok();
}

Result<bool> Folder::merge() {
  const std::vector<size_t> chosen = due_for_merge();
  if (chosen.empty()) return false;
  std::vector<Source> sources;
  for (const size_t i : chosen) {
    HOLDFAST_ASSIGN(Source source, read_block(manifest_.blocks[i]));
    sources.push_back(std::move(source));
  }
  std::vector<Member> members;
  for (Source& source : sources) {
    HOLDFAST_ASSIGN(source.block, VectorBlock::open(source.bytes));
    for (uint32_t at = 0; at < source.block.count(); ++at) {
      if (source.is_dead(at)) continue;
      members.push_back({source.block.id(at), source.block.signature(at), {}, &source.block, at});
    }
  }
  std::sort(members.begin(), members.end(),
            [](const Member& a, const Member& b) { return a.id < b.id; });
  const uint32_t generation = sources.front().block.generation();
  HOLDFAST_TRY(erase_blocks(chosen, !members.empty()));
  if (!members.empty()) HOLDFAST_TRY(write_block(members, generation, nullptr));
  return true;
}

// --- A step

Result<bool> Folder::fold() {
  HOLDFAST_ASSIGN(const uint32_t fresh, count_keys(target_, keys_.fresh(), options_.vectors_min));
  HOLDFAST_ASSIGN(const uint32_t dropped,
                  count_keys(target_, keys_.dropped(), options_.vectors_min));
  const bool takes_fresh = fresh >= options_.vectors_min;
  if (!takes_fresh && dropped < options_.vectors_min) return false;
  // The dead first: what was put again is not dead.
  if (dropped > 0) HOLDFAST_TRY(bury());
  HOLDFAST_ASSIGN(const uint32_t left, count_keys(target_, keys_.dropped(), 1));
  if (takes_fresh && left == 0) HOLDFAST_TRY(fold_fresh());
  return true;
}

Result<FoldStep> Folder::step() {
  HOLDFAST_ASSIGN(const auto bytes, target_.get(keys_.manifest()));
  if (bytes) {
    HOLDFAST_ASSIGN(manifest_, decode_vector_manifest(*bytes));
  }
  HOLDFAST_ASSIGN(bool is_done, fold());
  if (!is_done) {
    HOLDFAST_ASSIGN(is_done, merge());
  }
  if (!is_done) return FoldStep::kIdle;
  HOLDFAST_TRY(target_.put(keys_.manifest(), encode_vector_manifest(manifest_)));
  return FoldStep::kDone;
}

}  // namespace

Result<bool> is_vector_fold_due(KeySource& source, std::string_view prefix,
                                const VectorFoldOptions& options) {
  const VectorKeys keys(prefix);
  for (const std::string& marks : {keys.fresh(), keys.dropped()}) {
    HOLDFAST_ASSIGN(const uint32_t count, count_keys(source, marks, options.vectors_min));
    if (count >= options.vectors_min) return true;
  }
  return false;
}

Result<FoldStep> vector_fold_step(KeyTarget& target, std::string_view prefix,
                                  const VectorShape& shape, const VectorFoldOptions& options) {
  return Folder(target, prefix, shape, options).step();
}

Status forget_codes(KeyTarget& target, std::string_view prefix) {
  const VectorKeys keys(prefix);
  for (const std::string& range : {keys.blocks(), keys.centres(), keys.dropped()}) {
    HOLDFAST_TRY(target.del_range(prefix_range(range)));
  }
  return target.del(keys.manifest());
}

}  // namespace holdfast::search
