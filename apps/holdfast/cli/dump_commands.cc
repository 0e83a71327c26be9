#include <charconv>

#include "cli/commands.h"
#include "cli/row_text.h"
#include "os/os.h"

namespace holdfast::cli {
namespace {

// "3:512" (segment and offset) or a whole number.
Result<uint64_t> parse_lsn(const std::string& text) {
  const auto number = [](std::string_view part) -> std::optional<uint64_t> {
    uint64_t value = 0;
    const auto end = std::from_chars(part.data(), part.data() + part.size(), value);
    if (end.ec != std::errc() || end.ptr != part.data() + part.size()) return std::nullopt;
    return value;
  };
  const size_t colon = text.find(':');
  if (colon == std::string::npos) {
    if (const auto lsn = number(text)) return *lsn;
  } else {
    const auto segment = number(std::string_view(text).substr(0, colon));
    const auto offset = number(std::string_view(text).substr(colon + 1));
    if (segment && offset && *segment <= UINT32_MAX && *offset <= UINT32_MAX) {
      return *segment << 32 | *offset;
    }
  }
  return Status(StatusCode::kInvalidArgument,
                "\"" + text + "\" is no LSN; write SEGMENT:OFFSET or the number");
}

struct LogArguments {
  std::string from = "0";
  std::string to;
  bool keys = false;
};

care::RowSink sink_of(const Context& context) {
  return [&context](const care::Row& row) {
    print_row(context.output(), row);
    return Status::ok();
  };
}

Status dump_log(const Context& context, const LogArguments& arguments) {
  care::LogDumpOptions options;
  options.keys = arguments.keys;
  HOLDFAST_ASSIGN(options.from_lsn, parse_lsn(arguments.from));
  if (!arguments.to.empty()) {
    HOLDFAST_ASSIGN(options.to_lsn, parse_lsn(arguments.to));
  }
  HOLDFAST_ASSIGN(const std::string path, context.store_path(IfAbsent::kRefuse));
  return care::dump_log(os::posix_os(), path, options, sink_of(context));
}

Status dump_page(const Context& context, uint64_t pgno) {
  HOLDFAST_ASSIGN(const std::string path, context.store_path(IfAbsent::kRefuse));
  return care::dump_page(os::posix_os(), path, pgno, sink_of(context));
}

struct TreeArguments {
  std::string of = "newest";
  uint32_t depth = ~0u;
};

Status dump_tree(const Context& context, const TreeArguments& arguments) {
  care::TreeDumpOptions options;
  options.depth_max = arguments.depth;
  options.choice = arguments.of == "live"    ? care::TreeChoice::kLive
                   : arguments.of == "older" ? care::TreeChoice::kOlderCheckpoint
                                             : care::TreeChoice::kNewestCheckpoint;
  HOLDFAST_ASSIGN(const std::string path, context.store_path(IfAbsent::kRefuse));
  return care::dump_tree(os::posix_os(), path, options, sink_of(context));
}

Status dump_meta(const Context& context) {
  HOLDFAST_ASSIGN(const std::string path, context.store_path(IfAbsent::kRefuse));
  return care::dump_meta(os::posix_os(), path, sink_of(context));
}

Status dump_control(const Context& context) {
  HOLDFAST_ASSIGN(const std::string path, context.store_path(IfAbsent::kRefuse));
  return care::dump_control(os::posix_os(), path, sink_of(context));
}

void add_log(Commands& commands, CLI::App* dump) {
  auto arguments = arguments_of<LogArguments>();
  CLI::App* log = commands.add_to(
      dump, "log", "Segments and records of the log, and where there are none",
      "holdfast dump log --from 3:512 --keys",
      [arguments](const Context& context) { return dump_log(context, *arguments); });
  log->add_option("--from", arguments->from, "Records from there on")->type_name("SEG:OFFSET");
  log->add_option("--to", arguments->to, "Records that begin before it")->type_name("SEG:OFFSET");
  log->add_flag("--keys", arguments->keys, "What each commit wrote");
}

void add_tree(Commands& commands, CLI::App* dump) {
  auto arguments = arguments_of<TreeArguments>();
  CLI::App* tree = commands.add_to(
      dump, "tree", "Pages of a tree with the keys they span, from the root down",
      "holdfast dump tree --depth 1 --of older",
      [arguments](const Context& context) { return dump_tree(context, *arguments); });
  tree->add_option("--depth", arguments->depth, "Levels below the root to go down");
  tree->add_option("--of", arguments->of, "Which tree: that of a checkpoint, or the live one")
      ->check(CLI::IsMember({"newest", "older", "live"}))
      ->capture_default_str();
}

}  // namespace

void add_dump_commands(Commands& commands) {
  CLI::App* dump = commands.add_family(
      kGroupCare, "dump",
      "Print what lies in a store's files, whether it can be opened or not; changes nothing",
      "holdfast dump log --json");
  add_log(commands, dump);
  auto pgno = arguments_of<uint64_t>();
  commands
      .add_to(dump, "page", "One page of the data file, with its cells", "holdfast dump page 17",
              [pgno](const Context& context) { return dump_page(context, *pgno); })
      ->add_option("page", *pgno, "Number of the page")
      ->required();
  add_tree(commands, dump);
  commands.add_to(dump, "meta", "The superblock and both metas", "holdfast dump meta", dump_meta);
  commands.add_to(dump, "control",
                  "The control block: locks and who holds them, tail, roots, processes, readers",
                  "holdfast dump control --json", dump_control);
}

}  // namespace holdfast::cli
