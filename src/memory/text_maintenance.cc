#include "memory/text_maintenance.h"

#include "memory/keys.h"
#include "memory/observation_mend.h"
#include "memory/observation_store.h"
#include "memory/vector_spaces.h"
#include "search/text_fold.h"
#include "search/text_index.h"
#include "search/text_languages.h"

namespace holdfast::memory {
namespace {

using search::DocumentId;
using search::KeySource;
using search::KeyTarget;

// Writes, on average, of handles that live for fewer than Upkeep counts. With fewer, several
// processes of a busy space would find the same to fold.
constexpr size_t kLookEvery = 96;
constexpr size_t kDocumentsPerStep = 48;
constexpr size_t kVectorsPerStep = 32;
constexpr size_t kRebuiltPerStep = 500;

std::string index_prefix_of(uint32_t space_id) {
  return space_prefix(KeyKind::kTextIndex, space_id);
}

// Does a step of folding, in a transaction of its own.
Result<search::FoldStep> fold_once(Access& access) {
  search::FoldStep step = search::FoldStep::kIdle;
  HOLDFAST_TRY(access.write_existing([&](KeyTarget& target, uint32_t space_id) -> Status {
    HOLDFAST_TRY(check_index(target, space_id));
    HOLDFAST_ASSIGN(step, search::fold_step(target, index_prefix_of(space_id)));
    return Status::ok();
  }));
  return step;
}

Result<std::vector<search::RebuildDocument>> documents_behind(KeyTarget& target, uint32_t space_id,
                                                              const DocumentId& after) {
  HOLDFAST_ASSIGN(const std::vector<Uuid> ids,
                  ids_behind(target, space_id, Uuid{after}, kRebuiltPerStep));
  search::Analyzer analyzer;
  std::vector<search::RebuildDocument> documents;
  for (const Uuid& id : ids) {
    HOLDFAST_ASSIGN(const auto observation, read_observation(target, space_id, id, false));
    if (!observation || observation->forgotten_us != 0) continue;
    HOLDFAST_TRY(target.put(space_key(KeyKind::kId, space_id, id.view()), ""));
    HOLDFAST_TRY(
        search::note_language(target, index_prefix_of(space_id), language_of(*observation)));
    HOLDFAST_TRY(relabel_vectors(target, space_id, id, *observation));
    documents.push_back({document_of(id), encode_text(analyzer, *observation)});
  }
  return documents;
}

}  // namespace

Status check_index(KeySource& source, uint32_t space_id) {
  HOLDFAST_ASSIGN(const bool is_new, search::has_manifest(source, index_prefix_of(space_id)));
  if (is_new) return Status::ok();
  // Until 0.1 the text record stood under the id of each observation; the oldest tells.
  bool is_old = false;
  HOLDFAST_TRY(source.peek_scan(search::prefix_range(space_prefix(KeyKind::kId, space_id)),
                                [&](std::string_view, std::string_view value) {
                                  is_old = !value.empty();
                                  return false;
                                }));
  if (!is_old) return Status::ok();
  return Status(StatusCode::kUnsupported,
                "the search index of this space has the form of an earlier version; run "
                "`holdfast reindex` once");
}

Result<bool> is_fold_due(Access& access) {
  bool is_due = false;
  HOLDFAST_TRY(access.read([&](KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(is_due, search::is_fold_due(source, index_prefix_of(space_id), {}));
    return Status::ok();
  }));
  return is_due;
}

namespace {

Result<size_t> fold_texts(Access& access, size_t steps_max) {
  for (size_t i = 0; i < steps_max; ++i) {
    HOLDFAST_ASSIGN(const search::FoldStep step, fold_once(access));
    if (step == search::FoldStep::kIdle) return i;
  }
  return steps_max;
}

// A merge goes on without anything to fold, too; its steps are cheap to find undue. What fails is
// left to the next who looks.
void fold_some(Access& access, size_t observations) {
  const auto is_due = is_fold_due(access);
  const size_t steps = is_due && *is_due ? 2 + observations / kDocumentsPerStep : 1;
  static_cast<void>(fold_texts(access, steps));
  static_cast<void>(fold_vectors(access, 3 + observations / kVectorsPerStep));
}

}  // namespace

Result<size_t> fold(Access& access, size_t steps_max) {
  HOLDFAST_ASSIGN(const size_t steps, fold_texts(access, steps_max));
  HOLDFAST_TRY(fold_vectors(access, steps_max));
  return steps;
}

void fold_when_due(Access& access, const Uuid& id, size_t count) {
  if (!access.is_own_commit()) return;
  const size_t chance = id.bytes.back() | size_t{id.bytes[id.bytes.size() - 2]} << 8;
  const bool is_time = count >= kLookEvery || chance % (kLookEvery / count) == 0;
  access.keep_up(count, is_time, fold_some);
}

Result<uint64_t> rebuild_index(Access& access, const ObservationProgress& progress) {
  const auto tell = [&](std::string_view what, uint64_t done) {
    if (progress) progress(what, done, 0);
  };
  HOLDFAST_TRY(mend_names(access));
  HOLDFAST_TRY(access.write_existing([&](KeyTarget& target, uint32_t space_id) -> Status {
    HOLDFAST_TRY(forget_vector_codes(target, space_id));
    return search::begin_rebuild(target, index_prefix_of(space_id));
  }));
  uint64_t rebuilt = 0;
  for (bool is_more = true; is_more;) {
    uint64_t of_step = 0;
    is_more = false;
    HOLDFAST_TRY(access.write_existing([&](KeyTarget& target, uint32_t space_id) -> Status {
      of_step = 0;
      const auto more = [&](const DocumentId& after) {
        auto documents = documents_behind(target, space_id, after);
        of_step = documents ? documents->size() : 0;
        return documents;
      };
      HOLDFAST_ASSIGN(is_more, search::rebuild_step(target, index_prefix_of(space_id), more));
      return Status::ok();
    }));
    rebuilt += of_step;
    tell("observations", rebuilt);
  }
  uint64_t folds = 0;
  for (search::FoldStep step = search::FoldStep::kDone; step == search::FoldStep::kDone;) {
    HOLDFAST_ASSIGN(step, fold_once(access));
    tell("steps of folding", ++folds);
  }
  HOLDFAST_TRY(fold_vectors(access, SIZE_MAX));
  return rebuilt;
}

}  // namespace holdfast::memory
