// Brings one file into a space: a section an observation, in commits of moderate size, the last of
// which also notes the file as done.
//
// Invariants:
//   1. A section's idempotency key is made of path, position and text, a commit's is its hash:
//   however often a file is
//      begun, each section is there once.
//   2. The note (size, time, fingerprint, ids) is written in the same commit as the last section:
//      a file that is noted is complete.
//   3. When a file has changed, what it no longer says is removed in that same commit.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "documents/reader.h"
#include "holdfast/space.h"
#include "holdfast/store.h"
#include "ingest/file_list.h"
#include "ingest/id_ledger.h"
#include "ingest/progress.h"

namespace holdfast::ingest {

class FileIngester {
 public:
  // `notes` is the space where files are noted; `ledger` may be null.
  FileIngester(Store& store, Space space, Space notes, Progress& progress, IdLedger* ledger,
               std::atomic<uint64_t>& commits)
      : store_(store),
        space_(std::move(space)),
        notes_(std::move(notes)),
        progress_(progress),
        ledger_(ledger),
        commits_(commits) {}

  // Errors are those of the store; what is wrong with the file is counted and remarked.
  Status ingest(const InputFile& file);

 private:
  struct Note;
  Result<Note> read_note(const std::string& key);
  Status ingest_commits(const InputFile& piece);
  Status store_observations(std::span<const NewObservation> rest, const std::string& note_key,
                            Note& note);
  // Removes what a file held that holds nothing any more, and its note.
  Status drop_sections(const std::string& note_key, Note& note);
  Status remove_outdated(Note& note);
  Status commit(std::span<const NewObservation> batch, bool last, const std::string& note_key,
                Note& note);
  Status skip(const InputFile& file, documents::Skip reason);

  Store& store_;
  Space space_;
  Space notes_;
  Progress& progress_;
  IdLedger* ledger_;
  std::atomic<uint64_t>& commits_;
};

// The observations of a document, in order.
std::vector<NewObservation> observations_of(const std::string& path,
                                            const documents::Document& document);

}  // namespace holdfast::ingest
