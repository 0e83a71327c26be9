// Observations::list and forgotten: newest or oldest first, by an index where one is asked for.
#include <algorithm>

#include "memory/access.h"
#include "memory/filter.h"
#include "memory/json_check.h"
#include "memory/keys.h"
#include "memory/observation_index.h"
#include "memory/observation_store.h"

namespace holdfast {
namespace {

using memory::IdSpan;
using memory::KeyKind;
using search::KeySource;

constexpr size_t kPageMax = 1'024;  // ids that are read before their rows are

// What is asked for, checked, and with what the filter says about indexes.
struct ListQuery {
  bool of_forgotten = false;
  ObservationListOptions options;
  ObservationFilter filter;
  IdSpan span;
  std::optional<Uuid> after;

  bool passes(const Observation& observation) const {
    return memory::passes(observation, options) && filter.passes(observation);
  }
};

Status check_options(const ObservationListOptions& options) {
  if (options.limit == 0 || options.limit > kObservationListLimitMax) {
    return Status(StatusCode::kInvalidArgument, "limit must be 1 to " +
                                                    std::to_string(kObservationListLimitMax) +
                                                    "; ask for the next page with `after`");
  }
  if (!options.after.empty() && !Uuid::parse(options.after)) {
    return Status(StatusCode::kInvalidArgument,
                  "`after` is not an id; give the id of the last observation of the page before");
  }
  if (options.metadata && memory::json_first_bad_byte(options.metadata->second)) {
    return Status(StatusCode::kInvalidArgument,
                  "the metadata's value to list by is not JSON; a text stands in quotes");
  }
  return Status::ok();
}

// One list of one space.
class Lister {
 public:
  Lister(KeySource& source, uint32_t space_id, const ListQuery& query,
         std::vector<Observation>& out)
      : source_(source), space_id_(space_id), query_(query), options_(query.options), out_(out) {}

  Status run() {
    if (query_.of_forgotten) return list_forgotten();
    const auto index = memory::index_prefix(space_id_, options_);
    if (!options_.newest_first) return list_ids(id_prefix(), false);
    if (index) return list_ids(*index, true);
    // A filter may ask for the content, which a row may be without.
    if (!options_.where.empty()) return list_ids(row_prefix(), true);
    return list_rows();
  }

 private:
  std::string id_prefix() const { return memory::space_prefix(KeyKind::kId, space_id_); }
  std::string row_prefix() const { return memory::space_prefix(KeyKind::kRow, space_id_); }

  Status list_rows() {
    KeyRange range = range_of(row_prefix(), true);
    if (range.begin >= range.end) return Status::ok();
    Status failure;
    std::vector<std::pair<size_t, Uuid>> incomplete;
    HOLDFAST_TRY(source_.scan(range, [&](std::string_view key, std::string_view value) {
      const Uuid id = memory::id_of_index(key);
      auto row = memory::decode_row(id, value);
      failure = row.status();
      if (!row) return false;
      if (!query_.passes(row->observation)) return true;
      if (row->has_long_content) incomplete.emplace_back(out_.size(), id);
      out_.push_back(std::move(row->observation));
      return out_.size() < options_.limit;
    }));
    HOLDFAST_TRY(failure);
    for (const auto& [at, id] : incomplete) {
      HOLDFAST_ASSIGN(auto whole, memory::read_observation(source_, space_id_, id, false));
      if (whole) out_[at] = std::move(*whole);
    }
    return Status::ok();
  }

  // Where the ids that may be meant stand behind `prefix`, or their complements.
  KeyRange range_of(const std::string& prefix, bool is_complement) const {
    const auto key_of = [&](const Uuid& id) {
      return prefix + (is_complement ? memory::complement(id.view()) : std::string(id.view()));
    };
    const IdSpan& span = query_.span;
    KeyRange range{key_of(is_complement ? span.last : span.first),
                   key_of(is_complement ? span.first : span.last) + '\0'};
    if (query_.after) range.begin = std::max(range.begin, key_of(*query_.after) + '\0');
    return range;
  }

  // Their one index begins with the newest.
  Status list_forgotten() {
    const std::string prefix = memory::space_prefix(KeyKind::kForgotten, space_id_);
    if (options_.newest_first) return list_ids(prefix, true);
    KeyRange range{prefix + memory::complement(query_.span.last.view()),
                   prefix + memory::complement(query_.span.first.view()) + '\0'};
    if (query_.after) {
      range.end = std::min(range.end, prefix + memory::complement(query_.after->view()));
    }
    if (range.begin >= range.end) return Status::ok();
    std::vector<Uuid> ids;
    HOLDFAST_TRY(source_.scan(range, [&](std::string_view key, std::string_view) {
      ids.push_back(memory::id_of_index(key));
      return true;
    }));
    for (auto id = ids.rbegin(); id != ids.rend() && out_.size() < options_.limit; ++id) {
      HOLDFAST_TRY(take(*id));
    }
    return Status::ok();
  }

  Status take(const Uuid& id) {
    HOLDFAST_ASSIGN(auto observation, memory::read_observation(source_, space_id_, id, false));
    if (observation && query_.passes(*observation)) out_.push_back(std::move(*observation));
    return Status::ok();
  }

  // A page of ids at a time, as a filter may let few of them pass.
  Status list_ids(const std::string& prefix, bool is_complement) {
    KeyRange range = range_of(prefix, is_complement);
    size_t page_size = std::min(options_.limit, kPageMax);
    while (out_.size() < options_.limit && range.begin < range.end) {
      std::vector<Uuid> page;
      HOLDFAST_TRY(source_.scan(range, [&](std::string_view key, std::string_view) {
        page.push_back(is_complement ? memory::id_of_index(key) : memory::id_of_key(key));
        if (page.size() < page_size) return true;
        range.begin = std::string(key) + '\0';
        return false;
      }));
      for (const Uuid& id : page) {
        HOLDFAST_TRY(take(id));
        if (out_.size() == options_.limit) break;
      }
      if (page.size() < page_size) return Status::ok();
      page_size = std::min(2 * page_size, kPageMax);
    }
    return Status::ok();
  }

  KeySource& source_;
  const uint32_t space_id_;
  const ListQuery& query_;
  const ObservationListOptions& options_;
  std::vector<Observation>& out_;
};

// The first of both, in the order of the list. Ids differ between spaces.
void merge(std::vector<Observation> other, const ObservationListOptions& options,
           std::vector<Observation>& out) {
  std::vector<Observation> merged;
  std::merge(std::make_move_iterator(out.begin()), std::make_move_iterator(out.end()),
             std::make_move_iterator(other.begin()), std::make_move_iterator(other.end()),
             std::back_inserter(merged), [&](const Observation& a, const Observation& b) {
               return options.newest_first ? a.id > b.id : a.id < b.id;
             });
  if (merged.size() > options.limit) merged.resize(options.limit);
  out = std::move(merged);
}

Result<std::vector<Observation>> list_of(memory::Access& access, bool of_forgotten,
                                         const ObservationListOptions& options) {
  HOLDFAST_TRY(check_options(options));
  HOLDFAST_ASSIGN(const ObservationFilter filter, ObservationFilter::parse(options.where));
  ListQuery query{of_forgotten, options, filter, {}, Uuid::parse(options.after)};
  memory::narrow(filter, query.options);
  std::vector<Observation> observations;
  const auto span = memory::ids_between(query.options.since_us, query.options.until_us);
  if (!span) return observations;
  query.span = *span;
  if (!options.with_sub_spaces) {
    HOLDFAST_TRY(access.read([&](KeySource& source, uint32_t space_id) {
      return Lister(source, space_id, query, observations).run();
    }));
    return observations;
  }
  HOLDFAST_TRY(access.read_tree(
      [&](KeySource& source, uint32_t space_id, std::string_view space_path) -> Status {
        std::vector<Observation> found;
        HOLDFAST_TRY(Lister(source, space_id, query, found).run());
        for (Observation& observation : found) observation.space = space_path;
        merge(std::move(found), options, observations);
        return Status::ok();
      }));
  return observations;
}

}  // namespace

Result<std::vector<Observation>> Observations::list(const ObservationListOptions& options) const {
  return list_of(*access_, false, options);
}

Result<std::vector<Observation>> Observations::forgotten(
    const ObservationListOptions& options) const {
  return list_of(*access_, true, options);
}

}  // namespace holdfast
