#include "ingest/file_ingester.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/utf8.h"
#include "cli/digest.h"
#include "ingest/git_history.h"
#include "process/child.h"

namespace holdfast::ingest {
namespace {

using Json = nlohmann::json;

constexpr size_t kBatchSections = 64;
constexpr size_t kBatchBytes = 256 * 1024;
constexpr size_t kTitleBytesMax = 300;
// Far below what one transaction may write; each takes several rows with it.
constexpr size_t kRemovedAtOnce = 1'000;

// How many of `observations` make the next commit.
size_t batch_size(std::span<const NewObservation> observations) {
  size_t bytes = 0;
  size_t count = 0;
  while (count < observations.size() && count < kBatchSections) {
    bytes += observations[count].content.size();
    if (count > 0 && bytes > kBatchBytes) break;
    ++count;
  }
  return count;
}

// Those of `before` that are not among `now`.
std::vector<std::string> outdated_of(const std::vector<std::string>& before,
                                     const std::vector<std::string>& now) {
  const std::set<std::string> kept(now.begin(), now.end());
  std::vector<std::string> outdated;
  for (const std::string& id : before) {
    if (!kept.contains(id)) outdated.push_back(id);
  }
  return outdated;
}

// Removes those that are still there; how many.
Result<uint64_t> remove_all(const Observations& observations, std::span<const std::string> ids) {
  uint64_t removed = 0;
  for (const std::string& id : ids) {
    const Status status = observations.remove(id);
    if (!status && status.code() != StatusCode::kNotFound) return status;
    removed += status ? 1 : 0;
  }
  return removed;
}

// A note names every section of its file: beyond some 27,000 of them it is a large value. `space`
// is no transaction's, `kv` may be.
Status put_note(const Space& space, const Kv& kv, const std::string& key, const std::string& text) {
  if (text.size() <= kKvValueSizeMax) return kv.put(key, text);
  HOLDFAST_ASSIGN(BlobWriter writer, space.kv().write());
  HOLDFAST_TRY(writer.append(text));
  HOLDFAST_ASSIGN(const NewBlob blob, writer.finish());
  return kv.put(key, blob);
}

// Empty: there is none.
Result<std::string> get_note(const Kv& kv, const std::string& key) {
  HOLDFAST_ASSIGN(auto reader, kv.open(key));
  std::string text(reader ? reader->size() : 0, '\0');
  for (size_t filled = 0; filled < text.size();) {
    HOLDFAST_ASSIGN(const size_t count, reader->read(text.data() + filled, text.size() - filled));
    if (count == 0) break;
    filled += count;
  }
  return text;
}

}  // namespace

// What is known of a file; the ids of its sections, so that a change can remove the old ones.
struct FileIngester::Note {
  std::string path;
  uint64_t size_bytes = 0;
  int64_t modified_ns = 0;
  std::string digest;
  std::vector<std::string> ids_before;
  std::vector<std::string> ids;

  std::string text() const {
    return Json{{"path", path},
                {"size", size_bytes},
                {"modified_ns", modified_ns},
                {"digest", digest},
                {"ids", ids}}
        .dump();
  }
};

Status FileIngester::ingest_commits(const InputFile& piece) {
  cli::Digest digest;
  digest.add(piece.path);
  for (const std::string& hash : piece.commits) digest.add(hash);
  const std::string note_key = "git/" + digest.text();
  HOLDFAST_ASSIGN(Note note, read_note(note_key));
  if (!note.digest.empty()) {
    progress_.files_unchanged.fetch_add(1);
    progress_.sections_existing.fetch_add(note.ids.size());
    return Status::ok();
  }
  HOLDFAST_ASSIGN(const auto commits, read_commits(piece.path, piece.commits));
  std::vector<NewObservation> observations;
  for (const Commit& commit : commits) observations.push_back(observation_of(commit));
  note.path = piece.path;
  note.digest = digest.text();
  HOLDFAST_TRY(store_observations(observations, note_key, note));
  progress_.files_read.fetch_add(1);
  return Status::ok();
}

Status FileIngester::ingest(const InputFile& file) {
  if (!file.commits.empty()) return ingest_commits(file);
  if (!utf8_valid(file.path) || file.path.size() > kLabelSizeMax) {
    return skip(file, documents::Skip::kEncoding);
  }
  const std::string note_key = "file/" + cli::digest_text(file.path);
  HOLDFAST_ASSIGN(Note note, read_note(note_key));
  bool same_file = note.size_bytes == file.size_bytes && note.modified_ns == file.modified_ns;
  if (!note.digest.empty() && same_file) {
    progress_.files_unchanged.fetch_add(1);
    progress_.sections_existing.fetch_add(note.ids.size());
    return Status::ok();
  }
  auto bytes = documents::load_file(file.path);
  if (!bytes) {
    if (bytes.status().code() == StatusCode::kTooLarge)
      return skip(file, documents::Skip::kTooLarge);
    progress_.files_unreadable.fetch_add(1);
    progress_.remark("unreadable: " + bytes.status().to_string());
    return Status::ok();
  }
  std::string digest = cli::digest_text(*bytes);
  if (digest == note.digest) {
    progress_.files_unchanged.fetch_add(1);
    progress_.sections_existing.fetch_add(note.ids.size());
    return Status::ok();
  }
  documents::ReadOutcome outcome = documents::read_document(file.path, std::move(*bytes));
  if (outcome.skip != documents::Skip::kNone) {
    HOLDFAST_TRY(drop_sections(note_key, note));  // of what it held before
    return skip(file, outcome.skip);
  }
  if (outcome.converted_from_latin1) {
    progress_.files_from_latin1.fetch_add(1);
    progress_.remark("converted from Latin-1: " + file.path);
  }
  note.size_bytes = file.size_bytes;
  note.modified_ns = file.modified_ns;
  note.digest = digest;
  note.ids_before = std::move(note.ids);
  note.ids.clear();
  note.path = file.path;
  HOLDFAST_TRY(store_observations(observations_of(file.path, outcome.document), note_key, note));
  progress_.files_read.fetch_add(1);
  return Status::ok();
}

Status FileIngester::skip(const InputFile& file, documents::Skip reason) {
  progress_.files_skipped[static_cast<size_t>(reason)].fetch_add(1);
  if (reason == documents::Skip::kEncoding || reason == documents::Skip::kDamaged) {
    progress_.remark("skipped (" + std::string(documents::skip_name(reason)) + "): " + file.path);
  }
  return Status::ok();
}

Result<FileIngester::Note> FileIngester::read_note(const std::string& key) {
  Note note;
  HOLDFAST_ASSIGN(const std::string text, get_note(notes_.kv(), key));
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return note;
  note.size_bytes = json.value("size", uint64_t{0});
  note.modified_ns = json.value("modified_ns", int64_t{0});
  note.digest = json.value("digest", std::string());
  note.ids = json.value("ids", std::vector<std::string>());
  return note;
}

Status FileIngester::store_observations(std::span<const NewObservation> rest,
                                        const std::string& note_key, Note& note) {
  const bool removes_apart = note.ids_before.size() > kRemovedAtOnce;
  while (!rest.empty()) {
    size_t count = batch_size(rest);
    bool last = count == rest.size() && !removes_apart;
    HOLDFAST_TRY(commit(rest.subspan(0, count), last, note_key, note));
    rest = rest.subspan(count);
  }
  if (!removes_apart) return Status::ok();
  HOLDFAST_TRY(remove_outdated(note));
  return commit({}, /*last=*/true, note_key, note);
}

Status FileIngester::drop_sections(const std::string& note_key, Note& note) {
  if (note.digest.empty()) return Status::ok();
  note.ids_before = std::move(note.ids);
  note.ids.clear();
  HOLDFAST_TRY(remove_outdated(note));
  return notes_.kv().del(note_key);
}

// Before the note says so: whoever dies in between finds some of them gone the next time.
Status FileIngester::remove_outdated(Note& note) {
  std::vector<std::string> outdated = outdated_of(note.ids_before, note.ids);
  note.ids_before.clear();
  std::span<const std::string> rest = outdated;
  while (!rest.empty()) {
    const auto some = rest.subspan(0, std::min(rest.size(), kRemovedAtOnce));
    uint64_t removed = 0;
    const auto remove = [&](Transaction& transaction) -> Status {
      HOLDFAST_ASSIGN(removed, remove_all(space_.observations(transaction), some));
      return Status::ok();
    };
    HOLDFAST_TRY(store_.update(remove).status());
    progress_.sections_removed.fetch_add(removed);
    rest = rest.subspan(some.size());
  }
  return Status::ok();
}

Status FileIngester::commit(std::span<const NewObservation> batch, bool last,
                            const std::string& note_key, Note& note) {
  std::vector<AddedObservation> added;
  uint64_t removed = 0;
  uint64_t begin_us = process::monotonic_us();
  auto version = store_.update([&](Transaction& transaction) -> Status {
    Observations observations = space_.observations(transaction);
    if (!batch.empty()) {
      HOLDFAST_ASSIGN(added, observations.add_all(batch));
    }
    if (!last) return Status::ok();
    Note complete = note;
    for (const AddedObservation& one : added) complete.ids.push_back(one.id);
    HOLDFAST_ASSIGN(removed, remove_all(observations, outdated_of(note.ids_before, complete.ids)));
    return put_note(notes_, notes_.kv(transaction), note_key, complete.text());
  });
  HOLDFAST_TRY(version.status());
  progress_.commit_us.record(process::monotonic_us() - begin_us);
  commits_.fetch_add(1);
  progress_.sections_removed.fetch_add(removed);
  std::vector<std::string> new_ids;
  for (const AddedObservation& one : added) {
    note.ids.push_back(one.id);
    if (!one.existed) new_ids.push_back(one.id);
  }
  progress_.sections_added.fetch_add(new_ids.size());
  progress_.sections_existing.fetch_add(added.size() - new_ids.size());
  return ledger_ ? ledger_->append(new_ids) : Status::ok();
}

std::vector<NewObservation> observations_of(const std::string& path,
                                            const documents::Document& document) {
  std::vector<NewObservation> observations;
  for (size_t i = 0; i < document.sections.size(); ++i) {
    const documents::Section& section = document.sections[i];
    NewObservation observation;
    observation.content = section.text;
    std::string title = document.title;
    if (!section.heading.empty()) title += ": " + section.heading;
    observation.title = std::string(utf8_prefix(title, kTitleBytesMax));
    observation.source = path;
    observation.kind = section.kind.empty() ? "section" : section.kind;
    if (!section.session.empty()) observation.session = section.session;
    observation.happened_us = section.happened_us;
    observation.metadata =
        Json{{"section", section.heading}, {"position", i}, {"sections", document.sections.size()}}
            .dump();
    cli::Digest digest;
    digest.add(path).add(i).add(section.text);
    observation.key = "ingest:" + digest.text();
    observations.push_back(std::move(observation));
  }
  return observations;
}

}  // namespace holdfast::ingest
