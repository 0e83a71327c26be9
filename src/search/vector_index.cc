#include "search/vector_index.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "base/check.h"
#include "base/coding.h"
#include "search/vector_keys.h"
#include "vector/codes.h"

namespace holdfast::search {
namespace {

using vector::kGroupSize;

std::string_view bytes_of(std::span<const float> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

float deviations_of(VectorAccuracy accuracy) {
  return accuracy == VectorAccuracy::high ? 3.0f : 1.9f;
}

}  // namespace

Status check_vector(const VectorShape& shape, std::span<const float> values) {
  if (values.size() != shape.dimension) {
    return Status(StatusCode::kInvalidArgument,
                  "the vector has " + std::to_string(values.size()) + " values; those of this " +
                      "vector space have " + std::to_string(shape.dimension));
  }
  // Squares of lengths up to there, and their sums, are finite.
  constexpr double kSquareMax = 1e37;
  double square = 0;
  for (const float value : values) square += static_cast<double>(value) * value;
  if (!std::isfinite(square) || square > kSquareMax) {
    return Status(StatusCode::kInvalidArgument,
                  "the vector has a value that is not finite, or is longer than 3e18");
  }
  // A length whose square is not a normal f32 is as good as none.
  if (shape.metric == VectorMetric::cosine && square < 1e-30) {
    return Status(StatusCode::kInvalidArgument,
                  "the vector has no direction: all its values are zero, or next to it");
  }
  return Status::ok();
}

Status put_vector(KeyTarget& target, std::string_view prefix, const DocumentId& id,
                  const Signature& signature, std::span<const float> values) {
  const VectorKeys keys(prefix);
  HOLDFAST_TRY(target.put(keys.vector(view_of(id)), bytes_of(values)));
  return target.put(keys.fresh(view_of(id)), encode_signature(signature));
}

Status put_parts(KeyTarget& target, std::string_view prefix, const DocumentId& id,
                 std::span<const VectorPart> parts) {
  if (parts.empty()) return Status::ok();
  return target.put(VectorKeys(prefix).parts(view_of(id)), encode_parts(parts));
}

namespace {

// Out of the index; what else is kept of it stays.
Result<bool> take_out(KeyTarget& target, const VectorKeys& keys, const DocumentId& id) {
  HOLDFAST_TRY(target.del(keys.aside(view_of(id))));
  HOLDFAST_ASSIGN(const auto values, target.get(keys.vector(view_of(id))));
  if (!values) return false;
  HOLDFAST_TRY(target.del(keys.vector(view_of(id))));
  HOLDFAST_ASSIGN(const auto fresh, target.get(keys.fresh(view_of(id))));
  if (fresh) {
    HOLDFAST_TRY(target.del(keys.fresh(view_of(id))));
  } else {
    HOLDFAST_TRY(target.put(keys.dropped(view_of(id)), ""));
  }
  return true;
}

}  // namespace

Result<bool> drop_vector(KeyTarget& target, std::string_view prefix, const DocumentId& id) {
  const VectorKeys keys(prefix);
  HOLDFAST_TRY(target.del(keys.parts(view_of(id))));
  return take_out(target, keys, id);
}

Status relabel_vector(KeyTarget& target, std::string_view prefix, const DocumentId& id,
                      const Signature& signature) {
  const VectorKeys keys(prefix);
  HOLDFAST_ASSIGN(const auto values, target.get(keys.vector(view_of(id))));
  if (!values) return Status::ok();
  HOLDFAST_ASSIGN(const auto fresh, target.get(keys.fresh(view_of(id))));
  if (!fresh) HOLDFAST_TRY(target.put(keys.dropped(view_of(id)), ""));
  return target.put(keys.fresh(view_of(id)), encode_signature(signature));
}

Status set_vector_aside(KeyTarget& target, std::string_view prefix, const DocumentId& id) {
  const VectorKeys keys(prefix);
  HOLDFAST_ASSIGN(const auto values, target.get(keys.vector(view_of(id))));
  if (!values) return Status::ok();
  HOLDFAST_TRY(take_out(target, keys, id).status());
  return target.put(keys.aside(view_of(id)), *values);
}

Status put_vector_back(KeyTarget& target, std::string_view prefix, const DocumentId& id,
                       const Signature& signature) {
  const VectorKeys keys(prefix);
  HOLDFAST_ASSIGN(const auto values, target.get(keys.aside(view_of(id))));
  if (!values) return Status::ok();
  HOLDFAST_TRY(target.del(keys.aside(view_of(id))));
  HOLDFAST_TRY(target.put(keys.vector(view_of(id)), *values));
  return target.put(keys.fresh(view_of(id)), encode_signature(signature));
}

Result<std::optional<std::vector<float>>> read_vector(KeySource& source, std::string_view prefix,
                                                      const DocumentId& id) {
  const VectorKeys keys(prefix);
  HOLDFAST_ASSIGN(auto bytes, source.get(keys.vector(view_of(id))));
  if (!bytes) {
    HOLDFAST_ASSIGN(bytes, source.get(keys.aside(view_of(id))));
  }
  if (!bytes) return std::optional<std::vector<float>>();
  if (bytes->size() % sizeof(float) != 0) return malformed_index("a vector");
  std::vector<float> values(bytes->size() / sizeof(float));
  std::copy(bytes->begin(), bytes->end(), reinterpret_cast<char*>(values.data()));
  return std::optional(std::move(values));
}

Result<std::vector<VectorPart>> read_parts(KeySource& source, std::string_view prefix,
                                           const DocumentId& id) {
  HOLDFAST_ASSIGN(const auto bytes, source.get(VectorKeys(prefix).parts(view_of(id))));
  if (!bytes) return std::vector<VectorPart>();
  return decode_parts(*bytes);
}

Result<std::string> peek_vector(KeySource& source, std::string_view prefix, const DocumentId& id) {
  HOLDFAST_ASSIGN(auto values, source.peek(VectorKeys(prefix).vector(view_of(id))));
  return std::move(values).value_or("");
}

Result<std::string> peek_parts(KeySource& source, std::string_view prefix, const DocumentId& id) {
  HOLDFAST_ASSIGN(auto parts, source.peek(VectorKeys(prefix).parts(view_of(id))));
  return std::move(parts).value_or("");
}

Result<std::set<DocumentId>> vectors_between(KeySource& source, std::string_view prefix,
                                             const DocumentId& first, const DocumentId& last) {
  const VectorKeys keys(prefix);
  const KeyRange range{keys.vector(view_of(first)), keys.vector(view_of(last)) + '\0'};
  const size_t id_at = keys.vector().size();
  std::set<DocumentId> ids;
  HOLDFAST_TRY(source.peek_scan(range, [&](std::string_view key, std::string_view) {
    ids.insert(ids.end(), document_id(key.substr(id_at)));
    return true;
  }));
  return ids;
}

class VectorRanking::Impl {
 public:
  Impl(KeySource& source, std::string_view prefix, const VectorShape& shape, VectorSearch search)
      : source_(source), keys_(prefix), shape_(shape), search_(std::move(search)) {}

  Status load();
  Result<bool> take(VectorMatch& match);
  uint64_t scored() const { return scored_; }

 private:
  struct Candidate {
    float bound = 0;
    DocumentId id;
  };

  KeyRange span_of(const std::string& prefix) const;
  Status load_queries();
  Status score_fresh();
  Status score_all();
  Status scan();
  Status scan_block(const VectorBlock& block, std::string_view dead);
  void offer(const VectorBlock& block);
  void cut();
  Status score(const DocumentId& id);
  void push(const DocumentId& id, std::string_view values);

  KeySource& source_;
  const VectorKeys keys_;
  const VectorShape shape_;
  const VectorSearch search_;
  VectorManifest manifest_;
  std::map<uint32_t, vector::CodeQuery> queries_;  // by generation
  size_t candidates_max_ = 0;
  float threshold_ = -std::numeric_limits<float>::infinity();  // what was cut is not over it
  bool is_cut_ = false;
  struct Offer {  // of the block in hand
    float bound = 0;
    uint32_t at = 0;
  };
  std::vector<Offer> offers_;
  std::vector<Candidate> candidates_;        // the lowest bound first, once all are there
  std::set<DocumentId> seen_;                // scored, or found to be gone
  std::vector<VectorMatch> scored_matches_;  // a heap, the nearest first
  uint64_t scored_ = 0;
};

namespace {

bool is_farther(const VectorMatch& a, const VectorMatch& b) {
  return a.similarity != b.similarity ? a.similarity < b.similarity : a.id < b.id;
}

}  // namespace

KeyRange VectorRanking::Impl::span_of(const std::string& prefix) const {
  KeyRange range = prefix_range(prefix);
  range.begin += search_.id_begin;
  if (!search_.id_end.empty()) range.end = prefix + search_.id_end;
  return range;
}

void VectorRanking::Impl::push(const DocumentId& id, std::string_view values) {
  if (values.size() != shape_.dimension * sizeof(float)) return;  // the caller has checked
  ++scored_;
  scored_matches_.push_back({id, vector::similarity(shape_.metric, search_.values, values.data())});
  std::push_heap(scored_matches_.begin(), scored_matches_.end(), is_farther);
}

Status VectorRanking::Impl::score(const DocumentId& id) {
  if (!seen_.insert(id).second) return Status::ok();
  HOLDFAST_ASSIGN(const auto values, source_.get(keys_.vector(view_of(id))));
  if (!values) return Status::ok();  // dropped, and its block does not know yet
  if (values->size() != shape_.dimension * sizeof(float)) return malformed_index("a vector");
  push(id, *values);
  return Status::ok();
}

Status VectorRanking::Impl::score_all() {
  const size_t id_at = keys_.vector().size();
  bool is_sound = true;
  HOLDFAST_TRY(
      source_.scan(span_of(keys_.vector()), [&](std::string_view key, std::string_view value) {
        is_sound = key.size() == id_at + kDocumentIdSize &&
                   value.size() == shape_.dimension * sizeof(float);
        if (is_sound) push(document_id(key.substr(id_at)), value);
        return is_sound;
      }));
  return is_sound ? Status::ok() : malformed_index("a vector");
}

Status VectorRanking::Impl::score_fresh() {
  const size_t id_at = keys_.fresh().size();
  std::vector<DocumentId> fresh;
  HOLDFAST_TRY(
      source_.scan(span_of(keys_.fresh()), [&](std::string_view key, std::string_view value) {
        if (value.size() == kSignatureSize && decode_signature(value).has(search_.signature)) {
          fresh.push_back(document_id(key.substr(id_at)));
        }
        return true;
      }));
  for (const DocumentId& id : fresh) HOLDFAST_TRY(score(id));
  return Status::ok();
}

Status VectorRanking::Impl::load_queries() {
  std::set<uint32_t> generations;
  for (const VectorBlockInfo& block : manifest_.blocks) generations.insert(block.generation);
  std::optional<vector::Encoder> encoder;
  for (const uint32_t generation : generations) {
    HOLDFAST_ASSIGN(const auto bytes, source_.get(keys_.centre(generation)));
    if (!bytes || bytes->size() != shape_.dimension * sizeof(float)) {
      return malformed_index("a centre of vectors");
    }
    std::vector<float> centre(shape_.dimension);
    std::copy(bytes->begin(), bytes->end(), reinterpret_cast<char*>(centre.data()));
    if (encoder) {
      encoder->move_to(std::move(centre));
    } else {
      encoder.emplace(shape_.metric, std::move(centre));
    }
    queries_.emplace(generation, encoder->query(search_.values, deviations_of(search_.accuracy)));
  }
  return Status::ok();
}

Status VectorRanking::Impl::load() {
  CHECK(search_.values.size() == shape_.dimension);
  if (search_.accuracy == VectorAccuracy::exact) return score_all();
  HOLDFAST_ASSIGN(const auto bytes, source_.get(keys_.manifest()));
  if (bytes) {
    HOLDFAST_ASSIGN(manifest_, decode_vector_manifest(*bytes));
  }
  HOLDFAST_TRY(score_fresh());
  HOLDFAST_TRY(load_queries());
  // What is kept of n vectors for the ten nearest: of 100,000 up to 330 are compared, of a million
  // up to 790, and of these the last are next to never among the ten. More for more, but where
  // words join in, which ask for 100 and are helped by the first of them.
  const size_t asked = std::min<size_t>(search_.count, 40);
  candidates_max_ = std::max(80 + 6 * asked + manifest_.live() / 1250, 4 * search_.count);
  return scan();
}

// Keeps those with the highest bounds.
void VectorRanking::Impl::cut() {
  const auto is_higher = [](const Candidate& a, const Candidate& b) { return a.bound > b.bound; };
  const auto end = candidates_.begin() + static_cast<ptrdiff_t>(candidates_max_);
  std::nth_element(candidates_.begin(), end, candidates_.end(), is_higher);
  threshold_ = end->bound;
  is_cut_ = true;
  candidates_.erase(end, candidates_.end());
}

// Ids lie apart from the codes: they have been fetched since they were offered.
void VectorRanking::Impl::offer(const VectorBlock& block) {
  const bool is_filtered = !search_.signature.is_empty();
  for (const Offer& one : offers_) {
    if (one.bound <= threshold_) continue;
    if (is_filtered && !block.signature(one.at).has(search_.signature)) continue;
    candidates_.push_back({one.bound, block.id(one.at)});
    if (2 * candidates_.size() >= 3 * candidates_max_) cut();
  }
  offers_.clear();
}

Status VectorRanking::Impl::scan_block(const VectorBlock& block, std::string_view dead) {
  const auto query = queries_.find(block.generation());
  if (query == queries_.end() || query->second.rows() != block.rows()) {
    return malformed_index("a block of vectors");
  }
  const bool has_dead = dead.size() == block.groups() * sizeof(uint64_t);
  // Ids ascend: those in the span are next to each other.
  uint32_t begin = 0;
  uint32_t end = block.count();
  if (!search_.id_begin.empty()) begin = block.lower(document_id(search_.id_begin));
  if (!search_.id_end.empty()) {
    end = block.lower(document_id(search_.id_end.substr(0, kDocumentIdSize)));
    if (end < block.count() && view_of(block.id(end)) < search_.id_end) ++end;
  }
  const bool is_filtered = !search_.signature.is_empty();
  const vector::Kernels& kernel = vector::kernels();
  float bounds[kGroupSize];
  for (uint32_t group = begin / kGroupSize; begin < end && group * kGroupSize < end; ++group) {
    const uint32_t first = group * kGroupSize;
    uint64_t which = ~uint64_t{0};
    if (has_dead) which &= ~load_le<uint64_t>(dead.data() + group * sizeof(uint64_t));
    if (begin > first) which &= ~uint64_t{0} << (begin - first);
    if (end - first < kGroupSize) which &= (uint64_t{1} << (end - first)) - 1;
    if (which == 0) continue;
    which &= kernel.score_group(query->second, block.group(group), threshold_, bounds);
    for (; which != 0; which &= which - 1) {
      const auto at = static_cast<uint32_t>(std::countr_zero(which));
      offers_.push_back({bounds[at], first + at});
      block.prefetch_labels(first + at, is_filtered);
    }
  }
  offer(block);
  return Status::ok();
}

Status VectorRanking::Impl::scan() {
  threshold_ = -std::numeric_limits<float>::infinity();
  is_cut_ = false;
  candidates_.clear();
  Status failure;
  std::string dead_key;
  std::string dead;
  const auto rows = static_cast<uint32_t>(vector::code_rows(shape_.dimension));
  HOLDFAST_TRY(
      source_.scan(prefix_range(keys_.blocks()), [&](std::string_view key, std::string_view value) {
        if (key.back() == 'a') {
          dead_key = key;
          dead = value;
          return true;
        }
        VectorBlock::prefetch_first(value, rows);
        const bool is_same =
            key.substr(0, key.size() - 1) == std::string_view(dead_key).substr(0, key.size() - 1);
        const auto block = VectorBlock::open(value);
        failure = block ? scan_block(*block, is_same ? dead : "") : block.status();
        return static_cast<bool>(failure);
      }));
  HOLDFAST_TRY(failure);
  if (candidates_.size() > candidates_max_) cut();
  std::sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) {
    return a.bound != b.bound ? a.bound < b.bound : a.id < b.id;
  });
  return Status::ok();
}

Result<bool> VectorRanking::Impl::take(VectorMatch& match) {
  while (true) {
    const auto best = [&] { return scored_matches_.front().similarity; };
    while (!candidates_.empty() &&
           (scored_matches_.empty() || best() <= candidates_.back().bound)) {
      const DocumentId id = candidates_.back().id;
      candidates_.pop_back();
      HOLDFAST_TRY(score(id));
    }
    const bool is_enough = !scored_matches_.empty() &&
                           (search_.accuracy == VectorAccuracy::standard || best() > threshold_);
    if (!is_cut_ || is_enough) break;
    // What was cut is needed: none is left, or one of them may be nearer.
    candidates_max_ *= 8;
    HOLDFAST_TRY(scan());
  }
  if (scored_matches_.empty()) return false;
  std::pop_heap(scored_matches_.begin(), scored_matches_.end(), is_farther);
  match = scored_matches_.back();
  scored_matches_.pop_back();
  return true;
}

VectorRanking::VectorRanking(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
VectorRanking::VectorRanking(VectorRanking&&) noexcept = default;
VectorRanking& VectorRanking::operator=(VectorRanking&&) noexcept = default;
VectorRanking::~VectorRanking() = default;

Result<VectorRanking> VectorRanking::open(KeySource& source, std::string_view prefix,
                                          const VectorShape& shape, VectorSearch search) {
  auto impl = std::make_unique<Impl>(source, prefix, shape, std::move(search));
  HOLDFAST_TRY(impl->load());
  return VectorRanking(std::move(impl));
}

Result<bool> VectorRanking::take(VectorMatch& match) {
  return impl_->take(match);
}
uint64_t VectorRanking::scored() const {
  return impl_->scored();
}

}  // namespace holdfast::search
