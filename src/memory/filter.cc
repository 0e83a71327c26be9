#include "memory/filter.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/time_text.h"
#include "memory/filter_tree.h"
#include "memory/json_canonical.h"
#include "memory/json_check.h"
#include "memory/json_value.h"
#include "memory/metadata_index.h"

namespace holdfast {
namespace {

using memory::FilterNode;
using memory::FilterOperator;
using memory::FilterValue;
using Kind = FilterNode::Kind;

enum class Type : uint8_t { kText, kTier, kNumber, kTime, kTags, kMetadata };

// What an object has in a field.
struct Found {
  std::optional<std::string_view> text = {};
  std::optional<double> number = {};
  std::optional<int64_t> time_us = {};
  const std::vector<std::string>* tags = nullptr;
  const std::optional<std::string>* metadata = nullptr;
};

template <typename Object>
struct Field {
  std::string_view name;
  Type type;
  void (*read)(const Object&, Found&);
};

// Of fields where 0 says that there is nothing.
std::optional<int64_t> if_set(int64_t time_us) {
  return time_us == 0 ? std::nullopt : std::optional<int64_t>(time_us);
}

constexpr std::string_view kTierNames[] = {"hot", "warm", "cold"};

const std::vector<Field<Observation>>& fields_of(const Observation*) {
  using O = Observation;
  static const std::vector<Field<O>> fields = {
      {"id", Type::kText, [](const O& o, Found& f) { f.text = o.id; }},
      {"kind", Type::kText, [](const O& o, Found& f) { f.text = o.kind; }},
      {"source", Type::kText, [](const O& o, Found& f) { f.text = o.source; }},
      {"session", Type::kText, [](const O& o, Found& f) { f.text = o.session; }},
      {"run", Type::kText, [](const O& o, Found& f) { f.text = o.run; }},
      {"title", Type::kText, [](const O& o, Found& f) { f.text = o.title; }},
      {"content", Type::kText, [](const O& o, Found& f) { f.text = o.content; }},
      {"key", Type::kText, [](const O& o, Found& f) { f.text = o.key; }},
      {"tier", Type::kTier,
       [](const O& o, Found& f) { f.text = kTierNames[static_cast<size_t>(o.tier)]; }},
      {"tag", Type::kTags, [](const O& o, Found& f) { f.tags = &o.tags; }},
      {"confidence", Type::kNumber, [](const O& o, Found& f) { f.number = o.confidence; }},
      {"importance", Type::kNumber, [](const O& o, Found& f) { f.number = o.importance; }},
      {"trust", Type::kNumber, [](const O& o, Found& f) { f.number = o.effective_trust; }},
      {"revision", Type::kNumber, [](const O& o, Found& f) { f.number = o.revision; }},
      {"created", Type::kTime, [](const O& o, Found& f) { f.time_us = o.created_us; }},
      {"happened", Type::kTime, [](const O& o, Found& f) { f.time_us = o.happened_us; }},
      {"edited", Type::kTime, [](const O& o, Found& f) { f.time_us = if_set(o.edited_us); }},
      {"valid_from", Type::kTime, [](const O& o, Found& f) { f.time_us = o.valid_from_us; }},
      {"valid_to", Type::kTime, [](const O& o, Found& f) { f.time_us = o.valid_to_us; }},
      {"metadata", Type::kMetadata, [](const O& o, Found& f) { f.metadata = &o.metadata; }},
  };
  return fields;
}

const std::vector<Field<ArtifactVersion>>& fields_of(const ArtifactVersion*) {
  using V = ArtifactVersion;
  static const std::vector<Field<V>> fields = {
      {"name", Type::kText, [](const V& v, Found& f) { f.text = v.name; }},
      {"id", Type::kText, [](const V& v, Found& f) { f.text = v.id; }},
      {"media_type", Type::kText, [](const V& v, Found& f) { f.text = v.media_type; }},
      {"actor", Type::kText,
       [](const V& v, Found& f) {
         if (!v.actor.empty()) f.text = v.actor;
       }},
      {"version", Type::kNumber,
       [](const V& v, Found& f) { f.number = static_cast<double>(v.version); }},
      {"size", Type::kNumber,
       [](const V& v, Found& f) { f.number = static_cast<double>(v.content.size); }},
      {"created", Type::kTime, [](const V& v, Found& f) { f.time_us = v.created_us; }},
      {"metadata", Type::kMetadata, [](const V& v, Found& f) { f.metadata = &v.metadata; }},
  };
  return fields;
}

// --- Checking

bool is_order(FilterOperator compare) {
  return compare == FilterOperator::kLess || compare == FilterOperator::kAtMost ||
         compare == FilterOperator::kGreater || compare == FilterOperator::kAtLeast;
}
bool is_of_text(FilterOperator compare) {
  return compare == FilterOperator::kBegins || compare == FilterOperator::kContains;
}

bool is_json_number(const FilterValue& value) {
  return !value.is_quoted && !value.text.empty() &&
         std::string_view("-0123456789").find(value.text[0]) != std::string_view::npos &&
         !memory::json_first_bad_byte(value.text);
}

std::optional<double> parse_number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Status prepare_number(FilterValue& value) {
  const auto number = is_json_number(value) ? parse_number(value.text) : std::nullopt;
  if (!number) {
    return memory::wrong_filter(value.offset, "`" + value.text + "` is not a number, such as 0.8");
  }
  value.number = *number;
  return Status::ok();
}

Status prepare_time(FilterValue& value) {
  auto time = parse_time(value.text);
  if (!time) time = parse_time(value.text + "T00:00:00Z");
  if (!time) {
    return memory::wrong_filter(
        value.offset,
        "`" + value.text + "` is not a time; write 2026-01-31 or 2026-01-31T09:05:00Z");
  }
  value.time_us = *time;
  return Status::ok();
}

// A bare number, true, false or null is that; all else is a text.
Status prepare_json(FilterOperator compare, FilterValue& value) {
  const bool is_word =
      !value.is_quoted && (value.text == "true" || value.text == "false" || value.text == "null");
  if (is_word && is_order(compare)) {
    return memory::wrong_filter(value.offset, "`" + value.text + "` is neither more nor less");
  }
  if (is_json_number(value) && !is_of_text(compare)) {
    HOLDFAST_TRY(prepare_number(value));
    value.json = memory::json_canonical(value.text);
  } else {
    value.json = is_word ? value.text : memory::json_quoted(value.text);
  }
  return Status::ok();
}

Status prepare_tier(FilterValue& value) {
  if (std::find(std::begin(kTierNames), std::end(kTierNames), value.text) != std::end(kTierNames)) {
    return Status::ok();
  }
  return memory::wrong_filter(value.offset,
                              "a tier is hot, warm or cold, not `" + value.text + "`");
}

Status check_operator(Type type, const FilterNode& node) {
  const bool fits_order = type != Type::kTags && type != Type::kTier;
  const bool fits_text = type == Type::kText || type == Type::kMetadata;
  if (is_order(node.compare) && !fits_order) {
    return memory::wrong_filter(node.compare_offset,
                                node.path[0] + " is compared by =, != and IN only");
  }
  if (is_of_text(node.compare) && !fits_text) {
    return memory::wrong_filter(node.compare_offset, node.path[0] + " is no text");
  }
  return Status::ok();
}

Status prepare_condition(Type type, FilterNode& node) {
  if (type == Type::kMetadata && node.path.size() == 1 && node.compare != FilterOperator::kExists) {
    return memory::wrong_filter(node.compare_offset, "say which member: metadata.NAME");
  }
  if (type != Type::kMetadata && node.path.size() > 1) {
    return memory::wrong_filter(node.offset, node.path[0] + " has no members");
  }
  HOLDFAST_TRY(check_operator(type, node));
  for (FilterValue& value : node.values) {
    if (type == Type::kNumber) HOLDFAST_TRY(prepare_number(value));
    if (type == Type::kTime) HOLDFAST_TRY(prepare_time(value));
    if (type == Type::kTier) HOLDFAST_TRY(prepare_tier(value));
    if (type == Type::kMetadata) HOLDFAST_TRY(prepare_json(node.compare, value));
  }
  return Status::ok();
}

template <typename Object>
Status prepare(const std::vector<Field<Object>>& fields, FilterNode& node) {
  for (FilterNode& child : node.children) HOLDFAST_TRY(prepare(fields, child));
  if (node.kind != Kind::kCondition) return Status::ok();
  for (size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].name != node.path[0]) continue;
    node.field = static_cast<uint8_t>(i);
    return prepare_condition(fields[i].type, node);
  }
  std::string names;
  for (const auto& field : fields) {
    names += " " + std::string(field.name) + (field.type == Type::kMetadata ? ".NAME" : "");
  }
  return memory::wrong_filter(node.offset,
                              "there is no field `" + node.path[0] + "`; there are" + names);
}

template <typename Object>
Result<std::shared_ptr<const FilterNode>> parse_for(std::string_view text) {
  HOLDFAST_ASSIGN(FilterNode root, memory::parse_filter(text));
  HOLDFAST_TRY(prepare(fields_of(static_cast<const Object*>(nullptr)), root));
  return std::shared_ptr<const FilterNode>(std::make_shared<FilterNode>(std::move(root)));
}

// --- Testing

template <typename T>
bool is_ordered(FilterOperator compare, const T& a, const T& b) {
  switch (compare) {
    case FilterOperator::kEqual:
    case FilterOperator::kIn:
      return a == b;
    case FilterOperator::kLess:
      return a < b;
    case FilterOperator::kAtMost:
      return a <= b;
    case FilterOperator::kGreater:
      return a > b;
    case FilterOperator::kAtLeast:
      return a >= b;
    default:
      return false;
  }
}

bool compares_text(FilterOperator compare, std::string_view text, std::string_view value) {
  if (compare == FilterOperator::kBegins) return text.starts_with(value);
  if (compare == FilterOperator::kContains) return text.find(value) != std::string_view::npos;
  return is_ordered(compare, text, value);
}

std::string pointer_of(const std::vector<std::string>& path) {
  std::string pointer;
  for (size_t i = 1; i < path.size(); ++i) {
    pointer.push_back('/');
    for (const char c : path[i]) {
      if (c == '~') {
        pointer += "~0";
      } else if (c == '/') {
        pointer += "~1";
      } else {
        pointer.push_back(c);
      }
    }
  }
  return pointer;
}

// The value in canonical form. REQUIRES: the metadata is JSON.
std::optional<std::string> member_of(const std::optional<std::string>& metadata,
                                     const std::vector<std::string>& path) {
  if (!metadata) return std::nullopt;
  const auto found = memory::json_at(*metadata, pointer_of(path));
  if (!found || !*found) return std::nullopt;
  return memory::json_canonical(**found);
}

bool compares_member(FilterOperator compare, const std::string& member, const FilterValue& value) {
  if (compare == FilterOperator::kEqual || compare == FilterOperator::kIn) {
    return member == value.json;
  }
  if (member[0] != '"' && value.json[0] != '"' && is_order(compare)) {
    const auto number = parse_number(member);
    return number && is_ordered(compare, *number, value.number);
  }
  return member[0] == '"' && value.json[0] == '"' &&
         compares_text(compare, memory::json_text(member), value.text);
}

// Whether the field compares so with that value. `compare` is none of kNotEqual, kExists.
bool compares(FilterOperator compare, const Found& found, const std::optional<std::string>& member,
              const FilterValue& value) {
  if (found.text) return compares_text(compare, *found.text, value.text);
  if (found.number) return is_ordered(compare, *found.number, value.number);
  if (found.time_us) return is_ordered(compare, *found.time_us, value.time_us);
  if (found.tags != nullptr) {
    return std::find(found.tags->begin(), found.tags->end(), value.text) != found.tags->end();
  }
  return member && compares_member(compare, *member, value);
}

bool exists(const Found& found, const std::optional<std::string>& member) {
  return found.text || found.number || found.time_us || member ||
         (found.tags != nullptr && !found.tags->empty());
}

template <typename Object>
bool passes_condition(const FilterNode& node, const Object& object) {
  Found found;
  fields_of(&object)[node.field].read(object, found);
  const bool is_negated = node.compare == FilterOperator::kNotEqual;
  const FilterOperator compare = is_negated ? FilterOperator::kEqual : node.compare;
  const bool is_equality = compare == FilterOperator::kEqual || compare == FilterOperator::kIn;
  const auto any_value = [&](const auto& test) {
    return std::any_of(node.values.begin(), node.values.end(), test);
  };
  // As the index of members has it, which may have been asked.
  if (found.metadata != nullptr && node.path.size() == 2 && is_equality) {
    return is_negated != any_value([&](const FilterValue& value) {
             return memory::has_member(*found.metadata, {node.path[1], value.json});
           });
  }
  std::optional<std::string> member;
  if (found.metadata != nullptr) member = member_of(*found.metadata, node.path);
  if (compare == FilterOperator::kExists) return exists(found, member);
  return is_negated != any_value([&](const FilterValue& value) {
           return compares(compare, found, member, value);
         });
}

template <typename Object>
bool passes_node(const FilterNode& node, const Object& object) {
  const auto passes = [&](const FilterNode& child) { return passes_node(child, object); };
  switch (node.kind) {
    case Kind::kAll:
      return std::all_of(node.children.begin(), node.children.end(), passes);
    case Kind::kAny:
      return std::any_of(node.children.begin(), node.children.end(), passes);
    case Kind::kNot:
      return !passes(node.children[0]);
    case Kind::kCondition:
      break;
  }
  return passes_condition(node, object);
}

}  // namespace

ObservationFilter::ObservationFilter(std::shared_ptr<const FilterNode> root)
    : root_(std::move(root)) {}
ArtifactFilter::ArtifactFilter(std::shared_ptr<const FilterNode> root) : root_(std::move(root)) {}

Result<ObservationFilter> ObservationFilter::parse(std::string_view text) {
  HOLDFAST_ASSIGN(auto root, parse_for<Observation>(text));
  return ObservationFilter(std::move(root));
}
Result<ArtifactFilter> ArtifactFilter::parse(std::string_view text) {
  HOLDFAST_ASSIGN(auto root, parse_for<ArtifactVersion>(text));
  return ArtifactFilter(std::move(root));
}

bool ObservationFilter::passes(const Observation& observation) const {
  return passes_node(*root_, observation);
}
bool ArtifactFilter::passes(const ArtifactVersion& version) const {
  return passes_node(*root_, version);
}

}  // namespace holdfast
