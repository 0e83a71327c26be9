// Registry: what agents are run by, such as agents, tools and templates: named definitions with
// versions, of which one is published.
//
//   space.registry().put({.kind = "agent", .name = "reviewer", .body = "You review ..."});
//   space.registry().publish("agent", "reviewer", 1);
//   Definition definition = *space.registry().take("agent", "reviewer");   // and counts the use
//
// Putting makes a version: 1, 2, 3 and so on. It is a draft until it is published; who asks without
// a number gets the published one, at every moment exactly one or none. Rolling back publishes what
// was published before, and again what was before that. Every publication is kept, with who made
// it.
//
// Uses are counted by version, by counters that conflict with nobody.
//
// Thread-safety and errors: as of Kv (holdfast/kv.h). NotFound names what is not there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "holdfast/status.h"

namespace holdfast {

namespace memory {
class Access;
}

constexpr size_t kDefinitionKindSizeMax = 100;  // bytes of UTF-8 without a zero byte, at least 1
constexpr size_t kDefinitionNameSizeMax = 300;  // the same
constexpr size_t kDefinitionBodySizeMax = 256 << 10;  // bytes of UTF-8, at least 1
constexpr size_t kDefinitionNoteSizeMax = 4096;       // bytes of UTF-8; so is `by`
constexpr size_t kRegistryListMax = 10'000;           // entries of one page

struct NewDefinition {
  std::string kind = {};  // "agent", "tool", "template", or what a program calls it
  std::string name = {};
  std::string body = {};  // a prompt, a schema, JSON: the registry has no opinion
  std::string note = {};  // what is new
  std::string by = {};    // who wrote it
  // Only if the latest version has this number; 0: only if there is none.
  std::optional<uint64_t> if_latest = {};
  bool publish = false;  // in the same commit
};

struct Definition {
  std::string kind = {};
  std::string name = {};
  uint64_t version = 0;
  std::string body = {};
  std::string note = {};
  std::string by = {};
  int64_t created_us = 0;  // since 1970, UTC
  bool is_published = false;
};

// One kind and name.
struct RegistryEntry {
  std::string kind = {};
  std::string name = {};
  uint64_t latest = 0;
  uint64_t published = 0;  // 0: none is
  uint64_t publications = 0;
  int64_t created_us = 0;
  int64_t changed_us = 0;
};

struct Publication {
  uint64_t number = 0;  // 1, 2, 3 and so on
  uint64_t version = 0;
  bool is_rollback = false;
  std::string by = {};
  std::string note = {};
  int64_t published_us = 0;
};

struct RegistryListOptions {
  std::string kind = {};    // only of this kind; empty: all
  std::string prefix = {};  // of `kind`: only names that begin so
  // Kind and name of the last of the page before.
  std::optional<std::pair<std::string, std::string>> after = {};
  size_t limit = 1000;  // 1 to kRegistryListMax
};

struct PublishOptions {
  std::string by = {};
  std::string note = {};
  // Only if this version is published now; 0: only if none is.
  std::optional<uint64_t> if_published = {};
};

class Registry {
 public:
  explicit Registry(std::shared_ptr<memory::Access> access);  // see Space::registry

  // Adds a version. Errors: InvalidArgument, TooLarge, ConditionFalse (if_latest).
  Result<Definition> put(const NewDefinition& definition) const;

  // The published version. Errors: NotFound (there is none, or none is published).
  Result<Definition> get(std::string_view kind, std::string_view name) const;
  // That version, published or not.
  Result<Definition> get(std::string_view kind, std::string_view name, uint64_t version) const;
  // The published version, of which a use is counted: to run by it.
  Result<Definition> take(std::string_view kind, std::string_view name) const;
  // Counts a use of a version that somebody has in hand.
  Status count_use(std::string_view kind, std::string_view name, uint64_t version) const;
  // Uses by version; those without any are left out.
  Result<std::map<uint64_t, uint64_t>> uses(std::string_view kind, std::string_view name) const;

  Result<RegistryEntry> find(std::string_view kind, std::string_view name) const;
  // By kind and name. Errors: InvalidArgument (limit; a prefix without a kind).
  Result<std::vector<RegistryEntry>> list(const RegistryListOptions& options = {}) const;
  // Newest first, below `before`.
  Result<std::vector<Definition>> versions(std::string_view kind, std::string_view name,
                                           size_t limit = 1000, uint64_t before = UINT64_MAX) const;
  Result<std::vector<Publication>> publications(std::string_view kind, std::string_view name,
                                                size_t limit = 1000,
                                                uint64_t before = UINT64_MAX) const;

  // Errors: ConditionFalse (it is published already; if_published).
  Result<Publication> publish(std::string_view kind, std::string_view name, uint64_t version,
                              const PublishOptions& options = {}) const;
  // Errors: ConditionFalse (nothing was published before; if_published).
  Result<Publication> rollback(std::string_view kind, std::string_view name,
                               const PublishOptions& options = {}) const;
  // Nothing is published from then on; rolling back publishes what was. Errors: NotFound (nothing
  // is).
  Status unpublish(std::string_view kind, std::string_view name) const;

  // With all versions, publications and counts. Errors: TooLarge (over 10,000 of them).
  Status remove(std::string_view kind, std::string_view name) const;

 private:
  std::shared_ptr<memory::Access> access_;
};

}  // namespace holdfast
