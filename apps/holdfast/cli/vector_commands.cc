#include <algorithm>
#include <span>
#include <utility>

#include "cli/dry_run.h"
#include "cli/embedding.h"
#include "cli/input.h"
#include "cli/observation_text.h"

namespace holdfast::cli {
namespace {

struct SimilarArguments {
  std::string id, vector_file, kind, source, session, run;
  std::vector<std::string> tags;
  RecallVector vector;
  size_t limit = 10;
  bool is_exact = false;
};

// The observation itself is the nearest to its vector: one more is asked for, and it is left out.
Status similar(const Context& context, const SimilarArguments& arguments) {
  if (arguments.id.empty() == arguments.vector_file.empty()) {
    return Status(StatusCode::kInvalidArgument, "give the id of an observation, or --vector FILE");
  }
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  RecallQuery query;
  query.limit = arguments.limit;
  query.kind = optional_text(arguments.kind);
  query.source = optional_text(arguments.source);
  query.session = optional_text(arguments.session);
  query.run = optional_text(arguments.run);
  query.tags = arguments.tags;
  query.vector = arguments.vector;
  if (arguments.is_exact) query.vector->accuracy = VectorAccuracy::exact;
  std::string own_id;
  if (arguments.id.empty()) {
    HOLDFAST_ASSIGN(query.vector->values, read_vector(arguments.vector_file));
  } else {
    HOLDFAST_ASSIGN(const Observation observation, space.observations().get(arguments.id));
    own_id = observation.id;
    HOLDFAST_ASSIGN(const auto embedding, space.vectors().get(query.vector->space, own_id));
    if (!embedding) {
      return Status(StatusCode::kNotFound, "observation " + own_id +
                                               " has no vector in vector space \"" +
                                               query.vector->space + "\"");
    }
    query.vector->values = embedding->values;
    query.limit = std::min(query.limit + 1, kRecallLimitMax);
  }
  HOLDFAST_ASSIGN(auto hits, space.recall(query));
  std::erase_if(hits, [&](const RecallHit& hit) { return hit.observation.id == own_id; });
  if (hits.size() > arguments.limit) hits.pop_back();
  if (hits.empty()) return Status(StatusCode::kNotFound, "nothing else has a vector there");
  for (size_t i = 0; i < hits.size(); ++i) print_hit(context.output(), i + 1, hits[i]);
  return Status::ok();
}

constexpr VectorMetric kMetrics[] = {VectorMetric::cosine, VectorMetric::dot, VectorMetric::l2};

const char* name_of(VectorMetric metric) {
  constexpr const char* kNames[] = {"cosine", "dot", "l2"};
  return kNames[static_cast<size_t>(metric)];
}

Json json_of(const VectorSpaceOptions& options) {
  return {{"model", options.model},
          {"model_version", options.model_version},
          {"dimension", options.dimension},
          {"metric", name_of(options.metric)}};
}

void print_vector_spaces(const Output& output, std::span<const VectorSpace> spaces) {
  Table table({"name", "dimension", "metric", "model", "version", "successor"});
  for (const VectorSpace& one : spaces) {
    if (output.json()) {
      Json json = {{"name", one.name}};
      json.update(json_of(static_cast<const VectorSpaceOptions&>(one)));
      if (one.successor) json["successor"] = json_of(*one.successor);
      output.print(json);
      continue;
    }
    table.add({one_line(one.name, 40), std::to_string(one.dimension), name_of(one.metric),
               one_line(one.model, 40), one_line(one.model_version, 20),
               one.successor ? one_line(one.successor->model, 40) + " " +
                                   one_line(one.successor->model_version, 20)
                             : ""});
  }
  if (!table.empty()) table.print(output);
}

Status list_vector_spaces(const Context& context) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const auto spaces, space.vectors().list());
  print_vector_spaces(context.output(), spaces);
  return Status::ok();
}

struct DefineArguments {
  std::string name;
  std::string metric = name_of(VectorMetric::cosine);
  VectorSpaceOptions options;
};

// What is left out of a model that is built in is known.
Status complete(const Context& context, VectorSpaceOptions& options) {
  const Sources sources = sources_of(context.surroundings());
  HOLDFAST_ASSIGN(const VectorSpaceOptions wanted,
                  wanted_model(sources, options.model, options.model_version));
  options.model_version = wanted.model_version;
  if (options.dimension > 0) return Status::ok();
  HOLDFAST_ASSIGN(const auto embedder, embedder_of(options, {}, sources.sentence_model_file));
  if (!embedder) {
    return Status(StatusCode::kInvalidArgument, "how many numbers a vector of model \"" +
                                                    one_line(options.model, 80) +
                                                    "\" has is not known here; give --dimension");
  }
  HOLDFAST_ASSIGN(options.dimension, embedder->dimension());
  return Status::ok();
}

Status define(const Context& context, const DefineArguments& arguments) {
  VectorSpaceOptions options = arguments.options;
  for (const VectorMetric metric : kMetrics) {
    if (arguments.metric == name_of(metric)) options.metric = metric;
  }
  HOLDFAST_TRY(complete(context, options));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kCreateForUser));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_TRY(space.vectors().define(arguments.name, options));
  return store.close();
}

struct DropArguments {
  std::string name;
  bool dry_run = false;
};

Status drop(const Context& context, const DropArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  if (!arguments.dry_run) {
    HOLDFAST_TRY(space.vectors().drop(arguments.name));
    return store.close();
  }
  HOLDFAST_ASSIGN(auto spaces, space.vectors().list());
  std::erase_if(spaces, [&](const VectorSpace& one) { return one.name != arguments.name; });
  if (spaces.empty()) {
    return Status(StatusCode::kNotFound,
                  "there is no vector space \"" + one_line(arguments.name, 80) + "\"");
  }
  print_vector_spaces(context.output(), spaces);
  return Status::ok();
}

struct PutArguments {
  std::string id, vector_file, name;
  Embedding embedding;
};

Status put_vector(const Context& context, const PutArguments& arguments) {
  Embedding embedding = arguments.embedding;
  HOLDFAST_ASSIGN(embedding.values, read_vector(arguments.vector_file));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_TRY(space.vectors().put(arguments.name, arguments.id, embedding));
  return store.close();
}

void add_similar(Commands& commands) {
  auto arguments = arguments_of<SimilarArguments>();
  CLI::App* command =
      commands.add(kGroupMemory, "similar", "Find what is near an observation, or a vector",
                   "holdfast similar 01890a5d-ac96-774b --limit 5",
                   [arguments](const Context& context) { return similar(context, *arguments); });
  command->add_option("id", arguments->id, "Id of an observation, or a prefix");
  command->add_option("--vector", arguments->vector_file,
                      "File with a JSON array of numbers; - reads stdin");
  command->add_option("--vector-space", arguments->vector.space, "Where")->capture_default_str();
  command->add_option("--limit", arguments->limit, "At most so many")
      ->check(CLI::Range(size_t{1}, kRecallLimitMax - 1))
      ->capture_default_str();
  command->add_option("--kind", arguments->kind, "Only of this kind");
  command->add_option("--source", arguments->source, "Only from this source");
  command->add_option("--session", arguments->session, "Only of this session");
  command->add_option("--run", arguments->run, "Only of this run");
  command->add_option("--tag", arguments->tags, "Only with this tag; may be given again")
      ->allow_extra_args(false);
  command->add_flag("--exact", arguments->is_exact, "Compare every vector");
}

}  // namespace

void add_vector_commands(Commands& commands) {
  add_similar(commands);
  CLI::App* family = commands.add_family(kGroupMemory, "vectors", "Vector spaces of a space",
                                         "holdfast vectors list");
  commands.add_to(family, "list", "List them: dimension, metric, model", "holdfast vectors list",
                  list_vector_spaces);
  auto defined = arguments_of<DefineArguments>();
  CLI::App* define_one =
      commands.add_to(family, "define", "Say of which model the vectors of a vector space are",
                      "holdfast vectors define code --model m --dimension 384 --metric dot",
                      [defined](const Context& context) { return define(context, *defined); });
  define_one->add_option("name", defined->name, "The vector space")->required();
  define_one->add_option("--model", defined->options.model, "What computes them")->required();
  define_one->add_option("--model-version", defined->options.model_version, "Which version of it");
  define_one->add_option("--dimension", defined->options.dimension,
                         "Numbers in each (of a model that is built in: known)");
  define_one->add_option("--metric", defined->metric, "By which they are compared")
      ->check(CLI::IsMember({"cosine", "dot", "l2"}))
      ->capture_default_str();
  auto dropped = arguments_of<DropArguments>();
  CLI::App* drops =
      commands.add_to(family, "drop", "Remove a vector space with all its vectors",
                      "holdfast vectors drop code --dry-run",
                      [dropped](const Context& context) { return drop(context, *dropped); });
  drops->add_option("name", dropped->name, "The vector space")->required();
  add_dry_run(drops, dropped->dry_run);
  auto arguments = arguments_of<PutArguments>();
  CLI::App* put = commands.add_to(
      family, "put", "Give an observation a vector",
      "holdfast vectors put main 01890a5d-ac96-774b --vector v.json --model m",
      [arguments](const Context& context) { return put_vector(context, *arguments); });
  put->add_option("name", arguments->name, "The vector space")->required();
  put->add_option("id", arguments->id, "Id of the observation, or a prefix")->required();
  put->add_option("--vector", arguments->vector_file,
                  "File with a JSON array of numbers; - reads stdin")
      ->required();
  put->add_option("--model", arguments->embedding.model, "What has computed it")->required();
  put->add_option("--model-version", arguments->embedding.model_version, "Which version of it");
}

}  // namespace holdfast::cli
