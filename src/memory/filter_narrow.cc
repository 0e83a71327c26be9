#include <algorithm>
#include <functional>

#include "memory/filter.h"
#include "memory/filter_tree.h"

namespace holdfast::memory {
namespace {

// Conditions that hold for all that passes.
void for_each_required(const FilterNode& node,
                       const std::function<void(const FilterNode& condition)>& visit) {
  if (node.kind == FilterNode::Kind::kCondition) visit(node);
  if (node.kind != FilterNode::Kind::kAll) return;
  for (const FilterNode& child : node.children) for_each_required(child, visit);
}

bool is_exact(const FilterNode& condition) {
  return condition.values.size() == 1 &&
         (condition.compare == FilterOperator::kEqual || condition.compare == FilterOperator::kIn);
}

// A member of the metadata itself, which an index may have, and its value.
std::optional<MetadataMember> member_of(const FilterNode& condition) {
  if (condition.path.size() != 2 || condition.path[0] != "metadata") return std::nullopt;
  return MetadataMember(condition.path[1], condition.values[0].json);
}

template <typename Options>
void narrow_time(const FilterNode& condition, Options& options) {
  if (condition.path[0] != "created" || condition.values.size() != 1) return;
  const int64_t time_us = condition.values[0].time_us;
  const auto since = [&](int64_t us) {
    options.since_us = std::max(options.since_us.value_or(us), us);
  };
  const auto until = [&](int64_t us) {
    options.until_us = std::min(options.until_us.value_or(us), us);
  };
  const FilterOperator compare = condition.compare;
  if (compare == FilterOperator::kAtLeast || is_exact(condition)) since(time_us);
  if (compare == FilterOperator::kGreater) since(time_us + 1);
  if (compare == FilterOperator::kLess) until(time_us);
  if (compare == FilterOperator::kAtMost || is_exact(condition)) until(time_us + 1);
}

template <typename Options>
void narrow_labels(const FilterNode& condition, Options& options) {
  if (!is_exact(condition)) return;
  const std::string& value = condition.values[0].text;
  const auto fill = [&](std::string_view name, std::optional<std::string>& option) {
    if (condition.path[0] == name && !option) option = value;
  };
  fill("kind", options.kind);
  fill("source", options.source);
  fill("session", options.session);
  fill("run", options.run);
  if (condition.path[0] == "tag") options.tags.push_back(value);
}

}  // namespace

void narrow(const ObservationFilter& filter, ObservationListOptions& options) {
  for_each_required(filter.root(), [&](const FilterNode& condition) {
    narrow_time(condition, options);
    narrow_labels(condition, options);
    if (!is_exact(condition)) return;
    if (const auto member = member_of(condition); member && !options.metadata) {
      options.metadata = member;
    }
    if (condition.path[0] == "tier" && !options.tier) {
      const std::string& name = condition.values[0].text;
      options.tier = name == "hot" ? Tier::hot : name == "warm" ? Tier::warm : Tier::cold;
    }
  });
}

void narrow(const ObservationFilter& filter, RecallQuery& query) {
  for_each_required(filter.root(), [&](const FilterNode& condition) {
    narrow_time(condition, query);
    narrow_labels(condition, query);
  });
}

void narrow(const ArtifactFilter& filter, ArtifactQuery& query) {
  for_each_required(filter.root(), [&](const FilterNode& condition) {
    const bool is_name = condition.path[0] == "name";
    if (is_name && (is_exact(condition) || condition.compare == FilterOperator::kBegins)) {
      if (query.prefix.empty()) query.prefix = condition.values[0].text;
    }
    if (!is_exact(condition)) return;
    if (const auto member = member_of(condition)) query.metadata.push_back(*member);
    if (condition.path[0] == "media_type" && query.media_type.empty()) {
      query.media_type = condition.values[0].text;
    }
  });
}

}  // namespace holdfast::memory
