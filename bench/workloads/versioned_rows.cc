#include "bench/workloads/versioned_rows.h"

namespace holdfast::bench {

void VersionedRows::overwrite(Session& session, Board& board, WorkerSlot& slot, uint64_t i) {
  const uint32_t version = versions_[i].acknowledged + 1;
  const Key name = key(i);
  const Value<kValueSize> next = value(i, version);
  versions_[i].begun = version;
  timed(board, slot, [&] { session.put(name.view(), next.view()); });
  versions_[i].acknowledged = version;
}

void VersionedRows::get(Session& session, Board& board, WorkerSlot& slot, uint64_t i,
                        std::string& read) const {
  const Key name = key(i);
  const uint32_t earliest = versions_[i].acknowledged;
  bool found = false;
  timed(board, slot, [&] { found = session.get(name.view(), read); });
  const uint32_t latest = versions_[i].begun;
  require(found, "a get found nothing");
  for (uint32_t version = earliest; version <= latest; ++version) {
    if (read == value(i, version).view()) return;
  }
  fail("a get returned something else");
}

void VersionedRows::verify(Session& session, bool all, Verdict& verdict) {
  std::string read;
  // Whoever was killed may have left a commit that others see from the next commit on, or the next
  // sync: let that be now. Nothing is changed by it.
  require(session.get(key(0).view(), read), "the first row is not there");
  session.put(key(0).view(), read);
  for (uint64_t i = 0; i < size(); ++i) {
    if (!all && begun(i) == 0) continue;
    ++verdict.checked;
    if (!session.get(key(i).view(), read)) {
      ++verdict.lost;
      continue;
    }
    uint32_t version = acknowledged(i);
    while (version <= begun(i) && read != value(i, version).view()) ++version;
    if (version > begun(i)) {
      ++verdict.wrong;
      continue;
    }
    versions_[i].begun = version;
    versions_[i].acknowledged = version;
  }
  const size_t rows = session.scan("", ~size_t{0}).rows;
  if (rows > size()) verdict.ghosts += rows - size();
  if (rows < size()) verdict.lost += size() - rows;
}

}  // namespace holdfast::bench
