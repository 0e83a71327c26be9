// Blobs on disks that fail and in processes that die, at every step of writing, committing,
// releasing, collecting and writing again. Row "blob/<name>" holds the content that the blob of
// referrer <name> has: so each committed reference is compared with its file, byte by byte.
// Afterwards two calls of collect() must leave the files that are referenced, and nothing else.
#include <gtest/gtest.h>

#include <algorithm>

#include "blob/records.h"
#include "holdfast/blob.h"
#include "simulation/store_story.h"

namespace holdfast::sim {
namespace {

BlobRef ref_of(const std::string& content) {
  return {blob::sha256(content), content.size()};
}

std::string row_of(const std::string& name) {
  return "blob/" + name;
}

// Bytes that do not compress; a few sectors are enough to be torn.
std::string content_number(int number, size_t size = 1500) {
  std::string content;
  uint64_t state = 88172645463325252u + static_cast<uint64_t>(number);
  while (content.size() < size) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    content.push_back(static_cast<char>(state >> 24));
  }
  return content;
}

Result<std::string> read_blob(Store& store, Reader& view, const BlobRef& ref) {
  HOLDFAST_ASSIGN(BlobReader reader, store.blobs().open(view, ref));
  std::string content(ref.size, '\0');
  size_t done = 0;
  while (true) {
    char buffer[700];
    HOLDFAST_ASSIGN(const size_t count, reader.read(buffer, sizeof(buffer)));
    if (count == 0) break;
    content.replace(done, count, buffer, count);
    done += count;
  }
  return content;
}

// Compares each row of `view` with its blob.
std::string compare_blobs(Store& store, Reader& view, bool errors_allowed) {
  Cursor cursor = view.scan(KeyRange::prefix("blob/"));
  for (; cursor.valid(); cursor.next()) {
    const std::string content(cursor.value());
    const auto found = read_blob(store, view, ref_of(content));
    if (!found && errors_allowed && found.status().code() == StatusCode::kIoError) continue;
    if (!found) return std::string(cursor.key()) + ": " + found.status().to_string();
    if (*found != content) return std::string(cursor.key()) + " has another content";
  }
  return cursor.status() || errors_allowed ? "" : cursor.status().to_string();
}

std::vector<std::string> files_of_blobs(os::Os& os) {
  std::vector<std::string> files;
  const std::string root = std::string(kStorePath) + "/blobs";
  const auto directories = os.list(root);
  if (!directories) return files;
  for (const std::string& directory : *directories) {
    const auto names = os.list(root + "/" + directory);
    for (const std::string& name : *names) files.push_back(directory + "/" + name);
  }
  return files;
}

// Nothing but one file for each presence, in its place.
std::string find_leak(os::Os& os, Store& store, Reader& view) {
  const auto entries = store.blobs().list(view, nullptr, 1000);
  if (!entries) return entries.status().to_string();
  std::vector<std::string> files = files_of_blobs(os);
  for (const BlobEntry& entry : *entries) {
    const std::string hash = blob_hash_text(entry.ref);
    const std::string start = hash.substr(0, 2) + "/" + hash + "-";
    const auto file = std::find_if(files.begin(), files.end(), [&](const std::string& name) {
      return name.starts_with(start);
    });
    if (file == files.end()) return "the file of blob " + hash + " is not in its place";
    files.erase(file);
  }
  if (!files.empty()) return "left for ever: blobs/" + files.front();
  const auto stats = store.blobs().stats(view);
  if (!stats) return stats.status().to_string();
  return stats->dead_blobs == 0 ? "" : "marks are left for ever";
}

std::string verify_blobs(os::Os& os, Store& store) {
  for (const bool collected : {false, true}) {
    if (collected) {
      for (int i = 0; i < 2; ++i) {
        const auto done = store.blobs().collect();
        if (!done) return "collecting: " + done.status().to_string();
        if (!done->finished) return "collecting does not come to an end";
      }
    }
    if (const Status status = store.flush(); !status) return status.to_string();
    auto snapshot = store.snapshot();
    if (!snapshot) return snapshot.status().to_string();
    if (std::string wrong = compare_blobs(store, *snapshot, false); !wrong.empty()) return wrong;
    const auto report = store.blobs().check(*snapshot, true);
    if (!report) return report.status().to_string();
    if (!report->problems.empty()) return report->problems.front();
    if (!collected) continue;
    if (std::string wrong = find_leak(os, store, *snapshot); !wrong.empty()) return wrong;
  }
  return "";
}

// Gives back what the row `name` refers to, unless it is `content` itself.
Status drop_row(Store& store, Transaction& txn, const std::string& name,
                const std::string& content) {
  HOLDFAST_ASSIGN(const auto old, txn.get(row_of(name)));
  if (!old || *old == content) return Status::ok();
  HOLDFAST_TRY(store.blobs().release(txn, ref_of(*old), name));
  return txn.del(row_of(name));
}

void note_error(Trial& trial, const char* what, const Status& status) {
  if (!trial.errors_allowed) trial.ledger.fail(std::string(what) + ": " + status.to_string());
}

// Writes a content and commits a reference to it, in place of what the name had.
void set_blob(Store& store, Trial& trial, const std::string& name, const std::string& content) {
  const auto blob = store.blobs().write(content);
  if (!blob) return note_error(trial, "writing a blob", blob.status());
  transact(store, trial, [&](Transaction& txn, uint64_t) -> Status {
    HOLDFAST_TRY(drop_row(store, txn, name, content));
    HOLDFAST_TRY(store.blobs().reference(txn, *blob, name));
    return txn.put(row_of(name), content);
  });
}

void drop_blob(Store& store, Trial& trial, const std::string& name) {
  transact(store, trial,
           [&](Transaction& txn, uint64_t) { return drop_row(store, txn, name, ""); });
}

// Refers to a content by its hash alone, if it is there.
void share_blob(Store& store, Trial& trial, const std::string& name, const std::string& content) {
  transact(store, trial, [&](Transaction& txn, uint64_t) -> Status {
    HOLDFAST_TRY(drop_row(store, txn, name, content));
    const Status status = store.blobs().reference(txn, ref_of(content), name);
    if (status.code() == StatusCode::kNotFound) return Status::ok();
    HOLDFAST_TRY(status);
    return txn.put(row_of(name), content);
  });
}

void collect(Store& store, Trial& trial) {
  const auto done = store.blobs().collect();
  if (!done) note_error(trial, "collecting", done.status());
}

Script script_of(std::function<void(Store&, Trial&)> body) {
  return [body = std::move(body)](os::Os& os, Trial& trial) {
    if (auto store = open_store(os, trial)) body(*store, trial);
  };
}

Script kept(std::vector<int> numbers) {
  return script_of([=](Store& store, Trial& trial) {
    for (const int number : numbers) {
      set_blob(store, trial, std::to_string(number), content_number(number));
    }
  });
}

// Everything that can be done with a blob, one after the other.
void live_a_life(Store& store, Trial& trial) {
  set_blob(store, trial, "a", content_number(1));
  drop_blob(store, trial, "a");
  collect(store, trial);
  set_blob(store, trial, "a", content_number(1));  // the same content comes back
  set_blob(store, trial, "a", content_number(2));
  collect(store, trial);
}

Story story_of(Script prepare, std::vector<Script> processes) {
  Story story;
  story.prepare = std::move(prepare);
  story.processes = std::move(processes);
  story.verify_more = verify_blobs;
  return story;
}

TEST(BlobCrash, WritingReleasingAndCollecting) {
  expect_survived(story_of(kept({9}), {script_of(live_a_life)}), kCrashes, 1);
}

TEST(BlobCrash, FirstBlobOfAStore) {
  expect_survived(story_of(filled(1), {script_of([](Store& store, Trial& trial) {
                             set_blob(store, trial, "a", content_number(1));
                           })}),
                  kCrashes, 4);
}

TEST(BlobCrash, TwoWritersOfTheSameContent) {
  const auto writer = [](const char* name) {
    return script_of([name](Store& store, Trial& trial) {
      set_blob(store, trial, name, content_number(1));
      drop_blob(store, trial, name);
      set_blob(store, trial, name, content_number(1));
    });
  };
  expect_survived(story_of(kept({9}), {writer("a"), writer("b")}), kCrashes, 1);
}

TEST(BlobCrash, CollectingWhileAnotherRefersAgain) {
  const Script releaser = script_of([](Store& store, Trial& trial) {
    for (int i = 0; i < 2; ++i) {
      drop_blob(store, trial, "1");
      collect(store, trial);
      set_blob(store, trial, "1", content_number(1));
    }
  });
  const Script sharer = script_of([](Store& store, Trial& trial) {
    for (int i = 0; i < 3; ++i) {
      share_blob(store, trial, "b", content_number(1));
      drop_blob(store, trial, "b");
    }
    share_blob(store, trial, "b", content_number(1));
  });
  Story story = story_of(kept({1}), {releaser, sharer, script_of([](Store& store, Trial& trial) {
                                       for (int i = 0; i < 4; ++i) collect(store, trial);
                                     })});
  expect_survived(story, kCrashes, 1);
  expect_survived(story, {Fault::kNone}, 200);
}

// The upload's handle outlives the release: it brings back what a collector has its eye on.
TEST(BlobCrash, HandleThatRefersAgainWhileOthersCollect) {
  const Script holder = script_of([](Store& store, Trial& trial) {
    const std::string content = content_number(1);
    const auto blob = store.blobs().write(content);
    if (!blob) return note_error(trial, "writing a blob", blob.status());
    for (int i = 0; i < 3; ++i) {
      transact(store, trial, [&](Transaction& txn, uint64_t) -> Status {
        HOLDFAST_TRY(store.blobs().reference(txn, *blob, "a"));
        return txn.put(row_of("a"), content);
      });
      if (i < 2) drop_blob(store, trial, "a");
    }
  });
  const Script collector = script_of([](Store& store, Trial& trial) {
    for (int i = 0; i < 6; ++i) collect(store, trial);
  });
  Story story = story_of(kept({9}), {holder, collector});
  expect_survived(story, kCrashes, 1);
  expect_survived(story, {Fault::kNone}, 200);
}

TEST(BlobCrash, SnapshotsReadWhatOthersCollect) {
  const Script reader = script_of([](Store& store, Trial& trial) {
    for (int i = 0; i < 8; ++i) {
      auto snapshot = store.snapshot();
      if (!snapshot) return note_error(trial, "snapshot", snapshot.status());
      for (int j = 0; j < 2; ++j) {
        const std::string wrong = compare_blobs(store, *snapshot, trial.errors_allowed);
        if (!wrong.empty()) trial.ledger.fail("in a snapshot: " + wrong);
      }
    }
  });
  const Script writer = script_of([](Store& store, Trial& trial) {
    for (int i = 0; i < 4; ++i) {
      set_blob(store, trial, "1", content_number(i % 2));
      collect(store, trial);
    }
  });
  Story story = story_of(kept({1}), {reader, writer});
  expect_survived(story, kCrashes, 1);
  expect_survived(story, {Fault::kNone}, 200);
}

TEST(BlobCrash, BatchedCommitsReferToWholeFilesOrNotAtAll) {
  Story story = story_of(kept({9}), {script_of(live_a_life), script_of(live_a_life)});
  story.durability = Durability::batched;
  expect_survived(story, kCrashes, 1);
}

TEST(BlobErrors, FailedCallsLeaveNothingHalf) {
  expect_survived(story_of(kept({9}), {script_of(live_a_life)}),
                  {Fault::kIoError, Fault::kNoSpace, Fault::kShortWrite, Fault::kReadError}, 2,
                  {Fault::kIoError, Fault::kNoSpace});
}

TEST(BlobErrors, FailedSyncsLoseNoContent) {
  expect_survived(story_of(kept({9}), {script_of(live_a_life), script_of(live_a_life)}),
                  {Fault::kSyncError}, 6, {Fault::kSyncError});
}

// A process may then read, from pages that it verified before, what is no longer so.
TEST(BlobErrors, LostWritebackNeverRemovesWhatIsNeeded) {
  Story story = story_of(kept({9}), {script_of(live_a_life), script_of(live_a_life)});
  story.verify_cold = true;
  expect_survived(story, {Fault::kWritebackError}, 2);
}

}  // namespace
}  // namespace holdfast::sim
