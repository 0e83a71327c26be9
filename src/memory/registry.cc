#include "holdfast/registry.h"

#include "memory/access.h"
#include "memory/registry_rows.h"
#include "memory/text_check.h"

namespace holdfast {
namespace {

using memory::DefinitionRows;
using memory::EntryRow;
using memory::PublicationRow;

constexpr uint64_t kRemovedMax = 10'000;  // versions and publications of one commit

std::string shown(std::string_view kind, std::string_view name) {
  return std::string(kind) + " " + std::string(name);
}

Status check_definition_name(std::string_view kind, std::string_view name) {
  HOLDFAST_TRY(memory::check_plain_name("the kind", kind, kDefinitionKindSizeMax));
  return memory::check_plain_name("the name", name, kDefinitionNameSizeMax);
}

Status check_notes(std::string_view by, std::string_view note) {
  HOLDFAST_TRY(memory::check_text("by", by, kDefinitionNoteSizeMax));
  return memory::check_text("the note", note, kDefinitionNoteSizeMax);
}

Status check_definition(const NewDefinition& definition) {
  HOLDFAST_TRY(check_definition_name(definition.kind, definition.name));
  HOLDFAST_TRY(memory::check_name("the body", definition.body, kDefinitionBodySizeMax,
                                  "put the rest into an artifact and name it"));
  return check_notes(definition.by, definition.note);
}

Status no_entry(std::string_view kind, std::string_view name) {
  return Status(StatusCode::kNotFound, "there is no " + shown(kind, name) + " in the registry");
}

Status no_version(std::string_view kind, std::string_view name, uint64_t version) {
  return Status(StatusCode::kNotFound, shown(kind, name) + " has no version " +
                                           std::to_string(version) +
                                           "; see which it has: `holdfast registry versions`");
}

Status none_published(std::string_view kind, std::string_view name) {
  return Status(StatusCode::kNotFound,
                "no version of " + shown(kind, name) + " is published; publish one");
}

Status refused(std::string message) {
  return Status(StatusCode::kConditionFalse, std::move(message));
}

Status check_published(const EntryRow& row, const PublishOptions& options) {
  if (!options.if_published || *options.if_published == row.entry.published) return Status::ok();
  return refused(shown(row.entry.kind, row.entry.name) + " has version " +
                 std::to_string(row.entry.published) + " published, not " +
                 std::to_string(*options.if_published) + "; look at it and decide anew")
      .with_version(row.entry.published);
}

Result<EntryRow> require(const DefinitionRows& rows, search::KeySource& source,
                         std::string_view kind, std::string_view name) {
  HOLDFAST_ASSIGN(auto row, rows.entry(source));
  if (!row) return no_entry(kind, name);
  return std::move(*row);
}

// Runs `work` on the rows of one definition in a space that is there; else NotFound.
template <typename Work>
Status read_rows(memory::Access& access, std::string_view kind, std::string_view name,
                 const Work& work) {
  bool found_space = false;
  HOLDFAST_TRY(check_definition_name(kind, name));
  HOLDFAST_TRY(access.read([&](search::KeySource& source, uint32_t space_id) -> Status {
    found_space = true;
    return work(source, DefinitionRows(space_id, kind, name));
  }));
  return found_space ? Status::ok() : no_entry(kind, name);
}
template <typename Work>
Status change_rows(memory::Access& access, std::string_view kind, std::string_view name,
                   const Work& work) {
  bool found_space = false;
  HOLDFAST_TRY(check_definition_name(kind, name));
  HOLDFAST_TRY(access.write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    found_space = true;
    return work(target, DefinitionRows(space_id, kind, name));
  }));
  return found_space ? Status::ok() : no_entry(kind, name);
}

// Makes `version` the published one.
Status add_publication(const DefinitionRows& rows, search::KeyTarget& target, EntryRow& row,
                       PublicationRow& added, int64_t now_us) {
  added.publication.number = ++row.entry.publications;
  added.publication.published_us = now_us;
  row.current = added.publication.number;
  row.entry.published = added.publication.version;
  row.entry.changed_us = now_us;
  HOLDFAST_TRY(rows.write_publication(target, added));
  return rows.write_entry(target, row);
}

}  // namespace

Registry::Registry(std::shared_ptr<memory::Access> access) : access_(std::move(access)) {}

// --- Definitions

Result<Definition> Registry::put(const NewDefinition& definition) const {
  HOLDFAST_TRY(check_definition(definition));
  const int64_t now_us = access_->now_us();
  Definition added;
  HOLDFAST_TRY(access_->write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    const DefinitionRows rows(space_id, definition.kind, definition.name);
    HOLDFAST_ASSIGN(const auto there, rows.entry(target));
    EntryRow row = there.value_or(EntryRow());
    if (definition.if_latest && *definition.if_latest != row.entry.latest) {
      return refused("the latest version of " + shown(definition.kind, definition.name) + " is " +
                     std::to_string(row.entry.latest) + ", not " +
                     std::to_string(*definition.if_latest) + "; look at it and decide anew")
          .with_version(row.entry.latest);
    }
    if (!there) row.entry.created_us = now_us;
    row.entry.changed_us = now_us;
    added = {definition.kind, definition.name, ++row.entry.latest, definition.body, definition.note,
             definition.by,   now_us,          definition.publish};
    HOLDFAST_TRY(rows.write_definition(target, added));
    if (!definition.publish) return rows.write_entry(target, row);
    PublicationRow published;
    published.publication.version = added.version;
    published.publication.by = definition.by;
    published.publication.note = definition.note;
    published.before = row.current;
    return add_publication(rows, target, row, published, now_us);
  }));
  return added;
}

Result<Definition> Registry::get(std::string_view kind, std::string_view name) const {
  Definition found;
  HOLDFAST_TRY(read_rows(
      *access_, kind, name, [&](search::KeySource& source, const DefinitionRows& rows) -> Status {
        HOLDFAST_ASSIGN(const EntryRow row, require(rows, source, kind, name));
        if (row.entry.published == 0) return none_published(kind, name);
        HOLDFAST_ASSIGN(auto definition, rows.definition(source, row.entry.published));
        if (!definition) return no_version(kind, name, row.entry.published);
        found = std::move(*definition);
        found.is_published = true;
        return Status::ok();
      }));
  return found;
}

Result<Definition> Registry::get(std::string_view kind, std::string_view name,
                                 uint64_t version) const {
  Definition found;
  HOLDFAST_TRY(read_rows(*access_, kind, name,
                         [&](search::KeySource& source, const DefinitionRows& rows) -> Status {
                           HOLDFAST_ASSIGN(const EntryRow row, require(rows, source, kind, name));
                           HOLDFAST_ASSIGN(auto definition, rows.definition(source, version));
                           if (!definition) return no_version(kind, name, version);
                           found = std::move(*definition);
                           found.is_published = row.entry.published == version;
                           return Status::ok();
                         }));
  return found;
}

// Which version is published is only looked at, so that uses do not conflict with publications; the
// definition is read, so that no use is counted of what is removed.
Result<Definition> Registry::take(std::string_view kind, std::string_view name) const {
  Definition found;
  HOLDFAST_TRY(change_rows(*access_, kind, name,
                           [&](search::KeyTarget& target, const DefinitionRows& rows) -> Status {
                             HOLDFAST_ASSIGN(const auto row, rows.peek_entry(target));
                             if (!row) return no_entry(kind, name);
                             const uint64_t version = row->entry.published;
                             if (version == 0) return none_published(kind, name);
                             HOLDFAST_ASSIGN(auto definition, rows.definition(target, version));
                             if (!definition) return no_version(kind, name, version);
                             found = std::move(*definition);
                             found.is_published = true;
                             return rows.count_use(target, version);
                           }));
  return found;
}

Status Registry::count_use(std::string_view kind, std::string_view name, uint64_t version) const {
  return change_rows(*access_, kind, name,
                     [&](search::KeyTarget& target, const DefinitionRows& rows) -> Status {
                       HOLDFAST_ASSIGN(const auto there, rows.definition(target, version));
                       if (!there) return no_version(kind, name, version);
                       return rows.count_use(target, version);
                     });
}

Result<std::map<uint64_t, uint64_t>> Registry::uses(std::string_view kind,
                                                    std::string_view name) const {
  std::map<uint64_t, uint64_t> uses;
  HOLDFAST_TRY(read_rows(*access_, kind, name,
                         [&](search::KeySource& source, const DefinitionRows& rows) -> Status {
                           HOLDFAST_TRY(require(rows, source, kind, name).status());
                           HOLDFAST_ASSIGN(uses, rows.uses(source));
                           return Status::ok();
                         }));
  return uses;
}

// --- Looking around

Result<RegistryEntry> Registry::find(std::string_view kind, std::string_view name) const {
  RegistryEntry found;
  HOLDFAST_TRY(read_rows(*access_, kind, name,
                         [&](search::KeySource& source, const DefinitionRows& rows) -> Status {
                           HOLDFAST_ASSIGN(const EntryRow row, require(rows, source, kind, name));
                           found = row.entry;
                           return Status::ok();
                         }));
  return found;
}

Result<std::vector<RegistryEntry>> Registry::list(const RegistryListOptions& options) const {
  HOLDFAST_TRY(memory::check_limit(options.limit, kRegistryListMax));
  if (options.kind.empty() && !options.prefix.empty()) {
    return Status(StatusCode::kInvalidArgument, "a prefix of names needs the kind they are of");
  }
  std::vector<RegistryEntry> entries;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    entries.clear();
    return memory::visit_entries(source, space_id, options, [&](RegistryEntry&& entry) {
      entries.push_back(std::move(entry));
      return entries.size() < options.limit;
    });
  }));
  return entries;
}

Result<std::vector<Definition>> Registry::versions(std::string_view kind, std::string_view name,
                                                   size_t limit, uint64_t before) const {
  HOLDFAST_TRY(memory::check_limit(limit, kRegistryListMax));
  std::vector<Definition> definitions;
  HOLDFAST_TRY(read_rows(*access_, kind, name,
                         [&](search::KeySource& source, const DefinitionRows& rows) -> Status {
                           HOLDFAST_ASSIGN(const EntryRow row, require(rows, source, kind, name));
                           HOLDFAST_ASSIGN(definitions, rows.definitions(source, before, limit));
                           for (Definition& definition : definitions) {
                             definition.is_published = definition.version == row.entry.published;
                           }
                           return Status::ok();
                         }));
  return definitions;
}

Result<std::vector<Publication>> Registry::publications(std::string_view kind,
                                                        std::string_view name, size_t limit,
                                                        uint64_t before) const {
  HOLDFAST_TRY(memory::check_limit(limit, kRegistryListMax));
  std::vector<Publication> publications;
  HOLDFAST_TRY(read_rows(
      *access_, kind, name, [&](search::KeySource& source, const DefinitionRows& rows) -> Status {
        HOLDFAST_TRY(require(rows, source, kind, name).status());
        HOLDFAST_ASSIGN(const auto found, rows.publications(source, before, limit));
        publications.clear();
        for (const PublicationRow& row : found) {
          publications.push_back(row.publication);
        }
        return Status::ok();
      }));
  return publications;
}

// --- Publishing

Result<Publication> Registry::publish(std::string_view kind, std::string_view name,
                                      uint64_t version, const PublishOptions& options) const {
  HOLDFAST_TRY(check_notes(options.by, options.note));
  const int64_t now_us = access_->now_us();
  PublicationRow added;
  HOLDFAST_TRY(change_rows(*access_, kind, name,
                           [&](search::KeyTarget& target, const DefinitionRows& rows) -> Status {
                             HOLDFAST_ASSIGN(EntryRow row, require(rows, target, kind, name));
                             HOLDFAST_TRY(check_published(row, options));
                             HOLDFAST_ASSIGN(const auto there, rows.definition(target, version));
                             if (!there) return no_version(kind, name, version);
                             if (row.entry.published == version) {
                               return refused("version " + std::to_string(version) + " of " +
                                              shown(kind, name) + " is published already");
                             }
                             added = {};
                             added.publication.version = version;
                             added.publication.by = options.by;
                             added.publication.note = options.note;
                             added.before = row.current;
                             return add_publication(rows, target, row, added, now_us);
                           }));
  return added.publication;
}

Result<Publication> Registry::rollback(std::string_view kind, std::string_view name,
                                       const PublishOptions& options) const {
  HOLDFAST_TRY(check_notes(options.by, options.note));
  const int64_t now_us = access_->now_us();
  PublicationRow added;
  HOLDFAST_TRY(change_rows(
      *access_, kind, name, [&](search::KeyTarget& target, const DefinitionRows& rows) -> Status {
        HOLDFAST_ASSIGN(EntryRow row, require(rows, target, kind, name));
        HOLDFAST_TRY(check_published(row, options));
        HOLDFAST_ASSIGN(const auto current, rows.publication(target, row.current));
        // Where nothing is published any more, what last was is what was before.
        uint64_t number = row.current;
        if (row.entry.published != 0) number = current ? current->before : 0;
        HOLDFAST_ASSIGN(const auto before, rows.publication(target, number));
        if (!before) {
          return refused("nothing of " + shown(kind, name) + " was published before this");
        }
        added = {};
        added.publication.version = before->publication.version;
        added.publication.is_rollback = true;
        added.publication.by = options.by;
        added.publication.note = options.note;
        added.before = before->before;
        return add_publication(rows, target, row, added, now_us);
      }));
  return added.publication;
}

Status Registry::unpublish(std::string_view kind, std::string_view name) const {
  const int64_t now_us = access_->now_us();
  return change_rows(*access_, kind, name,
                     [&](search::KeyTarget& target, const DefinitionRows& rows) -> Status {
                       HOLDFAST_ASSIGN(EntryRow row, require(rows, target, kind, name));
                       if (row.entry.published == 0) return none_published(kind, name);
                       row.entry.published = 0;
                       row.entry.changed_us = now_us;
                       return rows.write_entry(target, row);
                     });
}

Status Registry::remove(std::string_view kind, std::string_view name) const {
  return change_rows(
      *access_, kind, name, [&](search::KeyTarget& target, const DefinitionRows& rows) -> Status {
        HOLDFAST_ASSIGN(const EntryRow row, require(rows, target, kind, name));
        if (row.entry.latest + row.entry.publications > kRemovedMax) {
          return Status(StatusCode::kTooLarge, shown(kind, name) +
                                                   " has too many versions for one commit;"
                                                   " remove the space it is in");
        }
        return rows.erase(target);
      });
}

}  // namespace holdfast
