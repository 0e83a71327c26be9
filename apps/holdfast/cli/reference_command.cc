#include <memory>

#include "cli/reference.h"

namespace holdfast::cli {
namespace {

struct ReferenceArguments {
  std::string format = "markdown";
  const CLI::App* program = nullptr;  // with all commands
};

Status print_reference(const Context& context, const ReferenceArguments& arguments) {
  const std::string& format = arguments.format;
  const CLI::App& app = *arguments.program;
  const std::string text = format == "markdown" ? markdown_reference(app)
                           : format == "man"    ? manual_page(app)
                           : format == "bash"   ? bash_completion(app)
                           : format == "zsh"    ? zsh_completion(app)
                                                : fish_completion(app);
  context.output().raw(text);
  return Status::ok();
}

}  // namespace

void add_reference_command(Commands& commands) {
  auto arguments = arguments_of<ReferenceArguments>();
  CLI::App* command = commands.add(
      kGroupStart, "reference",
      "Print all commands as Markdown or a manual page, or their completion for a shell",
      "holdfast reference --format man >holdfast.1\n"
      "  source <(holdfast reference --format bash)",
      [arguments](const Context& context) { return print_reference(context, *arguments); });
  arguments->program = command->get_parent();
  command->add_option("--format", arguments->format, "markdown, man, bash, zsh or fish")
      ->check(CLI::IsMember({"markdown", "man", "bash", "zsh", "fish"}))
      ->capture_default_str();
}

}  // namespace holdfast::cli
