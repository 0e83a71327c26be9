// The reference of the command line, made from what --help is made of: as Markdown, as a manual
// page, and as completions of shells.
//
// Thread-safety: pure functions.
#pragma once

#include <string>

#include "cli/commands.h"

namespace holdfast::cli {

// What an option's value may be: "TEXT", "strict|batched", "NUMBER in [1 - 256]".
std::string value_text(const CLI::Option& option);

// Lays --help out; as CLI11 does but for values.
class HelpFormatter : public CLI::Formatter {
 public:
  // On a terminal no line is broken in the middle of a word.
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
};

// `help` with lines of at most so many columns: what stands beside an option goes on beside it.
// Examples stay as they are.
std::string wrapped_help(const std::string& help, size_t columns);

std::string markdown_reference(const CLI::App& app);
std::string manual_page(const CLI::App& app);
std::string bash_completion(const CLI::App& app);
std::string zsh_completion(const CLI::App& app);
std::string fish_completion(const CLI::App& app);

void add_reference_command(Commands& commands);  // reference

}  // namespace holdfast::cli
