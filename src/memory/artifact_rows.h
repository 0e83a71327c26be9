// The keys and rows of artifacts.
//
// | key (n: name as an ordered string)  | value                                                  |
// |-------------------------------------|--------------------------------------------------------|
// | 08 60 space name                    | artifact: next and latest number, count, times, access |
// | 08 61 space n ~version:u64          | version: id, content, media type, metadata, who, when  |
// | 08 62 space n version:u64           | its blob: hash:32, varint size; only of a large one    |
// | 08 63 space hash:32                 | a small content                                        |
// | 08 64 space hash:32 n version:u64   | empty: this version has that content                   |
// | 08 65 space n alias                 | number: the version it names                           |
// | 08 66 space n version:u64 key:32    | signature                                              |
// | 08 67 space label:u64 n version:u64 | index by media type and metadata: empty                |
// | 08 68 space id:16                   | n version:u64                                          |
//
// Who: artifact*.cc; spaces.cc knows that kArtifactBlob refers to blobs. Thread-safety: that of the
//   given source or target.
// Invariants:
//   1. Every version has a content: in 08 63, or a blob under 08 62; a content has a reference.
//   2. The numbers of a name are less than `next`; `latest` is the greatest that is there.
//   3. What belongs to a version goes with it, in one commit.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid.h"
#include "holdfast/artifact.h"
#include "memory/access.h"
#include "memory/keys.h"
#include "search/keyspace.h"

namespace holdfast::memory {

// One version by its number.
struct VersionName {
  std::string name;
  uint64_t version = 0;
};

struct ArtifactHead {
  uint64_t next = 1;
  uint64_t latest = 0;
  uint64_t count = 0;
  int64_t created_us = 0;
  int64_t archived_us = 0;
  std::map<std::string, ArtifactRight> access = {};
};

// Types of links.
constexpr std::string_view kLinkDerived = "derived from";
constexpr std::string_view kLinkMadeBy = "made by";
constexpr std::string_view kLinkUses = "uses";

class ArtifactRows {
 public:
  ArtifactRows(Access& access, uint32_t space_id) : access_(access), space_id_(space_id) {}

  Result<std::optional<ArtifactHead>> head(search::KeySource& source, std::string_view name) const;
  Status write_head(search::KeyTarget& target, std::string_view name,
                    const ArtifactHead& head) const;
  // Heads in order of their names, until `visit` returns false.
  using VisitHead = std::function<bool(std::string&& name, ArtifactHead&& head)>;
  Status heads(search::KeySource& source, std::string_view prefix, std::string_view after,
               const VisitHead& visit) const;

  Result<std::optional<ArtifactVersion>> version(search::KeySource& source,
                                                 const VersionName& name) const;
  // Those of a name with numbers below `before`, newest first.
  Result<std::vector<ArtifactVersion>> versions(search::KeySource& source, std::string_view name,
                                                uint64_t before, size_t limit) const;
  // The version with its content, its index entries and its id. What it is linked to is not its
  // business.
  Status add(search::KeyTarget& target, const ArtifactVersion& version,
             const ArtifactContent& content) const;
  // All that belongs to it, links included; the head and the aliases are not its business.
  Status erase(search::KeyTarget& target, const ArtifactVersion& version) const;
  Status erase_head(search::KeyTarget& target, std::string_view name) const;
  Result<std::optional<VersionName>> find_id(search::KeySource& source, const Uuid& id) const;
  Result<ArtifactReader> open(search::KeySource& source, const ArtifactVersion& version) const;

  Result<std::optional<uint64_t>> alias(search::KeySource& source, std::string_view name,
                                        std::string_view alias) const;
  Result<std::map<std::string, uint64_t, std::less<>>> aliases(search::KeySource& source,
                                                               std::string_view name) const;
  Status write_alias(search::KeyTarget& target, std::string_view name, std::string_view alias,
                     uint64_t version) const;
  Status erase_alias(search::KeyTarget& target, std::string_view name,
                     std::string_view alias) const;

  Result<std::vector<ArtifactSignature>> signatures(search::KeySource& source,
                                                    const VersionName& name) const;
  Status write_signature(search::KeyTarget& target, const VersionName& name,
                         const ArtifactSignature& signature) const;

  // Where the entries of an index, or the references to a content, stand.
  std::string media_prefix(std::string_view media_type) const;
  std::string member_prefix(const std::pair<const std::string, std::string>& member) const;
  std::string reference_prefix(const BlobRef& content) const;
  // What stands behind such a prefix.
  static std::string suffix(const VersionName& name);
  static Result<VersionName> parse_suffix(std::string_view suffix);

 private:
  std::string version_key(const VersionName& name) const;
  std::string key(KeyKind kind, const VersionName& name) const {
    return space_key(kind, space_id_, suffix(name));
  }
  std::vector<std::string> index_keys(const ArtifactVersion& version) const;
  Status add_content(search::KeyTarget& target, const VersionName& name,
                     const ArtifactContent& content) const;
  Status drop_content(search::KeyTarget& target, const VersionName& name,
                      const BlobRef& content) const;

  Access& access_;
  uint32_t space_id_;
};

}  // namespace holdfast::memory
