// Observations: the texts that a space remembers, with where they came from. Each is written in one
// commit with everything by which it is found, and leaves all of it in one commit. Secrets are
// taken out before anything is written (holdfast/redaction.h).
//
// Two times: when it was written (created_us), and when it holds (valid_from_us to valid_to_us).
// What is superseded ends to hold when its successor begins, and is still found as of the time
// before. Trust is what the writer gives, at most that of everything it was derived from. Editing
// keeps what was there; forgetting takes it out of every list and search until it is restored or
// purged.
//
// Thread-safety: a handle without a transaction may be used from any thread; one made for a
//   transaction or snapshot belongs to that object's thread and must not outlive it.
// Conflicts: adding never conflicts with other observations (there is no shared counter); only two
//   transactions that add the same `key`, or that create the same space, do.
// Errors of every call: those of the store (Busy, IoError, Corruption, NoSpace ...); of a handle
//   made for a snapshot, writes return ReadOnly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "holdfast/redaction.h"
#include "holdfast/status.h"
#include "holdfast/vector.h"

namespace holdfast {

namespace memory {
class Access;
}

// Bytes, at least 1. Of a content with over 100,000 different words, about, those last in the
// alphabet are not found.
constexpr size_t kContentSizeMax = 4u << 20;
constexpr size_t kTitleSizeMax = 4096;  // bytes
constexpr size_t kLabelSizeMax = 1000;  // bytes of source, kind, session, run, key
constexpr size_t kTagSizeMax = 128;     // bytes, at least 1
constexpr size_t kTagsMax = 64;
constexpr size_t kMetadataSizeMax = 256u << 10;  // bytes
constexpr size_t kObservationListLimitMax = 10'000;
constexpr size_t kIndexedMembersMax = 64;
constexpr size_t kSourcesMax = 64;            // of what one is derived
constexpr size_t kTrustFollowedMax = 10'000;  // observations that one change of trust may reach
constexpr size_t kReinforcedMax = 1'000;      // observations at once
constexpr size_t kTierLookedAtMax = 10'000;
constexpr size_t kConsolidatedMax = 10'000;  // observations that are compared at once
constexpr int64_t kHalfLifeUs = 30LL * 24 * 3600 * 1'000'000;

// What is to be remembered. Only `content` is required; what is left out stays absent, which is not
// the same as empty. All strings are UTF-8 and come back byte for byte.
struct NewObservation {
  std::string content = {};
  std::optional<std::string> title = {};
  std::optional<std::string> source = {};   // where it came from: "tool:bash", a path, a URL
  std::optional<std::string> kind = {};     // "note", "fact", "section" ...
  std::optional<std::string> session = {};  // of which session of an agent
  std::optional<std::string> run = {};      // in which run
  std::vector<std::string> tags = {};
  std::optional<std::string> metadata = {};    // JSON text
  std::optional<double> confidence = {};       // 0 to 1
  std::optional<double> importance = {};       // 0 to 1
  std::optional<int64_t> happened_us = {};     // when it happened: microseconds since 1970, UTC
  std::optional<int64_t> valid_from_us = {};   // it holds from then; absent: always has
  std::optional<int64_t> valid_to_us = {};     // and before then; absent: still does
  std::optional<double> trust = {};            // 0 to 1; absent: 1
  std::vector<std::string> derived_from = {};  // ids, whole, of observations that are there
  std::optional<Embedding> embedding = {};     // its vector in "main" (holdfast/vector.h)
  // Idempotency key: adding again with a key that an observation of the space already has returns
  // that one's id and writes nothing. Removing the observation frees its key.
  std::optional<std::string> key = {};
  // In which language it is written, by its code ("de") or name ("german"); its words are found in
  // all their forms (docs/search.md lists the languages). Absent: in that of the space's settings.
  // What is stored is the code; nothing for English.
  std::optional<std::string> language = {};
};

// How an observation is kept: the content of a cold one is compressed, with a dictionary of its
// space. Every list and search finds it like the others.
enum class Tier : uint8_t {
  hot,
  warm,  // not used for a while
  cold,  // not used for a long while
};

struct Observation : NewObservation {
  std::string id = {};             // UUIDv7, 36 characters; ids sort by `created_us`
  std::string space = {};          // its path, where sub-spaces were asked for
  int64_t created_us = 0;          // when it was added: microseconds since 1970, UTC
  double effective_trust = 1;      // the least of `trust` and that of all it is derived from
  std::string superseded_by = {};  // id, also of one removed since; empty: by none
  uint32_t revision = 0;           // how often it was edited
  int64_t edited_us = 0;           // 0: never
  int64_t forgotten_us = 0;        // 0: it is not forgotten
  Tier tier = Tier::hot;
};

struct AddedObservation {
  std::string id = {};
  bool existed = false;                    // its `key` was there already; nothing was written
  bool is_duplicate = false;               // of `id`, which says the same; nothing was written
  std::vector<Redaction> redactions = {};  // of its content
};

// What is taken for a duplicate: of the `recent` newest one with the same text, or whose words are
// the same for the most part (Jaccard), or whose embedding of the same model is near (cosine
// distance).
enum class OnDuplicate : uint8_t {
  allow,
  refuse,  // ConditionFalse, which names the other
  merge,   // nothing is written and the other's id is returned
};
// It guards against repetition, not against a race: of two that are added at the same moment both
// may stay. A `key` is exact.
struct DuplicateGuard {
  OnDuplicate action = OnDuplicate::allow;
  double similarity_min = 0.85;
  double distance_max = 0.08;
  size_t recent = 100;  // 1 to 1,000
};

struct AddOptions {
  DuplicateGuard duplicates = {};
};

// Of a space, for everybody; stored in it.
struct ObservationSettings {
  RedactionOptions redaction = {};
  // Of what is added from now on and does not say in which language it is; absent: English.
  std::optional<std::string> language = {};
};

// Of an edit: takes the time away.
constexpr int64_t kNoTime = INT64_MIN;

// What changes; what is absent stays. An empty string or list takes the field away.
struct ObservationEdit {
  std::optional<std::string> content = {};  // not empty
  std::optional<std::string> title = {};
  std::optional<std::string> source = {};
  std::optional<std::string> kind = {};
  std::optional<std::string> session = {};
  std::optional<std::string> run = {};
  std::optional<std::vector<std::string>> tags = {};
  std::optional<std::string> metadata = {};
  std::optional<double> confidence = {};
  std::optional<double> importance = {};
  std::optional<double> trust = {};
  std::optional<int64_t> valid_from_us = {};
  std::optional<int64_t> valid_to_us = {};
  // Only if this many edits were made before. Else ConditionFalse.
  std::optional<uint32_t> revision = {};
};

// What has become of an observation since it was added.
enum class Reinforcement : uint8_t {
  access,         // it was used
  confirmation,   // it proved true
  contradiction,  // it did not
};
struct Strength {
  uint64_t accesses = 0;
  uint64_t confirmations = 0;
  uint64_t contradictions = 0;
  int64_t renewed_us = 0;  // its last access or confirmation, or when it was added
  // (2c + confirmations) / (2 + confirmations + contradictions), where c is the confidence that it
  // was given, or 0.5.
  double confidence = 0;
  // Half of it is left after each half-life since renewed_us. That is kHalfLifeUs, times 1 +
  // importance (or 0.5), times 1 + log2(1 + accesses + 2 confirmations).
  double retention = 1;
  double value() const { return confidence * retention; }  // 0 to 1
};

// Called now and then by what takes long: what is done, how much of it, and how much there is (0:
// not known).
using ObservationProgress =
    std::function<void(std::string_view what, uint64_t done, uint64_t total)>;

// Which of the newest observations are compared, and when two of them say the same.
struct ConsolidationOptions {
  double similarity_min = 0.85;  // Jaccard of their words; over 0, at most 1
  size_t recent = 1'000;         // 1 to kConsolidatedMax; the time grows with the square
  bool dry_run = false;
  ObservationProgress progress = {};
};
struct Consolidated {
  std::string id = {};                    // of the one that stands for them; dry_run: empty
  std::string content = {};               // of it
  std::vector<std::string> sources = {};  // ids, newest first; at most kSourcesMax
};

// When observations are moved: by the time since their last access or confirmation, or since they
// were added.
struct TierOptions {
  int64_t warm_after_us = kHalfLifeUs / 4;
  int64_t cold_after_us = 3 * kHalfLifeUs;  // not before warm_after_us
  size_t limit = 500;  // looked at by one step, 1 to kTierLookedAtMax; fewer if much is moved
};
struct TierStep {
  uint64_t looked_at = 0;
  uint64_t to_hot = 0;
  uint64_t to_warm = 0;
  uint64_t to_cold = 0;
  bool is_round_over = false;  // all have been looked at; the next step begins with the oldest
};
// Forgotten ones included.
struct TierCounts {
  uint64_t hot = 0;
  uint64_t warm = 0;
  uint64_t cold = 0;
  uint64_t cold_bytes = 0;    // of the contents of the cold ones
  uint64_t stored_bytes = 0;  // that these take
};

struct ObservationListOptions {
  size_t limit = 50;         // 1 to kObservationListLimitMax
  bool newest_first = true;  // by `created_us`
  // Filters, all of which must hold. With one of run, session, metadata, tag or kind, newest first,
  // a page is found by its index; `source` alone, or oldest first, reads all there are.
  std::optional<std::string> kind = {};
  std::optional<std::string> source = {};
  std::optional<std::string> session = {};
  std::optional<std::string> run = {};
  std::vector<std::string> tags = {};  // has all of them
  // A member of the metadata's object and its value as JSON: {"branch", "\"main\""}. Only the
  // first kIndexedMembersMax members that are neither objects nor arrays, by name, are looked at.
  std::optional<std::pair<std::string, std::string>> metadata = {};
  std::optional<int64_t> since_us = {};  // created_us >= since_us
  std::optional<int64_t> until_us = {};  // created_us < until_us
  std::optional<int64_t> as_of_us = {};  // holds at that time
  std::optional<Tier> tier = {};         // warm and cold ones have an index
  // A filter (docs/filters.md), beside those above: "confidence >= 0.8 AND NOT tag = draft". What
  // it asks for in any case is found by its index, too.
  std::string where = {};
  bool with_sub_spaces = false;  // of the space, at any depth
  std::string after = {};        // id of the last observation of the page before
};

class Observations {
 public:
  explicit Observations(std::shared_ptr<memory::Access> access);  // see Space::observations

  // Remembers it and returns its id. Errors: InvalidArgument (text that is not UTF-8, with the
  // offset of the bad byte; no content; metadata that is not JSON; a number that is not finite; an
  // embedding of another model or dimension than those of "main"), TooLarge (a limit above; the
  // message says which and what to do), NoSpace (the space's limit).
  Result<std::string> add(const NewObservation& observation) const;
  // Remembers all or none in one commit; the results are in the order of `observations`. Errors as
  // of add, and TooLarge when they do not fit one transaction: add fewer at once; NotFound: one is
  // derived from what is not there.
  Result<std::vector<AddedObservation>> add_all(std::span<const NewObservation> observations,
                                                const AddOptions& options = {}) const;

  // How observations are added from now on. Errors: InvalidArgument, TooLarge.
  Status configure(const ObservationSettings& settings) const;
  Result<ObservationSettings> settings() const;

  // In these, `id` is an id or a prefix of one with 8 or more hexadecimal digits (dashes do not
  // matter) that no other observation of the space shares. The first 12 digits are the millisecond
  // of creation: of what was added in a burst, a unique prefix has 16 or more.
  // Errors: NotFound; InvalidArgument (not an id, or ambiguous: the message names candidates).
  // Also what is forgotten: forgotten_us says so.
  Result<Observation> get(std::string_view id) const;
  // Removes it for good, forgotten or not, with its history, from every index, in one commit.
  Status remove(std::string_view id) const;

  // Changes it; what it was is kept in its history. Returns it changed. Errors also those of add;
  // ConditionFalse (another revision).
  Result<Observation> edit(std::string_view id, const ObservationEdit& edit) const;
  // What it was before each edit, oldest first, without embeddings.
  Result<std::vector<Observation>> history(std::string_view id) const;
  // Adds `successor`, which holds from its valid_from_us on (absent: from now on); what it
  // supersedes holds until then. Errors also those of add; ConditionFalse: it is superseded by one
  // that is there, or does not hold at that time.
  Result<std::string> supersede(std::string_view id, const NewObservation& successor) const;

  // Counts it for each of `ids`, in one commit; at most kReinforcedMax. Nothing else of them
  // changes, and it does not conflict with others who do the same. Errors: ConditionFalse (one is
  // forgotten), TooLarge.
  Status reinforce(std::span<const std::string> ids, Reinforcement reinforcement) const;
  // As of now.
  Result<Strength> strength(std::string_view id) const;

  // Near-duplicates become one, with the longest of their texts and the labels of all; it is
  // derived from them, so its trust is the least of theirs, and it is reinforced by all that they
  // were. They are forgotten. Only what is of one kind and validity, and has no key, is merged.
  // Every group is a commit of its own; one of which something has changed meanwhile is left out.
  // Errors also those of add.
  Result<std::vector<Consolidated>> consolidate(const ConsolidationOptions& options = {}) const;

  // Looks at the next few, oldest first, and moves those that are due; a commit, of about a MiB.
  // Whatever is edited is hot again. Errors: InvalidArgument.
  Result<TierStep> tier_step(const TierOptions& options = {}) const;
  Result<TierCounts> tier_counts() const;

  // Out of every list, count and search, and its key is free, until it is restored.
  Status forget(std::string_view id) const;
  // Errors: ConditionFalse: it is not forgotten, or another has its key by now.
  Status restore(std::string_view id) const;
  // What is forgotten, in the order and with the filters of list().
  Result<std::vector<Observation>> forgotten(const ObservationListOptions& options = {}) const;
  // Removes for good what was forgotten before `before_us`, at most `limit`; how many.
  Result<uint64_t> purge(int64_t before_us, size_t limit = 1'000) const;

  // Without embeddings; get() gives them. Errors: InvalidArgument (limit, `after` is not an id, the
  // filter), TooLarge (the filter, the number of sub-spaces).
  Result<std::vector<Observation>> list(const ObservationListOptions& options = {}) const;
  // Makes the search index anew from the observations; how many there are. Meanwhile recall returns
  // Busy; everything else goes on. It can be stopped, and is then to be run again. Needed where
  // recall returns Unsupported (an index of another version) or Corruption, and after a salvage
  // that lost something: keys of observations that are not there become free, and all are counted.
  Result<uint64_t> reindex(const ObservationProgress& progress = {}) const;
  // Ids, keys and counts that do not agree with the observations that are there; not 0: reindex().
  Result<uint64_t> unmatched() const;

  // Whoever adds without a transaction also has folded, now and then, what was added into the
  // search index, which takes milliseconds and makes later recalls faster: the first time by the
  // call that adds, later behind it, by a thread that the last handle of the space waits for as it
  // goes (Store::close() does not: what is at work then ends soon, and the rest is left to others);
  // always by the call where StoreOptions::helper_thread is false. A program that lives for a
  // few writes, and whose caller waits, adds in a transaction, and folds when it has answered,
  // where there is enough to fold.
  Result<bool> is_fold_due() const;  // of texts
  // At most `steps_max` steps, each a commit of its own; how many there were of texts. Errors:
  // InvalidArgument (in a transaction), Unsupported (an index of another version), Corruption.
  Result<size_t> fold(size_t steps_max) const;

  // Counts them by a scan, about 0.1 us each.
  Result<uint64_t> count() const;

 private:
  std::shared_ptr<memory::Access> access_;
};

}  // namespace holdfast
