#include "torture/claim_log.h"

#include <algorithm>

#include "base/coding.h"

namespace holdfast::torture {
namespace {

std::string prefix_of(uint32_t resource) {
  return "q/" + std::to_string(resource) + "/";
}

uint64_t stamp_of(std::string_view bytes) {
  uint64_t version = 0;
  for (const char byte : bytes) version = version << 8 | static_cast<uint8_t>(byte);
  return version;
}

std::string encode(const ClaimEntry& entry) {
  std::string row;
  for (const uint64_t field : {uint64_t{entry.taken}, static_cast<uint64_t>(entry.mode),
                               uint64_t{entry.worker}, entry.number, entry.token}) {
    append_varint(row, field);
  }
  return row;
}

std::optional<ClaimEntry> decode(std::string_view row) {
  uint64_t fields[5] = {};
  for (uint64_t& field : fields) {
    const auto taken = take_varint(row);
    if (!taken) return std::nullopt;
    field = *taken;
  }
  if (!row.empty() || fields[0] > 1 || fields[1] > 1) return std::nullopt;
  return ClaimEntry{fields[0] == 1, static_cast<ClaimMode>(fields[1]),
                    static_cast<uint32_t>(fields[2]), fields[3], fields[4]};
}

std::string text_of(const LoggedClaim& row) {
  return "version " + std::to_string(row.version) + ": claimant " +
         std::to_string(row.entry->worker) + ", operation " + std::to_string(row.entry->number) +
         (row.entry->taken ? ", took " : ", wrote under ") +
         (row.entry->mode == ClaimMode::shared ? "the shared token " : "token ") +
         std::to_string(row.entry->token);
}

}  // namespace

std::string resource_name(uint32_t resource) {
  return "resource " + std::to_string(resource);
}

Status log_claim(Transaction& transaction, uint32_t resource, const ClaimEntry& entry) {
  return transaction.put_stamped(prefix_of(resource), "", encode(entry));
}

Result<std::vector<LoggedClaim>> read_claim_log(Reader& reader, uint32_t resource) {
  const std::string prefix = prefix_of(resource);
  std::vector<LoggedClaim> log;
  Cursor cursor = reader.scan(KeyRange::prefix(prefix));
  for (; cursor.valid(); cursor.next()) {
    log.push_back({stamp_of(cursor.key().substr(prefix.size())), decode(cursor.value())});
  }
  HOLDFAST_TRY(Status(cursor.status()));
  return log;
}

std::vector<std::string> find_two_holders(const std::vector<LoggedClaim>& log) {
  std::vector<std::string> found;
  uint64_t newest = 0;            // token that was taken
  uint64_t newest_exclusive = 0;  // the same, of those that let nobody beside them
  for (const LoggedClaim& row : log) {
    if (!row.entry) continue;
    const bool shared = row.entry->mode == ClaimMode::shared;
    const uint64_t token = row.entry->token;
    const bool right = row.entry->taken ? token > newest
                       : shared         ? token > newest_exclusive && token <= newest
                                        : token == newest && token == newest_exclusive;
    if (!right) found.push_back(text_of(row) + ", behind token " + std::to_string(newest));
    if (!row.entry->taken) continue;
    newest = std::max(newest, token);
    if (!shared) newest_exclusive = std::max(newest_exclusive, token);
  }
  return found;
}

}  // namespace holdfast::torture
