// graph: the knowledge graph of the drop-in server, from and to the file of the reference.
#include <utility>

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

// What is there already stays, and gets the observations that it has not.
Status bring_in(Graph& graph, std::span<const Entity> entities) {
  for (const Entity& entity : entities) {
    HOLDFAST_ASSIGN(const auto created, graph.create_entities({&entity, 1}));
    if (!created.empty()) continue;
    HOLDFAST_TRY(graph.add_observations(entity.name, entity.observations).status());
  }
  return Status::ok();
}

template <typename Thing, typename Work>
Status in_pieces(const std::vector<Thing>& things, const Work& work) {
  for (size_t begin = 0; begin < things.size(); begin += kThingsAtOnce) {
    const size_t count = std::min(kThingsAtOnce, things.size() - begin);
    HOLDFAST_TRY(work(std::span<const Thing>(things).subspan(begin, count)));
  }
  return Status::ok();
}

Status import_graph(const Context& context, const std::string& file) {
  const bool from_stdin = file == "-";
  HOLDFAST_ASSIGN(const std::string text,
                  read_value(from_stdin ? std::optional<std::string>("-") : std::nullopt,
                             from_stdin ? "" : file));
  HOLDFAST_ASSIGN(const KnowledgeGraph graph, graph::from_lines(text));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kCreateForUser));
  HOLDFAST_ASSIGN(const Space space, context.open_space(store));
  HOLDFAST_TRY(in_pieces(graph.entities, [&](std::span<const Entity> piece) {
    return graph::update_graph(store, space, [&](Graph& own) { return bring_in(own, piece); });
  }));
  HOLDFAST_TRY(in_pieces(graph.relations, [&](std::span<const graph::Relation> piece) {
    return graph::update_graph(store, space,
                               [&](Graph& own) { return own.create_relations(piece).status(); });
  }));
  const Output& output = context.output();
  if (output.json()) {
    output.print({{"entities", graph.entities.size()}, {"relations", graph.relations.size()}});
  } else {
    output.line(with_separators(graph.entities.size()) + " entities, " +
                with_separators(graph.relations.size()) + " relations");
  }
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
    HOLDFAST_TRY(replace_file(file, text));
  }
  return store.close();
}

}  // namespace

void add_graph_commands(Commands& commands) {
  CLI::App* family = commands.add_family(
      kGroupAgents, "graph",
      "The knowledge graph of `mcp --tools server-memory`, from and to the reference's file",
      "holdfast graph import memory.jsonl");
  auto file = arguments_of<std::string>();
  commands
      .add_to(family, "import", "Add the entities and relations of a file; nothing twice",
              "holdfast graph import memory.jsonl",
              [file](const Context& context) { return import_graph(context, *file); })
      ->add_option("file", *file, "JSON lines of the reference memory server; - reads stdin")
      ->required();
  auto target = arguments_of<std::string>();
  commands
      .add_to(family, "export", "Print the graph as the reference memory server keeps it",
              "holdfast graph export --file memory.jsonl",
              [target](const Context& context) { return export_graph(context, *target); })
      ->add_option("--file", *target, "Write this file instead");
}

}  // namespace holdfast::cli
