#include "memory/link_rows.h"

#include "base/coding.h"
#include "base/ordered_key.h"
#include "base/uuid.h"
#include "memory/fields.h"
#include "memory/text_check.h"

namespace holdfast::memory {
namespace {

enum LinkField : uint32_t { kWeight = 1, kData = 2, kCreated = 3, kChanged = 4 };

Status damaged_link() {
  return malformed("an entry of the links");
}

std::string encode_weight(double weight) {
  std::string bytes(sizeof(weight), '\0');
  store_le(bytes.data(), weight);
  return bytes;
}

Status decode_into(std::string_view bytes, Link& link) {
  HOLDFAST_ASSIGN(const FieldReader fields,
                  FieldReader::parse(bytes, "the link from " + link.from + " to " + link.to));
  link.weight = fields.real(kWeight).value_or(1);
  link.data = fields.text_or_empty(kData);
  link.created_us = fields.integer_or(kCreated, 0);
  link.changed_us = fields.integer_or(kChanged, 0);
  return Status::ok();
}

}  // namespace

Status check_link_end(std::string_view end) {
  return check_plain_name("the end of a link", end, kLinkEndSizeMax);
}

Status check_link_end_exists(search::KeySource& source, uint32_t space_id, std::string_view end) {
  if (!end.starts_with(kObservationEnd)) return Status::ok();
  const auto id = Uuid::parse(end.substr(kObservationEnd.size()));
  if (!id || id->to_text() != end.substr(kObservationEnd.size())) {
    return Status(StatusCode::kInvalidArgument,
                  std::string(end) + " does not name an observation; write its whole id");
  }
  HOLDFAST_ASSIGN(const auto row, source.get(memory::row_key(space_id, *id)));
  if (row) return Status::ok();
  return Status(StatusCode::kNotFound, "there is no " + std::string(end) + " to link");
}

std::string LinkRows::key(bool incoming, const LinkName& name) const {
  std::string bytes = space_prefix(incoming ? KeyKind::kLinkIn : KeyKind::kLinkOut, space_id_);
  append_ordered_string(bytes, incoming ? name.to : name.from);
  append_ordered_string(bytes, name.type);
  append_ordered_string(bytes, incoming ? name.from : name.to);
  return bytes;
}

Result<std::optional<Link>> LinkRows::read(search::KeySource& source, const LinkName& name) const {
  HOLDFAST_ASSIGN(const auto bytes, source.get(key(false, name)));
  if (!bytes) return std::optional<Link>();
  Link link;
  link.from = name.from;
  link.type = name.type;
  link.to = name.to;
  HOLDFAST_TRY(decode_into(*bytes, link));
  return std::optional<Link>(std::move(link));
}

Status LinkRows::write(search::KeyTarget& target, const Link& link) const {
  FieldWriter fields;
  fields.real(kWeight, link.weight);
  if (!link.data.empty()) fields.text(kData, link.data);
  fields.integer(kCreated, link.created_us).integer(kChanged, link.changed_us);
  const LinkName name{link.from, link.type, link.to};
  HOLDFAST_TRY(target.put(key(false, name), fields.bytes()));
  return target.put(key(true, name), encode_weight(link.weight));
}

Status LinkRows::erase(search::KeyTarget& target, const LinkName& name) const {
  HOLDFAST_TRY(target.del(key(false, name)));
  return target.del(key(true, name));
}

Status LinkRows::scan(search::KeySource& source, bool incoming, const KeyRange& range,
                      const Visit& visit) const {
  const size_t prefix_size =
      space_prefix(incoming ? KeyKind::kLinkIn : KeyKind::kLinkOut, space_id_).size();
  Status damage;
  HOLDFAST_TRY(source.scan(range, [&](std::string_view key, std::string_view value) {
    key.remove_prefix(prefix_size);
    auto near = take_ordered_string(key);
    auto type = take_ordered_string(key);
    auto far = take_ordered_string(key);
    if (!near || !type || !far || !key.empty()) {
      damage = damaged_link();
      return false;
    }
    Link link;
    link.from = std::move(incoming ? *far : *near);
    link.type = std::move(*type);
    link.to = std::move(incoming ? *near : *far);
    if (!incoming) {
      damage = decode_into(value, link);
    } else if (value.size() == sizeof(double)) {
      link.weight = load_le<double>(value.data());
    } else {
      damage = damaged_link();
    }
    return damage.is_ok() && visit(std::move(link));
  }));
  return damage;
}

Status LinkRows::visit(search::KeySource& source, std::string_view end, bool incoming,
                       const std::optional<LinkName>& after, const Visit& visit) const {
  std::string prefix = space_prefix(incoming ? KeyKind::kLinkIn : KeyKind::kLinkOut, space_id_);
  append_ordered_string(prefix, end);
  KeyRange range = search::prefix_range(prefix);
  if (after) range.begin = key(incoming, *after) + '\0';
  return scan(source, incoming, range, visit);
}

Status LinkRows::visit_all(search::KeySource& source, const std::optional<LinkName>& after,
                           const Visit& visit) const {
  KeyRange range = search::prefix_range(space_prefix(KeyKind::kLinkOut, space_id_));
  if (after) range.begin = key(false, *after) + '\0';
  return scan(source, false, range, visit);
}

Result<uint64_t> erase_links(search::KeyTarget& target, uint32_t space_id, std::string_view end,
                             uint64_t limit) {
  const LinkRows rows(space_id);
  std::vector<Link> links;
  for (const bool incoming : {false, true}) {
    if (links.size() >= limit) break;
    HOLDFAST_TRY(rows.visit(target, end, incoming, {}, [&](Link&& link) {
      links.push_back(std::move(link));
      return links.size() < limit;
    }));
  }
  for (const Link& link : links) {
    HOLDFAST_TRY(rows.erase(target, {link.from, link.type, link.to}));
  }
  return links.size();
}

}  // namespace holdfast::memory
