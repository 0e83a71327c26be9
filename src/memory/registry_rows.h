// The keys and rows of a registry.
//
// | key (d: kind and name as ordered strings) | value                                            |
// |-------------------------------------------|--------------------------------------------------|
// | 08 70 space d                             | entry: latest, published, publications, times    |
// | 08 71 space d ~version:u64                | definition: body, note, by, when                 |
// | 08 72 space d ~publication:u64            | publication: version, the one before, by, when   |
// | 08 73 space d version:u64                 | number: uses                                     |
//
// Who: registry.cc. Thread-safety: that of the given source or target.
// Invariants:
//   1. Versions and publications are numbered from 1 without gaps.
//   2. The version that an entry says is published is that of its current publication, or 0.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/registry.h"
#include "memory/keys.h"
#include "search/keyspace.h"

namespace holdfast::memory {

struct EntryRow {
  RegistryEntry entry;
  uint64_t current = 0;  // publication; 0: none
};

struct PublicationRow {
  Publication publication;
  uint64_t before = 0;  // the publication that a rollback of this one goes to; 0: none
};

// One kind and name.
class DefinitionRows {
 public:
  DefinitionRows(uint32_t space_id, std::string_view kind, std::string_view name);

  Result<std::optional<EntryRow>> entry(search::KeySource& source) const;
  // The same, without being remembered: which version to look at.
  Result<std::optional<EntryRow>> peek_entry(search::KeySource& source) const;
  Status write_entry(search::KeyTarget& target, const EntryRow& row) const;

  Result<std::optional<Definition>> definition(search::KeySource& source, uint64_t version) const;
  Status write_definition(search::KeyTarget& target, const Definition& definition) const;
  Result<std::vector<Definition>> definitions(search::KeySource& source, uint64_t before,
                                              size_t limit) const;

  Result<std::optional<PublicationRow>> publication(search::KeySource& source,
                                                    uint64_t number) const;
  Status write_publication(search::KeyTarget& target, const PublicationRow& row) const;
  Result<std::vector<PublicationRow>> publications(search::KeySource& source, uint64_t before,
                                                   size_t limit) const;

  Status count_use(search::KeyTarget& target, uint64_t version) const;
  Result<std::map<uint64_t, uint64_t>> uses(search::KeySource& source) const;

  // All of it.
  Status erase(search::KeyTarget& target) const;

 private:
  std::string key(KeyKind kind, std::string_view rest = {}) const;
  Result<std::optional<EntryRow>> decode_entry(const std::optional<std::string>& bytes) const;
  Result<Definition> decode_definition(uint64_t version, std::string_view bytes) const;

  uint32_t space_id_;
  std::string kind_;
  std::string name_;
  std::string ordered_;
};

// Entries of a space in order, those of one kind whose names begin so, or all; behind `after`.
using VisitEntry = std::function<bool(RegistryEntry&& entry)>;
Status visit_entries(search::KeySource& source, uint32_t space_id,
                     const RegistryListOptions& options, const VisitEntry& visit);

}  // namespace holdfast::memory
