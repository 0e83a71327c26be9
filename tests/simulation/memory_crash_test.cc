// Kinds of memory, crashed at every step: each transaction of a writer adds an observation and a
// job, and the row "o/<id>"; each of a worker takes a job, acknowledges it and writes "j/<job>";
// somebody folds texts and vectors meanwhile. Afterwards observations and rows are the same, a word
// finds what has it and nothing else, a vector its like, the indexes made anew rank as those that
// were folded, no job is lost or done twice, and a claim is free again.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "memory/catalog.h"
#include "memory/keys.h"
#include "memory/vector_spaces.h"
#include "search/store_keyspace.h"
#include "search/text_fold.h"
#include "search/vector_fold.h"
#include "simulation/space_story.h"

namespace holdfast::sim {
namespace {

constexpr const char* kQueue = "jobs";
constexpr const char* kResource = "build";
// Of claims: rows that the commits stamp, so that writing them conflicts with nothing and only
// guard() keeps a late holder out.
constexpr const char* kClaimLog = "claims/";
const ClaimOptions kShortClaim = {.ttl = std::chrono::milliseconds(20)};
// So that a few observations are folded and merged in several steps.
constexpr search::FoldOptions kSmallSteps = {
    .documents_min = 2, .documents_max = 3, .bytes_max = 300, .segments_max = 2, .postings_max = 8};

constexpr search::VectorFoldOptions kSmallBlocks = {
    .vectors_min = 2, .vectors_max = 3, .dropped_max = 2, .blocks_max = 2};

// A word that nothing else has a part of.
std::string word_of(const std::string& id) {
  std::string word = "xq";
  for (const char digit : id) word += "bcdfghjkmp"[digit - '0'];
  return word;
}

std::string content_of(const std::string& id) {
  return "shared words and " + word_of(id);
}

// In another direction for each.
Embedding embedding_of(const std::string& id) {
  const float turn = std::stof(id) / 10;
  return {"turned", "1", {std::cos(turn), std::sin(turn), 0.5f}, {{std::sin(turn), 1}}};
}

Status remember(const Space& space, Transaction& txn, uint64_t id) {
  const std::string name = std::to_string(id);
  NewObservation observation;
  observation.content = content_of(name);
  observation.embedding = embedding_of(name);
  HOLDFAST_TRY(space.observations(txn).add(observation).status());
  HOLDFAST_TRY(space.queue(txn, kQueue).push({.payload = name}).status());
  return txn.put("o/" + name, "");
}

Status work(const Space& space, Transaction& txn, uint64_t) {
  HOLDFAST_ASSIGN(const std::vector<Job> jobs, space.queue(txn, kQueue).take());
  for (const Job& job : jobs) {
    HOLDFAST_TRY(space.queue(txn, kQueue).ack(job));
    HOLDFAST_TRY(txn.put("j/" + job.payload, ""));
  }
  return Status::ok();
}

Status log_claim(Transaction& txn, const char* what, const Claim& claim) {
  return txn.put_stamped(kClaimLog, "", what + std::to_string(claim.token));
}

Status work_under(const Claim& claim, const Space& space, Transaction& txn) {
  HOLDFAST_TRY(space.claims(txn).guard(claim));
  return log_claim(txn, "wrote ", claim);
}

Result<search::FoldStep> fold_once(Store& store) {
  search::FoldStep step = search::FoldStep::kIdle;
  const auto version = store.update([&](Transaction& txn) -> Status {
    search::TransactionTarget target(txn);
    HOLDFAST_ASSIGN(const auto id, memory::find_space(target, {kSpace}));
    if (!id) return Status::ok();
    const std::string prefix = memory::space_prefix(memory::KeyKind::kTextIndex, *id);
    HOLDFAST_ASSIGN(step, search::fold_step(target, prefix, kSmallSteps));
    HOLDFAST_ASSIGN(const auto main, memory::find_definition(target, *id, kMainVectorSpace));
    if (!main) return Status::ok();
    HOLDFAST_ASSIGN(
        const search::FoldStep of_vectors,
        search::vector_fold_step(target, main->prefix(*id), main->shape(), kSmallBlocks));
    if (of_vectors == search::FoldStep::kDone) step = of_vectors;
    return Status::ok();
  });
  HOLDFAST_TRY(version.status());
  return step;
}

Script remembers(int count) {
  return transacts(count, remember);
}

Script works(int count) {
  return transacts(count, work);
}

// `done`, if given, counts the steps that had something to do.
Script folds(int count, int* done = nullptr) {
  return uses(count, [done](Store& store, const Space&, Trial& trial) {
    const auto step = fold_once(store);
    if (!step && !trial.errors_allowed) trial.ledger.fail("folding: " + step.status().to_string());
    if (done != nullptr && step && *step == search::FoldStep::kDone) ++*done;
    return bool(step);
  });
}

// nullopt: another has it.
Result<std::optional<Claim>> take_claim(Store& store, const Space& space,
                                        const ClaimOptions& options) {
  std::optional<Claim> claim;
  const auto version = store.update([&](Transaction& txn) -> Status {
    claim.reset();
    auto taken = space.claims(txn).take(kResource, options);
    if (taken.status().code() == StatusCode::kBusy) return Status::ok();
    HOLDFAST_TRY(taken.status());
    claim = std::move(*taken);
    return log_claim(txn, "took ", *claim);
  });
  HOLDFAST_TRY(version.status());
  return claim;
}

// Longer than a short claim.
constexpr int kTriesMax = 20;

// `tries`: to take it, 5 ms apart. Who holds it too long may be refused.
Script claims(int count, const ClaimOptions& options = {}, int tries = 1) {
  return [=](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    if (!store) return;
    const Space space = *store->space(kSpace);
    for (int i = 0; i < count; ++i) {
      auto claim = take_claim(*store, space, options);
      for (int left = tries; claim && !*claim && --left > 0;) {
        os.sleep_us(5'000);
        claim = take_claim(*store, space, options);
      }
      if (!claim && !trial.errors_allowed) trial.ledger.fail(claim.status().to_string());
      if (!claim) return;
      if (!*claim) continue;
      const auto version =
          store->update([&](Transaction& txn) { return work_under(**claim, space, txn); });
      const bool told = version || version.status().code() == StatusCode::kFenced;
      if (!told && !trial.errors_allowed) trial.ledger.fail(version.status().to_string());
      if (!told || !space.claims().release(**claim)) return;
    }
  };
}

// Each line an id and its score: what the index is about.
Result<std::string> ranking(const Space& space, const std::string& text) {
  RecallQuery query;
  query.text = text;
  query.limit = 100;
  HOLDFAST_ASSIGN(const std::vector<RecallHit> hits, space.recall(query));
  std::string lines;
  for (const RecallHit& hit : hits) {
    lines += hit.observation.content + " " + std::to_string(hit.text_score) + "\n";
  }
  return lines;
}

// Contents of all that have a vector, the nearest first.
Result<std::vector<std::string>> nearest(const Space& space, const std::string& id,
                                         VectorAccuracy accuracy) {
  RecallQuery query;
  query.limit = 100;
  query.vector = RecallVector();
  query.vector->values = embedding_of(id).values;
  query.vector->accuracy = accuracy;
  HOLDFAST_ASSIGN(const std::vector<RecallHit> hits, space.recall(query));
  std::vector<std::string> contents;
  for (const RecallHit& hit : hits) contents.push_back(hit.observation.content);
  return contents;
}

// Every vector has its part, whoever died while it was written.
std::string wrong_parts(const Space& space, const std::string& id) {
  RecallQuery query;
  query.text = "shared";
  query.limit = 100;
  query.vector = RecallVector();
  query.vector->values = embedding_of(id).values;
  query.vector->part = embedding_of(id).parts[0];
  const auto hits = space.recall(query);
  if (!hits) return hits.status().to_string();
  for (const RecallHit& hit : *hits) {
    if (!hit.part_similarity) return hit.observation.content + " has no part";
    const bool is_it = hit.observation.content == content_of(id);
    if (is_it && *hit.part_similarity < 0.999) return id + " has another part";
  }
  return "";
}

std::string wrong_vectors(const Space& space, const std::set<std::string>& rows) {
  for (const std::string& id : rows) {
    const std::string wrong = wrong_parts(space, id);
    if (!wrong.empty()) return wrong;
    auto exact = nearest(space, id, VectorAccuracy::exact);
    auto by_codes = nearest(space, id, VectorAccuracy::high);
    if (!exact || !by_codes) return (exact ? by_codes : exact).status().to_string();
    if (exact->size() != rows.size()) return std::to_string(exact->size()) + " vectors are there";
    if (exact->front() != content_of(id)) return id + " is near: " + exact->front();
    std::sort(exact->begin(), exact->end());
    std::sort(by_codes->begin(), by_codes->end());
    if (*by_codes != *exact) return "by codes " + std::to_string(by_codes->size()) + " are found";
  }
  return "";
}

std::string wrong_observations(const Space& space, const std::set<std::string>& rows) {
  const auto observations = space.observations().list({.limit = 1000});
  if (!observations) return observations.status().to_string();
  std::set<std::string> contents;
  for (const Observation& each : *observations) contents.insert(each.content);
  if (contents.size() != observations->size()) return "an observation is there twice";
  if (contents.size() != rows.size()) return "observations and rows are not as many";
  for (const std::string& id : rows) {
    if (contents.count(content_of(id)) == 0) return "observation " + id + " is not there";
    const auto found = ranking(space, word_of(id));
    if (!found) return found.status().to_string();
    if (!found->starts_with(content_of(id) + " ") || found->find('\n') + 1 != found->size()) {
      return word_of(id) + " finds: " + *found;
    }
  }
  return "";
}

std::string wrong_index(const Space& space, size_t count) {
  const auto folded = ranking(space, "shared words");
  if (!folded) return folded.status().to_string();
  if (count == 0) return folded->empty() ? "" : "a ghost is found";
  const auto rebuilt = space.observations().reindex();
  if (!rebuilt) return "reindex: " + rebuilt.status().to_string();
  if (*rebuilt != count) return "made anew, the index has " + std::to_string(*rebuilt);
  const auto anew = ranking(space, "shared words");
  if (!anew) return anew.status().to_string();
  return *anew == *folded ? "" : "folded:\n" + *folded + "made anew:\n" + *anew;
}

std::string wrong_jobs(const Space& space, const std::set<std::string>& pushed,
                       const std::set<std::string>& done) {
  const auto stats = space.queue(kQueue).stats();
  if (!stats) return stats.status().to_string();
  const uint64_t left = stats->ready + stats->leased + stats->delayed + stats->dead;
  if (left + done.size() != pushed.size()) {
    return std::to_string(pushed.size()) + " jobs were pushed, " + std::to_string(done.size()) +
           " done, " + std::to_string(left) + " are left";
  }
  return "";
}

// From one taking to the next only who took it has written.
std::string wrong_claims(Reader& reader) {
  uint64_t holder = 0;
  Cursor cursor = reader.scan(KeyRange::prefix(kClaimLog));
  for (; cursor.valid(); cursor.next()) {
    const std::string row(cursor.value());
    const uint64_t token = std::stoull(row.substr(row.find(' ')));
    const bool took = row.starts_with("took");
    if (took ? token <= holder : token != holder) {
      return "who " + row + " behind token " + std::to_string(holder);
    }
    holder = token;
  }
  return "";
}

std::string verify_memory(os::Os&, Store& store) {
  const auto space = store.space(kSpace);
  if (!space) return space.status().to_string();
  auto snapshot = store.snapshot();
  if (!snapshot) return snapshot.status().to_string();
  const auto pushed = names_below(*snapshot, "o/");
  if (std::string wrong = wrong_observations(*space, pushed); !wrong.empty()) return wrong;
  if (std::string wrong = wrong_vectors(*space, pushed); !wrong.empty()) return wrong;
  if (std::string wrong = wrong_index(*space, pushed.size()); !wrong.empty()) return wrong;
  if (std::string wrong = wrong_vectors(*space, pushed); !wrong.empty()) {
    return "made anew: " + wrong;
  }
  if (std::string wrong = wrong_jobs(*space, pushed, names_below(*snapshot, "j/")); !wrong.empty())
    return wrong;
  if (std::string wrong = wrong_claims(*snapshot); !wrong.empty()) return wrong;
  const auto claim = space->claims().take(kResource);
  if (!claim) return "the claim of one who is gone: " + claim.status().to_string();
  const Status released = space->claims().release(*claim);
  return released ? "" : released.to_string();
}

Story story_of(std::vector<Script> processes) {
  Story story;
  story.prepare = remembers(5);
  story.processes = std::move(processes);
  story.verify_more = verify_memory;
  return story;
}

TEST(MemoryCrash, ObservationsAndTheirIndexAgree) {
  int done = 0;
  const Outcome calm = play(story_of({remembers(2), folds(3, &done)}), {});
  EXPECT_EQ(calm.failure, "");
  EXPECT_GE(done, 2) << "there is nothing to fold: nothing is tested";
  expect_survived(story_of({remembers(2), folds(3)}), kCrashes, 1);
}

TEST(MemoryCrash, JobsAreDoneOnce) {
  expect_survived(story_of({works(3), works(2)}), kCrashes, 1);
}

TEST(MemoryCrash, ClaimsOfTheDeadAreFree) {
  expect_survived(story_of({claims(2), claims(2)}), kCrashes, 1);
}

// Holds a claim so long that it expires, as one does who is stopped, and then works under it.
Script claims_too_long(int* refused) {
  return [refused](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    const Space space = *store->space(kSpace);
    const auto claim = take_claim(*store, space, kShortClaim);
    if (!claim || !*claim) return trial.ledger.fail("taking: " + claim.status().to_string());
    os.sleep_us(1'000'000);
    const auto version =
        store->update([&](Transaction& txn) { return work_under(**claim, space, txn); });
    if (version) return trial.ledger.fail("what had expired was not refused");
    *refused += version.status().code() == StatusCode::kFenced;
  };
}

TEST(MemoryCrash, WhoHoldsAClaimTooLongIsFenced) {
  int refused = 0;
  EXPECT_EQ(play(story_of({claims_too_long(&refused)}), {}).failure, "") << "nobody else wants it";
  EXPECT_EQ(refused, 1);
  const Story wanted = story_of({claims_too_long(&refused), claims(2, kShortClaim, kTriesMax)});
  EXPECT_EQ(play(wanted, {}).failure, "");
  EXPECT_EQ(refused, 2);
}

TEST(MemoryCrash, AStoppedHolderNeverWritesBehindTheNext) {
  expect_survived(story_of({claims(2, kShortClaim, kTriesMax), claims(2, kShortClaim, kTriesMax)}),
                  {Fault::kStop}, 2);
}

TEST(MemoryCrash, FailedSyncsAndFullDisksLieToNoKind) {
  expect_survived(story_of({remembers(2), folds(2), works(2)}),
                  {Fault::kSyncError, Fault::kNoSpace, Fault::kIoError}, 3, {Fault::kSyncError});
}

}  // namespace
}  // namespace holdfast::sim
