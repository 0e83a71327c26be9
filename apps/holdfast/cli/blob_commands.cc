#include "cli/commands.h"
#include "holdfast/blob.h"

namespace holdfast::cli {
namespace {

Status show_stats(const Context& context) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Snapshot snapshot, store.snapshot());
  HOLDFAST_ASSIGN(const BlobStats stats, store.blobs().stats(snapshot));
  if (context.output().json()) {
    context.output().print(Json{{"blobs", stats.blobs},
                                {"content_bytes", stats.bytes},
                                {"stored_bytes", stats.stored_bytes},
                                {"references", stats.references},
                                {"dead_blobs", stats.dead_blobs},
                                {"dead_bytes", stats.dead_bytes}});
    return Status::ok();
  }
  Facts facts;
  facts.add("blobs", with_separators(stats.blobs) + " (" + size_text(stats.bytes) +
                         " in files of " + size_text(stats.stored_bytes) + ")");
  facts.add("references", with_separators(stats.references));
  facts.add("dead", with_separators(stats.dead_blobs) + " (" + size_text(stats.dead_bytes) +
                        "), waiting to be collected");
  facts.print(context.output());
  return Status::ok();
}

Status collect(const Context& context) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  const Blobs blobs = store.blobs();
  BlobCollection all;
  while (!all.finished) {
    HOLDFAST_ASSIGN(const BlobCollection some, blobs.collect());
    all.removed += some.removed;
    all.removed_bytes += some.removed_bytes;
    all.waiting += some.waiting;
    all.finished = some.finished;
  }
  if (context.output().json()) {
    context.output().print(Json{
        {"removed", all.removed}, {"removed_bytes", all.removed_bytes}, {"waiting", all.waiting}});
  } else {
    context.output().line("Removed " + with_separators(all.removed) + " files (" +
                          size_text(all.removed_bytes) + "); " + with_separators(all.waiting) +
                          " wait for a snapshot or an upload");
  }
  return store.close();
}

}  // namespace

void add_blob_commands(Commands& commands) {
  CLI::App* blobs = commands.add_family(kGroupCare, "blobs",
                                        "Large contents: what they take, and what nobody needs",
                                        "holdfast blobs stats\n  holdfast blobs collect");
  commands.add_to(blobs, "stats", "Count the blobs, their bytes, and those that nobody refers to",
                  "holdfast blobs stats --json", show_stats);
  commands.add_to(blobs, "collect",
                  "Remove the files that nobody needs now, instead of little by little",
                  "holdfast blobs collect", collect);
}

}  // namespace holdfast::cli
