#include <functional>

#include "base/hex.h"
#include "blob/blobs_impl.h"

namespace holdfast::blob {
namespace {

using Visit = std::function<Status(std::string_view key, std::string_view value)>;

Status each(Reader& view, const std::string& prefix, const Visit& visit) {
  Cursor cursor = view.scan(KeyRange::prefix(prefix));
  for (; cursor.valid(); cursor.next()) HOLDFAST_TRY(visit(cursor.key(), cursor.value()));
  return cursor.status();
}

// Reads the whole of a content, which verifies it.
Status read_through(BlobReader& reader) {
  std::string buffer(256u << 10, '\0');
  while (true) {
    HOLDFAST_ASSIGN(const size_t count, reader.read(buffer.data(), buffer.size()));
    if (count == 0) return Status::ok();
  }
}

// Both lists stand in the order of hashes: a merge finds what has no counterpart.
class Checker {
 public:
  Checker(Blobs::Impl& owner, Reader& view, bool contents)
      : owner_(owner), view_(view), contents_(contents) {}

  Result<BlobCheck> run() {
    Cursor references = view_.scan(KeyRange::prefix(references_prefix()));
    HOLDFAST_TRY(each(view_, presence_prefix(), [&](std::string_view key, std::string_view value) {
      return check_presence(key, value, references);
    }));
    for (; references.valid(); references.next()) HOLDFAST_TRY(report_unmatched(references.key()));
    HOLDFAST_TRY(references.status());
    return std::move(report_);
  }

 private:
  void add(const Hash& hash, const std::string& what) {
    report_.problems.push_back("blob " + hex_text({hash.data(), hash.size()}) + ": " + what);
  }

  Status report_unmatched(std::string_view key) {
    HOLDFAST_ASSIGN(const Hash hash, hash_of_reference_key(key));
    add(hash, "it is referenced and not present");
    return Status::ok();
  }

  Status check_presence(std::string_view key, std::string_view value, Cursor& references) {
    HOLDFAST_ASSIGN(const Hash hash, hash_of_presence_key(key));
    HOLDFAST_ASSIGN(const Presence presence, decode_presence(value));
    ++report_.blobs;
    report_.bytes += presence.size;
    const std::string prefix = reference_prefix(hash);
    for (; references.valid() && references.key().substr(0, prefix.size()) < prefix;
         references.next()) {
      HOLDFAST_TRY(report_unmatched(references.key()));
    }
    uint64_t count = 0;
    for (; references.valid() && references.key().starts_with(prefix); references.next()) ++count;
    HOLDFAST_TRY(references.status());
    if (count == 0) add(hash, "it is present and nothing refers to it");
    report_.references += count;
    auto reader = make_reader(owner_, {hash, presence.size}, presence);
    Status status = reader.status();
    if (status && contents_) status = read_through(*reader);
    if (!status) add(hash, status.to_string());
    return Status::ok();
  }

  Blobs::Impl& owner_;
  Reader& view_;
  const bool contents_;
  BlobCheck report_;
};

}  // namespace

Result<std::vector<BlobEntry>> list(Reader& view, const BlobRef* after, size_t limit) {
  std::vector<BlobEntry> entries;
  Cursor cursor = view.scan(KeyRange::prefix(presence_prefix()));
  if (after != nullptr) cursor.seek(presence_key(after->hash) + '\0');
  for (; cursor.valid() && entries.size() < limit; cursor.next()) {
    HOLDFAST_ASSIGN(const Hash hash, hash_of_presence_key(cursor.key()));
    HOLDFAST_ASSIGN(const Presence presence, decode_presence(cursor.value()));
    entries.push_back({{hash, presence.size}, presence.stored_size});
  }
  HOLDFAST_TRY(cursor.status());
  return entries;
}

Result<BlobStats> stats(Reader& view) {
  BlobStats stats;
  HOLDFAST_TRY(
      each(view, presence_prefix(), [&](std::string_view, std::string_view value) -> Status {
        HOLDFAST_ASSIGN(const Presence presence, decode_presence(value));
        ++stats.blobs;
        stats.bytes += presence.size;
        stats.stored_bytes += presence.stored_size;
        return Status::ok();
      }));
  HOLDFAST_TRY(each(view, references_prefix(), [&](std::string_view, std::string_view) {
    ++stats.references;
    return Status::ok();
  }));
  HOLDFAST_TRY(each(view, marks_prefix(), [&](std::string_view, std::string_view value) -> Status {
    HOLDFAST_ASSIGN(const Mark mark, decode_mark(value));
    ++stats.dead_blobs;
    stats.dead_bytes += mark.stored_size;
    return Status::ok();
  }));
  return stats;
}

Result<BlobCheck> check(Blobs::Impl& owner, Reader& view, bool contents) {
  return Checker(owner, view, contents).run();
}

}  // namespace holdfast::blob
