#include "memory/registry_rows.h"

#include <algorithm>

#include "base/ordered_key.h"
#include "memory/fields.h"

namespace holdfast::memory {
namespace {

enum EntryField : uint32_t {
  kLatest = 1,
  kPublished = 2,
  kPublications = 3,
  kCurrent = 4,
  kEntryCreated = 5,
  kChanged = 6,
};
enum DefinitionField : uint32_t { kBody = 1, kNote = 2, kDefinedBy = 3, kCreated = 4 };
enum PublicationField : uint32_t {
  kVersion = 1,
  kBefore = 2,
  kIsRollback = 3,
  kPublisher = 4,
  kReason = 5,
  kPublishedUs = 6,
};

Status damaged_definition() {
  return malformed("an entry of the registry");
}

std::string ordered_name(std::string_view kind, std::string_view name) {
  std::string bytes;
  append_ordered_string(bytes, kind);
  append_ordered_string(bytes, name);
  return bytes;
}

// A number whose greatest comes first.
std::string descending(uint64_t number) {
  std::string bytes;
  append_ordered_u64(bytes, ~number);
  return bytes;
}

Result<EntryRow> decode_row(std::string_view bytes) {
  HOLDFAST_ASSIGN(const FieldReader fields, FieldReader::parse(bytes, "a registry entry"));
  EntryRow row;
  row.entry.latest = fields.number_or(kLatest, 0);
  row.entry.published = fields.number_or(kPublished, 0);
  row.entry.publications = fields.number_or(kPublications, 0);
  row.entry.created_us = fields.integer_or(kEntryCreated, 0);
  row.entry.changed_us = fields.integer_or(kChanged, 0);
  row.current = fields.number_or(kCurrent, 0);
  if (row.entry.published > row.entry.latest || row.current > row.entry.publications) {
    return damaged_definition();
  }
  return row;
}

Result<PublicationRow> decode_publication(uint64_t number, std::string_view bytes) {
  HOLDFAST_ASSIGN(const FieldReader fields, FieldReader::parse(bytes, "a publication"));
  PublicationRow row;
  row.publication.number = number;
  row.publication.version = fields.number_or(kVersion, 0);
  row.publication.is_rollback = fields.number_or(kIsRollback, 0) != 0;
  row.publication.by = fields.text_or_empty(kPublisher);
  row.publication.note = fields.text_or_empty(kReason);
  row.publication.published_us = fields.integer_or(kPublishedUs, 0);
  row.before = fields.number_or(kBefore, 0);
  return row;
}

// The numbered rows under `prefix` below `before`, greatest first.
template <typename Row, typename Decode>
Result<std::vector<Row>> numbered_rows(search::KeySource& source, const std::string& prefix,
                                       uint64_t before, size_t limit, const Decode& decode) {
  std::vector<Row> rows;
  KeyRange range = search::prefix_range(prefix);
  range.begin = prefix + descending(before) + '\0';
  Status damage;
  HOLDFAST_TRY(source.scan(range, [&](std::string_view key, std::string_view value) {
    key.remove_prefix(prefix.size());
    const auto number = take_ordered_u64(key);
    auto row = number ? decode(~*number, value) : damaged_definition();
    damage = row.status();
    if (row) rows.push_back(std::move(*row));
    return damage.is_ok() && rows.size() < limit;
  }));
  HOLDFAST_TRY(damage);
  return rows;
}

}  // namespace

DefinitionRows::DefinitionRows(uint32_t space_id, std::string_view kind, std::string_view name)
    : space_id_(space_id), kind_(kind), name_(name), ordered_(ordered_name(kind, name)) {}

std::string DefinitionRows::key(KeyKind kind, std::string_view rest) const {
  return space_key(kind, space_id_, ordered_).append(rest);
}

// --- The entry

Result<std::optional<EntryRow>> DefinitionRows::decode_entry(
    const std::optional<std::string>& bytes) const {
  if (!bytes) return std::optional<EntryRow>();
  HOLDFAST_ASSIGN(EntryRow row, decode_row(*bytes));
  row.entry.kind = kind_;
  row.entry.name = name_;
  return std::optional(std::move(row));
}

Result<std::optional<EntryRow>> DefinitionRows::entry(search::KeySource& source) const {
  HOLDFAST_ASSIGN(const auto bytes, source.get(key(KeyKind::kRegistryEntry)));
  return decode_entry(bytes);
}

Result<std::optional<EntryRow>> DefinitionRows::peek_entry(search::KeySource& source) const {
  HOLDFAST_ASSIGN(const auto bytes, source.peek(key(KeyKind::kRegistryEntry)));
  return decode_entry(bytes);
}

Status DefinitionRows::write_entry(search::KeyTarget& target, const EntryRow& row) const {
  FieldWriter fields;
  fields.number(kLatest, row.entry.latest).number(kPublished, row.entry.published);
  fields.number(kPublications, row.entry.publications).number(kCurrent, row.current);
  fields.integer(kEntryCreated, row.entry.created_us).integer(kChanged, row.entry.changed_us);
  return target.put(key(KeyKind::kRegistryEntry), fields.bytes());
}

Status visit_entries(search::KeySource& source, uint32_t space_id,
                     const RegistryListOptions& options, const VisitEntry& visit) {
  const std::string space = space_prefix(KeyKind::kRegistryEntry, space_id);
  std::string prefix = space;
  if (!options.kind.empty()) {
    append_ordered_string(prefix, options.kind);
    // Names hold no zero byte, so the beginning of one is the beginning of its form.
    prefix += options.prefix;
  }
  KeyRange range = search::prefix_range(prefix);
  if (options.after) {
    range.begin = std::max(
        range.begin, space + ordered_name(options.after->first, options.after->second) + '\0');
  }
  if (range.begin >= range.end) return Status::ok();
  Status damage;
  HOLDFAST_TRY(source.scan(range, [&](std::string_view key, std::string_view value) {
    key.remove_prefix(space.size());
    auto kind = take_ordered_string(key);
    auto name = take_ordered_string(key);
    auto row = kind && name && key.empty() ? decode_row(value) : damaged_definition();
    damage = row.status();
    if (!row) return false;
    row->entry.kind = std::move(*kind);
    row->entry.name = std::move(*name);
    return visit(std::move(row->entry));
  }));
  return damage;
}

// --- Definitions

Result<Definition> DefinitionRows::decode_definition(uint64_t version,
                                                     std::string_view bytes) const {
  HOLDFAST_ASSIGN(const FieldReader fields, FieldReader::parse(bytes, "a definition"));
  Definition definition;
  definition.kind = kind_;
  definition.name = name_;
  definition.version = version;
  definition.body = fields.text_or_empty(kBody);
  definition.note = fields.text_or_empty(kNote);
  definition.by = fields.text_or_empty(kDefinedBy);
  definition.created_us = fields.integer_or(kCreated, 0);
  return definition;
}

Result<std::optional<Definition>> DefinitionRows::definition(search::KeySource& source,
                                                             uint64_t version) const {
  HOLDFAST_ASSIGN(const auto bytes, source.get(key(KeyKind::kDefinition, descending(version))));
  if (!bytes) return std::optional<Definition>();
  HOLDFAST_ASSIGN(Definition definition, decode_definition(version, *bytes));
  return std::optional(std::move(definition));
}

Status DefinitionRows::write_definition(search::KeyTarget& target,
                                        const Definition& definition) const {
  FieldWriter fields;
  fields.text(kBody, definition.body);
  if (!definition.note.empty()) fields.text(kNote, definition.note);
  if (!definition.by.empty()) fields.text(kDefinedBy, definition.by);
  fields.integer(kCreated, definition.created_us);
  return target.put(key(KeyKind::kDefinition, descending(definition.version)), fields.bytes());
}

Result<std::vector<Definition>> DefinitionRows::definitions(search::KeySource& source,
                                                            uint64_t before, size_t limit) const {
  return numbered_rows<Definition>(
      source, key(KeyKind::kDefinition), before, limit,
      [&](uint64_t version, std::string_view bytes) { return decode_definition(version, bytes); });
}

// --- Publications

Result<std::optional<PublicationRow>> DefinitionRows::publication(search::KeySource& source,
                                                                  uint64_t number) const {
  HOLDFAST_ASSIGN(const auto bytes, source.get(key(KeyKind::kPublication, descending(number))));
  if (!bytes) return std::optional<PublicationRow>();
  HOLDFAST_ASSIGN(PublicationRow row, decode_publication(number, *bytes));
  return std::optional(std::move(row));
}

Status DefinitionRows::write_publication(search::KeyTarget& target,
                                         const PublicationRow& row) const {
  FieldWriter fields;
  fields.number(kVersion, row.publication.version).number(kBefore, row.before);
  if (row.publication.is_rollback) fields.number(kIsRollback, 1);
  if (!row.publication.by.empty()) fields.text(kPublisher, row.publication.by);
  if (!row.publication.note.empty()) fields.text(kReason, row.publication.note);
  fields.integer(kPublishedUs, row.publication.published_us);
  return target.put(key(KeyKind::kPublication, descending(row.publication.number)), fields.bytes());
}

Result<std::vector<PublicationRow>> DefinitionRows::publications(search::KeySource& source,
                                                                 uint64_t before,
                                                                 size_t limit) const {
  return numbered_rows<PublicationRow>(source, key(KeyKind::kPublication), before, limit,
                                       decode_publication);
}

// --- Uses

Status DefinitionRows::count_use(search::KeyTarget& target, uint64_t version) const {
  std::string number;
  append_ordered_u64(number, version);
  return target.add(key(KeyKind::kDefinitionUses, number), 1);
}

Result<std::map<uint64_t, uint64_t>> DefinitionRows::uses(search::KeySource& source) const {
  std::map<uint64_t, uint64_t> uses;
  const std::string prefix = key(KeyKind::kDefinitionUses);
  Status damage;
  HOLDFAST_TRY(
      source.scan(search::prefix_range(prefix), [&](std::string_view at, std::string_view value) {
        at.remove_prefix(prefix.size());
        const auto version = take_ordered_u64(at);
        const auto count = decode_number(value);
        if (!version || !count) damage = damaged_definition();
        if (damage) uses[*version] = static_cast<uint64_t>(*count);
        return damage.is_ok();
      }));
  HOLDFAST_TRY(damage);
  return uses;
}

Status DefinitionRows::erase(search::KeyTarget& target) const {
  std::vector<std::string> keys{key(KeyKind::kRegistryEntry)};
  for (const KeyKind kind :
       {KeyKind::kDefinition, KeyKind::kPublication, KeyKind::kDefinitionUses}) {
    HOLDFAST_TRY(target.scan(search::prefix_range(key(kind)), [&](std::string_view at, auto) {
      keys.emplace_back(at);
      return true;
    }));
  }
  for (const std::string& at : keys) HOLDFAST_TRY(target.del(at));
  return Status::ok();
}

}  // namespace holdfast::memory
