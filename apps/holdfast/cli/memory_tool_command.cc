#include <iostream>
#include <string>

#include "cli/commands.h"
#include "cli/input.h"
#include "cli/json_text.h"
#include "memory_tool/memory_log.h"

namespace holdfast::cli {
namespace {

struct MemoryToolArguments {
  bool lines = false;
};

// Whether the message is the tool's own text for the model, not a failure of the store.
bool for_the_model(StatusCode code) {
  return code == StatusCode::kNotFound || code == StatusCode::kConditionFalse ||
         code == StatusCode::kInvalidArgument || code == StatusCode::kTooLarge;
}

// Runs a command; what it says goes to `text`.
Status execute(Store& store, const Space& files, const std::string& input, std::string& text) {
  const Json command = parse_json(input);
  if (command.is_discarded()) {
    return Status(StatusCode::kInvalidArgument, "The command is not JSON in UTF-8");
  }
  HOLDFAST_ASSIGN(text, memory_tool::MemoryLog(files).run(store, command));
  return Status::ok();
}

// What `tool_result` takes.
Json answer_of(const Status& status, const std::string& text) {
  if (status) return {{"content", text}, {"is_error", false}};
  const bool own = for_the_model(status.code());
  return {{"content", own ? std::string(status.message()) : status.to_string()},
          {"is_error", true}};
}

Status serve_lines(Store& store, const Space& files, const Output& output) {
  std::string line;
  while (std::getline(std::cin, line)) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    std::string text;
    const Status status = execute(store, files, line, text);
    output.print(answer_of(status, text));
    if (std::fflush(stdout) != 0) return Status(StatusCode::kIoError, "cannot write to stdout");
  }
  return Status::ok();
}

Status memory_tool_command(const Context& context, const MemoryToolArguments& arguments) {
  const Output& output = context.output();
  std::string input;
  if (!arguments.lines) {
    HOLDFAST_ASSIGN(input, read_value("-", ""));
  }
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kCreateForUser));
  HOLDFAST_ASSIGN(const Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const Space files, memory_tool::memories_space(space));
  if (arguments.lines) {
    HOLDFAST_TRY(serve_lines(store, files, output));
    return store.close();
  }
  std::string text;
  Status status = execute(store, files, input, text);
  if (output.json()) {
    output.print(answer_of(status, text));
  } else if (status) {
    output.raw(text + "\n");
  } else if (for_the_model(status.code())) {
    output.raw(std::string(status.message()) + "\n");  // the model's text; the exit code tells
  }
  const Status closed = store.close();
  return status ? closed : status;
}

}  // namespace

void add_memory_tool_command(Commands& commands) {
  auto arguments = arguments_of<MemoryToolArguments>();
  CLI::App* command = commands.add(
      kGroupAgents, "memory-tool",
      "Execute a command of the memory tool (memory_20250818) from standard input",
      "echo '{\"command\":\"view\",\"path\":\"/memories\"}' | holdfast memory-tool\n  "
      "holdfast memory-tool --lines",
      [arguments](const Context& context) { return memory_tool_command(context, *arguments); });
  command->add_flag("--lines", arguments->lines,
                    "Execute one command a line until the input ends, answering each with a line "
                    "of JSON: content, is_error");
}

}  // namespace holdfast::cli
