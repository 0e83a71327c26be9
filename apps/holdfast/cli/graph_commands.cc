// graph: the knowledge graph of the drop-in server, from and to the file of the reference.
#include <map>
#include <set>
#include <span>
#include <utility>

#include "cli/dry_run.h"
#include "cli/input.h"
#include "cli/replace_file.h"
#include "cli/tree_commands.h"
#include "graph/graph_space.h"

namespace holdfast::cli {
namespace {

using graph::Entity;
using graph::Graph;
using graph::KnowledgeGraph;

constexpr size_t kThingsAtOnce = 200;  // in one commit

struct Additions {
  uint64_t entities = 0;
  uint64_t observations = 0;
  uint64_t relations = 0;
};

// What is there already stays, and gets the observations that it has not.
Result<Additions> bring_in(Graph& graph, std::span<const Entity> entities) {
  Additions added;
  for (const Entity& entity : entities) {
    HOLDFAST_ASSIGN(const auto created, graph.create_entities({&entity, 1}));
    if (!created.empty()) {
      ++added.entities;
      added.observations += entity.observations.size();
      continue;
    }
    HOLDFAST_ASSIGN(const auto observed, graph.add_observations(entity.name, entity.observations));
    added.observations += observed.size();
  }
  return added;
}

template <typename Thing, typename Work>
Status in_pieces(const std::vector<Thing>& things, const Work& work) {
  for (size_t begin = 0; begin < things.size(); begin += kThingsAtOnce) {
    const size_t count = std::min(kThingsAtOnce, things.size() - begin);
    HOLDFAST_TRY(work(std::span<const Thing>(things).subspan(begin, count)));
  }
  return Status::ok();
}

// What bring_in() and create_relations() would add of `file` to `own`.
Additions additions_of(const KnowledgeGraph& own, const KnowledgeGraph& file) {
  Additions added;
  std::map<std::string, std::set<std::string>> known;
  for (const Entity& entity : own.entities) {
    known[entity.name].insert(entity.observations.begin(), entity.observations.end());
  }
  for (const Entity& entity : file.entities) {
    const auto [at, is_new] = known.try_emplace(entity.name);
    added.entities += is_new ? 1 : 0;
    for (const std::string& one : entity.observations) {
      added.observations += at->second.contains(one) ? 0 : 1;
    }
    at->second.insert(entity.observations.begin(), entity.observations.end());
  }
  std::set<graph::Relation> relations(own.relations.begin(), own.relations.end());
  const size_t before = relations.size();
  relations.insert(file.relations.begin(), file.relations.end());
  added.relations = relations.size() - before;
  return added;
}

void print_additions(const Output& output, const Additions& added, const std::string& verb,
                     Json json) {
  json["new_entities"] = added.entities;
  json["new_observations"] = added.observations;
  json["new_relations"] = added.relations;
  if (output.json()) return output.print(json);
  output.line(counted(added.entities, "entity", "entities") + ", " +
              counted(added.observations, "observation") + ", " +
              counted(added.relations, "relation") + verb);
}

Status show_additions(const Context& context, const KnowledgeGraph& file) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(const Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const KnowledgeGraph own, graph::read_graph(store, space));
  const Additions added = additions_of(own, file);
  print_additions(context.output(), added, " would be added", Json::object());
  return Status::ok();
}

struct ImportArguments {
  std::string file;
  bool dry_run = false;
};

Status import_graph(const Context& context, const ImportArguments& arguments) {
  const std::string& file = arguments.file;
  const bool from_stdin = file == "-";
  HOLDFAST_ASSIGN(const std::string text,
                  read_value(from_stdin ? std::optional<std::string>("-") : std::nullopt,
                             from_stdin ? "" : file));
  HOLDFAST_ASSIGN(const KnowledgeGraph graph, graph::from_lines(text));
  if (arguments.dry_run) return show_additions(context, graph);
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kCreateForUser));
  HOLDFAST_ASSIGN(const Space space, context.open_space(store));
  Additions total;
  HOLDFAST_TRY(in_pieces(graph.entities, [&](std::span<const Entity> piece) -> Status {
    Additions added;
    HOLDFAST_TRY(graph::update_graph(store, space, [&](Graph& own) -> Status {
      HOLDFAST_ASSIGN(added, bring_in(own, piece));
      return Status::ok();
    }));
    total.entities += added.entities;
    total.observations += added.observations;
    return Status::ok();
  }));
  HOLDFAST_TRY(in_pieces(graph.relations, [&](std::span<const graph::Relation> piece) -> Status {
    uint64_t added = 0;
    HOLDFAST_TRY(graph::update_graph(store, space, [&](Graph& own) -> Status {
      HOLDFAST_ASSIGN(const auto created, own.create_relations(piece));
      added = created.size();
      return Status::ok();
    }));
    total.relations += added;
    return Status::ok();
  }));
  print_additions(context.output(), total, " added",
                  {{"entities", graph.entities.size()}, {"relations", graph.relations.size()}});
  return store.close();
}

Status export_graph(const Context& context, const std::string& file) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(const Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const KnowledgeGraph graph, graph::read_graph(store, space));
  const std::string text = graph::to_lines(graph);
  if (file.empty()) {
    context.output().raw(text.empty() ? text : text + "\n");
  } else {
    HOLDFAST_TRY(replace_file(file, text, Folders::kRefuse));
  }
  return store.close();
}

}  // namespace

void add_graph_commands(Commands& commands) {
  CLI::App* family = commands.add_family(
      kGroupAgents, "graph",
      "The knowledge graph of `mcp --tools server-memory`, from and to the reference's file",
      "holdfast graph import memory.jsonl");
  auto imported = arguments_of<ImportArguments>();
  CLI::App* command = commands.add_to(
      family, "import", "Add the entities and relations of a file; nothing twice",
      "holdfast graph import memory.jsonl --dry-run\n  holdfast graph import memory.jsonl",
      [imported](const Context& context) { return import_graph(context, *imported); });
  command
      ->add_option("file", imported->file,
                   "JSON lines of the reference memory server; - reads stdin")
      ->required();
  command->add_flag("--dry-run", imported->dry_run, "Only say what would be added");
  auto target = arguments_of<std::string>();
  commands
      .add_to(family, "export", "Print the graph as the reference memory server keeps it",
              "holdfast graph export --file memory.jsonl",
              [target](const Context& context) { return export_graph(context, *target); })
      ->add_option("--file", *target, "Write this file instead");
}

}  // namespace holdfast::cli
