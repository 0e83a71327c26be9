#include <chrono>
#include <cstdio>

#include "cli/commands.h"
#include "cli/embedding.h"
#include "cli/progress_line.h"
#include "cli/store_place.h"

namespace holdfast::cli {
namespace {

struct EmbedArguments {
  std::string model, model_version;
  FillOptions options;
  bool follow = false;
  double seconds = 0;
};

// The model that the vector space has or is being given, unless another is asked for.
Result<VectorSpaceOptions> model_of(const Space& space, const EmbedArguments& arguments,
                                    const Sources& sources) {
  if (arguments.model.empty()) {
    HOLDFAST_ASSIGN(const auto spaces, space.vectors().list());
    for (const VectorSpace& one : spaces) {
      if (one.name == arguments.options.vector_space) {
        return one.successor ? *one.successor : static_cast<const VectorSpaceOptions&>(one);
      }
    }
  }
  return wanted_model(sources, arguments.model, arguments.model_version);
}

struct Totals {
  uint64_t embedded = 0;
  uint64_t refused = 0;
  Status refusal;
};

// Steps until nothing is missing but what others have at hand.
Status fill(Filler& filler, Totals& totals) {
  ProgressLine line;
  for (uint64_t embedded = 1; embedded > 0; filler.begin_again()) {
    embedded = 0;
    totals.refused = 0;
    for (bool is_over = false; !is_over;) {
      HOLDFAST_ASSIGN(const FillStep step, filler.step());
      is_over = step.is_over;
      embedded += step.embedded;
      line.show("observations embedded", totals.embedded + embedded, 0);
      totals.refused += step.refused;
      if (step.refused > 0) totals.refusal = step.refusal;
    }
    totals.embedded += embedded;
  }
  return Status::ok();
}

void print(const Output& output, const Embedder& embedder, const Totals& totals, bool is_replaced) {
  const std::string model(embedder.model());
  if (output.json()) {
    output.print({{"model", model},
                  {"embedded", totals.embedded},
                  {"refused", totals.refused},
                  {"replaced", is_replaced}});
  } else {
    output.line(with_separators(totals.embedded) + " observations embedded by " + printable(model) +
                (is_replaced ? ", which stand for those before from now on" : ""));
  }
  if (totals.refused > 0) {
    std::fprintf(stderr, "holdfast: %s texts were refused, the last of them so: %s\n",
                 std::to_string(totals.refused).c_str(),
                 printable(totals.refusal.to_string()).c_str());
  }
  std::fflush(stdout);  // who follows sees a line when it has happened
}

Status follow(Store& store, const Context& context, const EmbedArguments& arguments,
              Embedder& embedder, Filler& filler) {
  const StoreWait wait(store, arguments.seconds);
  while (!wait.is_over()) {
    HOLDFAST_ASSIGN(const std::chrono::milliseconds time, wait.next());
    HOLDFAST_TRY(filler.wait(store, time));
    Totals totals;
    HOLDFAST_TRY(fill(filler, totals));
    if (totals.embedded > 0) print(context.output(), embedder, totals, false);
  }
  return Status::ok();
}

Status embed(const Context& context, const EmbedArguments& arguments) {
  const Sources sources = sources_of(context.surroundings());
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const VectorSpaceOptions model, model_of(space, arguments, sources));
  HOLDFAST_ASSIGN(const auto embedder, require_embedder(model, sources));
  Filler filler(space, *embedder, arguments.options);
  HOLDFAST_TRY(filler.begin());
  Totals totals;
  HOLDFAST_TRY(fill(filler, totals));
  HOLDFAST_ASSIGN(const bool is_replaced, filler.finish());
  print(context.output(), *embedder, totals, is_replaced);
  if (arguments.follow) HOLDFAST_TRY(follow(store, context, arguments, *embedder, filler));
  return store.close();
}

}  // namespace

void add_embed_command(Commands& commands) {
  auto arguments = arguments_of<EmbedArguments>();
  CLI::App* command = commands.add(
      kGroupMemory, "embed", "Give every observation its vector, so that recall finds by it, too",
      "holdfast embed\n  holdfast embed --follow\n"
      "  HOLDFAST_EMBED_URL=http://localhost:11434/v1 holdfast embed --model nomic-embed-text",
      [arguments](const Context& context) { return embed(context, *arguments); });
  command->add_option(
      "--model", arguments->model,
      "Which (else the vector space's, $HOLDFAST_EMBED_MODEL, or the best that is built "
      "in)");
  command->add_option("--model-version", arguments->model_version, "Which version of it");
  command->add_option("--vector-space", arguments->options.vector_space, "Where the vectors go")
      ->capture_default_str();
  command->add_option("--batch", arguments->options.batch, "Texts at once")
      ->check(CLI::Range(size_t{1}, kEmbeddedTextsMax))
      ->capture_default_str();
  command->add_option("--text-size", arguments->options.text_size_max, "Bytes of a text, at most")
      ->check(CLI::Range(size_t{1}, kContentSizeMax))
      ->capture_default_str();
  command->add_flag("--replace", arguments->options.replaces,
                    "Embed all anew if the vectors are of another model, then swap at once");
  command->add_flag("--anew", arguments->options.anew,
                    "Embed all anew though the vectors are of this model, then swap at once");
  CLI::Option* follow =
      command->add_flag("--follow", arguments->follow, "Go on with what is added and changed");
  as_duration(command->add_option("--for,--seconds", arguments->seconds, "Follow for so long"))
      ->check(above_zero())
      ->needs(follow);
}

}  // namespace holdfast::cli
