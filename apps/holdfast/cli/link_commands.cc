#include "cli/commands.h"
#include "cli/dry_run.h"
#include "cli/input.h"

namespace holdfast::cli {
namespace {

const std::map<std::string, LinkDirection> kDirections = {
    {"out", LinkDirection::out}, {"in", LinkDirection::in}, {"both", LinkDirection::both}};

struct AddArguments {
  NewLink link;
  std::optional<double> by;
};

void print_link(const Output& output, const Link& link, Table& table) {
  if (output.json()) {
    Json json = {
        {"from", link.from}, {"type", link.type}, {"to", link.to}, {"weight", link.weight}};
    if (!link.data.empty()) set_bytes(json, "data", link.data);
    output.print(json);
    return;
  }
  table.add({one_line(link.from, 60), one_line(link.type, 30), one_line(link.to, 60),
             fixed(link.weight, 3)});
}

Status add(const Context& context, const AddArguments& arguments) {
  const NewLink& link = arguments.link;
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kCreateForUser));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  double weight = link.weight;
  if (arguments.by) {
    HOLDFAST_ASSIGN(weight, space.links().strengthen(link.from, link.type, link.to, *arguments.by));
  } else {
    HOLDFAST_TRY(space.links().put(link).status());
  }
  if (context.output().json()) {
    context.output().print(
        {{"from", link.from}, {"type", link.type}, {"to", link.to}, {"weight", weight}});
  }
  return store.close();
}

struct RemoveArguments {
  NewLink link;
  bool dry_run = false;
};

Status remove(const Context& context, const RemoveArguments& arguments) {
  const NewLink& name = arguments.link;
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  if (arguments.dry_run) {
    HOLDFAST_ASSIGN(Transaction transaction, store.begin());  // never committed
    const Links links = space.links(transaction);
    HOLDFAST_ASSIGN(const auto link, links.get(name.from, name.type, name.to));
    HOLDFAST_TRY(links.remove(name.from, name.type, name.to));
    Table table({"from", "type", "to", "weight"});
    print_link(context.output(), *link, table);
    if (!table.empty()) table.print(context.output());
    return Status::ok();
  }
  HOLDFAST_TRY(space.links().remove(name.from, name.type, name.to));
  return store.close();
}

struct EndArguments {
  std::string end;
  bool dry_run = false;
};

// How many.
Result<uint64_t> remove_all(const Links& links, const std::string& end) {
  uint64_t removed = 0;
  while (true) {
    HOLDFAST_ASSIGN(const uint64_t step, links.remove_end(end));
    if (step == 0) return removed;
    removed += step;
  }
}

Status remove_end(const Context& context, const EndArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const uint64_t removed,
                  removed_by(store, arguments.dry_run, [&](auto&... transaction) {
                    return remove_all(space.links(transaction...), arguments.end);
                  }));
  print_removed(context.output(), removed, "link", "links", arguments.dry_run);
  return store.close();
}

struct OfArguments {
  std::string end;
  LinkListOptions options = {.filter = {.direction = LinkDirection::both}};
};

Status of(const Context& context, const OfArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const auto links, arguments.end.empty()
                                        ? space.links().list(arguments.options)
                                        : space.links().of(arguments.end, arguments.options));
  Table table({"from", "type", "to", "weight"});
  for (const Link& link : links) print_link(context.output(), link, table);
  if (!table.empty()) table.print(context.output());
  return Status::ok();
}

struct WalkArguments {
  std::vector<std::string> from;
  WalkOptions options;
};

Status walk(const Context& context, const WalkArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const WalkResult result, space.links().walk(arguments.from, arguments.options));
  Table table({"depth", "end", "by", "weight"});
  for (const WalkedEnd& end : result.ends) {
    if (context.output().json()) {
      context.output().print({{"end", end.end},
                              {"depth", end.depth},
                              {"from", end.by.from},
                              {"type", end.by.type},
                              {"to", end.by.to},
                              {"weight", end.by.weight}});
      continue;
    }
    table.add({std::to_string(end.depth), one_line(end.end, 60),
               one_line(end.by.from + " " + end.by.type + " " + end.by.to, 80),
               fixed(end.by.weight, 3)});
  }
  if (!table.empty()) table.print(context.output());
  if (!result.is_complete) {
    std::fprintf(stderr, "holdfast: there is more; raise --limit or narrow it down\n");
  }
  return Status::ok();
}

struct SpreadArguments {
  std::vector<std::string> seeds;
  SpreadOptions options;
};

Status spread(const Context& context, const SpreadArguments& arguments) {
  std::vector<Activation> seeds;
  for (const std::string& seed : arguments.seeds) seeds.push_back({seed, 1});
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const auto activations, space.links().spread(seeds, arguments.options));
  Table table({"activation", "end"});
  for (const Activation& activation : activations) {
    if (context.output().json()) {
      context.output().print({{"end", activation.end}, {"activation", activation.value}});
    } else {
      table.add({fixed(activation.value, 4), one_line(activation.end, 80)});
    }
  }
  if (!table.empty()) table.print(context.output());
  return Status::ok();
}

void add_filter(CLI::App* command, LinkFilter& filter) {
  command->add_option("--direction", filter.direction, "out, in or both")
      ->transform(CLI::CheckedTransformer(kDirections));
  command->add_option("--type", filter.types, "Only links of this type; may be given again")
      ->allow_extra_args(false);
  command->add_option("--weight-min", filter.weight_min, "Only links of at least this weight");
}

void add_name(CLI::App* command, NewLink& link) {
  command->add_option("from", link.from, "Where it begins, such as observation/<id>")->required();
  command->add_option("type", link.type, "Such as causes")->required();
  command->add_option("to", link.to, "Where it ends")->required();
}

void add_changes(Commands& commands, CLI::App* family) {
  auto added = arguments_of<AddArguments>();
  CLI::App* command =
      commands.add_to(family, "add", "Link two things, or change the link",
                      "holdfast link add parser.cc \"is tested by\" parser_test.cc --weight 0.8",
                      [added](const Context& context) { return add(context, *added); });
  add_name(command, added->link);
  command->add_option("--weight", added->link.weight, "Its weight")->capture_default_str();
  command->add_option("--by", added->by, "Add this to its weight instead");
  command->add_option("--data", added->link.data, "What else to keep with it");

  auto removed = arguments_of<RemoveArguments>();
  command =
      commands.add_to(family, "remove", "Remove a link",
                      "holdfast link remove parser.cc \"is tested by\" parser_test.cc",
                      [removed](const Context& context) { return remove(context, *removed); });
  add_name(command, removed->link);
  add_dry_run(command, removed->dry_run);

  auto end = arguments_of<EndArguments>();
  command = commands.add_to(family, "remove-end", "Remove all links from and to something",
                            "holdfast link remove-end parser.cc --dry-run",
                            [end](const Context& context) { return remove_end(context, *end); });
  command->add_option("end", end->end, "What they begin or end with")->required();
  add_dry_run(command, end->dry_run);
}

void add_walks(Commands& commands, CLI::App* family) {
  auto walked = arguments_of<WalkArguments>();
  CLI::App* command =
      commands.add_to(family, "walk", "Print what can be reached, nearest first",
                      "holdfast link walk parser.cc --depth 2",
                      [walked](const Context& context) { return walk(context, *walked); });
  command->add_option("from", walked->from, "Where to begin")->required();
  command->add_option("--depth", walked->options.depth_max, "At most so many links away")
      ->capture_default_str();
  command->add_option("--prefix", walked->options.prefix, "Only what begins so");
  command->add_option("--limit", walked->options.limit, "At most so many")->capture_default_str();
  add_filter(command, walked->options.filter);

  auto spread_out = arguments_of<SpreadArguments>();
  command = commands.add_to(
      family, "spread", "Print what is most related, by spreading activation along links",
      "holdfast link spread parser.cc lexer.cc --limit 10",
      [spread_out](const Context& context) { return spread(context, *spread_out); });
  command->add_option("seeds", spread_out->seeds, "Where to begin")->required();
  command->add_option("--steps", spread_out->options.steps, "How far")->capture_default_str();
  command->add_option("--decay", spread_out->options.decay, "What each step passes on")
      ->capture_default_str();
  command->add_option("--prefix", spread_out->options.prefix, "Only what begins so");
  command->add_option("--limit", spread_out->options.limit, "At most so many")
      ->capture_default_str();
  add_filter(command, spread_out->options.filter);
}

}  // namespace

void add_link_commands(Commands& commands) {
  CLI::App* family =
      commands.add_family(kGroupMemory, "link", "Links between anything: make, follow, relate",
                          "holdfast link add parser.cc \"is tested by\" parser_test.cc\n"
                          "  holdfast link walk parser.cc");
  add_changes(commands, family);
  auto listed = arguments_of<OfArguments>();
  CLI::App* command =
      commands.add_to(family, "of", "List the links of something, or all links",
                      "holdfast link of parser.cc --direction in",
                      [listed](const Context& context) { return of(context, *listed); });
  command->add_option("end", listed->end, "What they begin or end with; else all");
  command->add_option("--limit", listed->options.limit, "At most so many")->capture_default_str();
  add_filter(command, listed->options.filter);
  add_walks(commands, family);
}

}  // namespace holdfast::cli
