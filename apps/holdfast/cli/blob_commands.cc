#include "cli/dry_run.h"
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

// What a snapshot still sees is in it: whether it goes is known only when its file is taken.
Status show_dead(const Output& output, Store& store) {
  HOLDFAST_ASSIGN(Snapshot snapshot, store.snapshot());
  HOLDFAST_ASSIGN(const BlobStats stats, store.blobs().stats(snapshot));
  if (output.json()) {
    output.print({{"dead_blobs", stats.dead_blobs}, {"dead_bytes", stats.dead_bytes}});
  } else {
    output.line(counted(stats.dead_blobs, "file") + " (" + size_text(stats.dead_bytes) +
                ") would go, but for those that a snapshot or an upload needs");
  }
  return Status::ok();
}

Status collect(const Context& context, bool dry_run) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  if (dry_run) return show_dead(context.output(), store);
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
    context.output().line("Removed " + counted(all.removed, "file") + " (" +
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
  auto dry_run = arguments_of<bool>();
  CLI::App* command = commands.add_to(
      blobs, "collect", "Remove the files that nobody needs now, instead of little by little",
      "holdfast blobs collect --dry-run",
      [dry_run](const Context& context) { return collect(context, *dry_run); });
  add_dry_run(command, *dry_run);
}

}  // namespace holdfast::cli
