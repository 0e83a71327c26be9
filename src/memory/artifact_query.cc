// Artifacts::query: by an index, or by reading all versions.
#include <algorithm>
#include <deque>

#include "memory/artifact_work.h"
#include "memory/filter.h"
#include "memory/metadata_index.h"
#include "memory/text_check.h"

namespace holdfast {
namespace {

using memory::ArtifactHead;
using memory::ArtifactRows;
using memory::ArtifactWork;
using memory::VersionName;

constexpr size_t kPage = 256;  // entries that are read before their rows are

bool has_index(const ArtifactQuery& query) {
  return query.content || !query.metadata.empty() || !query.media_type.empty();
}

// Goes through the index that a query asks for, page by page, or through all versions.
class QueryRun {
 public:
  QueryRun(const ArtifactWork& work, search::KeySource& source, const ArtifactQuery& query,
           const ArtifactFilter& filter)
      : work_(work), source_(source), query_(query), filter_(filter) {}

  Result<std::vector<ArtifactVersion>> run() {
    HOLDFAST_TRY(has_index(query_) ? run_index() : run_all());
    return std::move(found_);
  }

 private:
  Status run_index() {
    HOLDFAST_ASSIGN(const std::string prefix, index_prefix());
    KeyRange range = search::prefix_range(prefix);
    if (query_.after) {
      range.begin =
          prefix + ArtifactRows::suffix({query_.after->first, query_.after->second}) + '\0';
    }
    while (found_.size() < query_.limit) {
      HOLDFAST_ASSIGN(const std::vector<VersionName> page, next_page(prefix, range));
      for (const VersionName& name : page) {
        if (found_.size() < query_.limit) HOLDFAST_TRY(look_at(name));
      }
      if (page.size() < kPage) break;
    }
    return Status::ok();
  }

  Status run_all() {
    // The name of the last page may have more versions.
    if (query_.after) HOLDFAST_TRY(look_at_all(query_.after->first, query_.after->second));
    std::string last = query_.after ? query_.after->first : "";
    while (found_.size() < query_.limit) {
      std::vector<std::string> names;
      HOLDFAST_TRY(work_.rows().heads(source_, query_.prefix, last, [&](auto&& name, auto&&) {
        names.push_back(std::move(name));
        return names.size() < kPage;
      }));
      for (const std::string& name : names) {
        if (found_.size() < query_.limit) HOLDFAST_TRY(look_at_all(name, 0));
      }
      if (names.size() < kPage) break;
      last = names.back();
    }
    return Status::ok();
  }

  // The versions of a name above `after`. They stand newest first, and the oldest are wanted.
  Status look_at_all(const std::string& name, uint64_t after) {
    HOLDFAST_ASSIGN(const bool is_open, open_head(name));
    if (!is_open) return Status::ok();
    const size_t page_size = query_.latest_only ? 1 : kPage;
    const size_t room = query_.limit - found_.size();
    std::deque<ArtifactVersion> newest_first;
    uint64_t before = UINT64_MAX;
    while (true) {
      HOLDFAST_ASSIGN(auto page, work_.rows().versions(source_, name, before, page_size));
      for (ArtifactVersion& version : page) {
        before = version.version;
        if (before <= after) break;
        if (passes(version)) newest_first.push_back(std::move(version));
        if (newest_first.size() > room) newest_first.pop_front();
      }
      if (page.size() < kPage || before <= after) break;
    }
    std::move(newest_first.rbegin(), newest_first.rend(), std::back_inserter(found_));
    return Status::ok();
  }

  Result<std::string> index_prefix() const {
    if (query_.content) return work_.rows().reference_prefix(*query_.content);
    if (query_.metadata.empty()) return work_.rows().media_prefix(query_.media_type);
    const auto asked = memory::asked_member(query_.metadata.front());
    return work_.rows().member_prefix(*asked);
  }

  Result<std::vector<VersionName>> next_page(const std::string& prefix, KeyRange& range) const {
    std::vector<VersionName> page;
    Status damage;
    HOLDFAST_TRY(source_.scan(range, [&](std::string_view key, std::string_view) {
      range.begin = std::string(key) + '\0';
      auto name = ArtifactRows::parse_suffix(key.substr(prefix.size()));
      damage = name.status();
      if (name) page.push_back(std::move(*name));
      return damage.is_ok() && page.size() < kPage;
    }));
    HOLDFAST_TRY(damage);
    return page;
  }

  // Whether versions of that name are to be shown at all.
  Result<bool> open_head(const std::string& name) {
    if (!name.starts_with(query_.prefix)) return false;
    if (!head_ || head_name_ != name) {
      HOLDFAST_ASSIGN(head_, work_.rows().head(source_, name));
      head_name_ = name;
    }
    return head_ && work_.shows(*head_, query_.with_archived);
  }

  Status look_at(const VersionName& name) {
    HOLDFAST_ASSIGN(const bool is_open, open_head(name.name));
    if (!is_open) return Status::ok();
    if (query_.latest_only && head_->latest != name.version) return Status::ok();
    HOLDFAST_ASSIGN(auto version, work_.rows().version(source_, name));
    if (version && passes(*version)) found_.push_back(std::move(*version));
    return Status::ok();
  }

  bool passes(const ArtifactVersion& version) const {
    if (query_.content && version.content != *query_.content) return false;
    if (!query_.media_type.empty() && version.media_type != query_.media_type) return false;
    const auto has = [&](const MetadataMember& member) {
      return memory::has_member(version.metadata, member);
    };
    return std::all_of(query_.metadata.begin(), query_.metadata.end(), has) &&
           filter_.passes(version);
  }

  const ArtifactWork& work_;
  search::KeySource& source_;
  const ArtifactQuery& query_;
  const ArtifactFilter& filter_;
  std::string head_name_;
  std::optional<ArtifactHead> head_;
  std::vector<ArtifactVersion> found_;
};

Status check_query(const ArtifactQuery& query) {
  HOLDFAST_TRY(memory::check_limit(query.limit, kArtifactListMax));
  for (const MetadataMember& member : query.metadata) {
    if (memory::asked_member(member)) continue;
    return Status(StatusCode::kInvalidArgument,
                  "the value of " + member.first + " is not JSON; a text has quotes: \"main\"");
  }
  if (has_index(query) || !query.where.empty()) return Status::ok();
  return Status(
      StatusCode::kInvalidArgument,
      "ask for something by `where`, a member of the metadata, a media type or a content; "
      "list() has the rest");
}

}  // namespace

Result<std::vector<ArtifactVersion>> Artifacts::query(const ArtifactQuery& query) const {
  HOLDFAST_TRY(check_query(query));
  HOLDFAST_ASSIGN(const ArtifactFilter filter, ArtifactFilter::parse(query.where));
  ArtifactQuery narrowed = query;
  memory::narrow(filter, narrowed);
  std::vector<ArtifactVersion> versions;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    const ArtifactWork work(*access_, actor_, space_id);
    HOLDFAST_ASSIGN(versions, QueryRun(work, source, narrowed, filter).run());
    return Status::ok();
  }));
  return versions;
}

}  // namespace holdfast
