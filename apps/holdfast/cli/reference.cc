#include "cli/reference.h"

#include <algorithm>
#include <functional>
#include <span>
#include <sstream>
#include <utility>
#include <vector>

namespace holdfast::cli {
namespace {

using CommandList = std::vector<const CLI::App*>;
using OptionList = std::vector<const CLI::Option*>;

CommandList children_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

bool is_help(const CLI::Option* option) {
  return option->check_lname("help") || option->check_lname("help-all");
}

OptionList options_of(const CLI::App& app, bool positional) {
  OptionList options;
  for (const CLI::Option* option : app.get_options()) {
    const bool is_hidden = option->get_group().empty();
    if (option->get_positional() == positional && !is_help(option) && !is_hidden) {
      options.push_back(option);
    }
  }
  return options;
}

// A command and those below it, each with the words that name it.
void visit(const CLI::App& app, const std::string& path,
           const std::function<void(const CLI::App&, const std::string& path)>& work) {
  work(app, path);
  for (const CLI::App* child : children_of(app)) {
    visit(*child, path + " " + child->get_name(), work);
  }
}

bool takes_value(const CLI::Option& option) {
  return option.get_items_expected_max() > 0;
}

// "--limit NUMBER", "-r,--recursive"
std::string shown(const CLI::Option& option) {
  const std::string name = option.get_name(option.get_positional(), !option.get_positional());
  if (option.get_positional() || !takes_value(option)) return name;
  return name + " " + value_text(option);
}

std::string explained(const CLI::Option& option) {
  std::string text = option.get_description();
  const std::string standard = option.get_default_str();
  if (!standard.empty()) text += " [" + standard + "]";
  return text;
}

std::string usage(const CLI::App& app, const std::string& path) {
  std::string text = path;
  if (!children_of(app).empty()) return text + " COMMAND";
  if (!options_of(app, false).empty()) text += " [OPTIONS]";
  for (const CLI::Option* option : options_of(app, true)) {
    std::string name = option->get_name(true);
    if (option->get_items_expected_max() > 1) name += " ...";
    text += option->get_required() ? " " + name : " [" + name + "]";
  }
  return text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

// The groups of commands, in the order in which they first come.
std::vector<std::pair<std::string, CommandList>> groups_of(const CLI::App& app) {
  std::vector<std::pair<std::string, CommandList>> groups;
  for (const CLI::App* command : children_of(app)) {
    const std::string& name = command->get_group();
    const auto found = std::find_if(groups.begin(), groups.end(),
                                    [&](const auto& group) { return group.first == name; });
    if (found == groups.end()) {
      groups.push_back({name, {command}});
    } else {
      found->second.push_back(command);
    }
  }
  return groups;
}

// Text of a table: nothing in it ends the cell.
std::string cell(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

void add_markdown_options(std::string& text, const CLI::App& app) {
  OptionList options = options_of(app, true);
  const OptionList named = options_of(app, false);
  options.insert(options.end(), named.begin(), named.end());
  if (options.empty()) return;
  text += "| | |\n|---|---|\n";
  for (const CLI::Option* option : options) {
    text += "| `" + cell(shown(*option)) + "` | " + cell(explained(*option)) + " |\n";
  }
  text += "\n";
}

// As a preformatted block.
void add_markdown_example(std::string& text, const std::string& footer) {
  for (const std::string& line : lines_of(footer)) {
    if (line == "Example:") continue;
    text += line.empty()
                ? "\n"
                : "    " + line.substr(std::min(line.find_first_not_of(' '), line.size())) + "\n";
  }
  text += "\n";
}

// Text of a manual page: nothing in it is a request or an escape.
std::string roff(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

void add_manual_options(std::string& text, const CLI::App& app) {
  for (const bool positional : {true, false}) {
    for (const CLI::Option* option : options_of(app, positional)) {
      text += ".TP\n.B " + roff(shown(*option)) + "\n" + roff(explained(*option)) + "\n";
    }
  }
}

void add_manual_block(std::string& text, const std::string& block) {
  text += ".PP\n.nf\n";
  for (const std::string& line : lines_of(block)) text += line.empty() ? "\n" : roff(line) + "\n";
  text += ".fi\n";
}

struct Named {
  const char* name;
  const char* meaning;
};

constexpr Named kVariables[] = {
    {"HOLDFAST_STORE", "The store, where --store is not given"},
    {"HOLDFAST_SPACE", "The space, where --space is not given"},
    {"HOLDFAST_ACTOR", "Who writes, as commits say it; else holdfast:USER"},
    {"HOLDFAST_EMBED_MODEL",
     "What computes vectors: a model that is built in or installed, or one "
     "of the endpoint"},
    {"HOLDFAST_EMBED_URL", "An endpoint that speaks as OpenAI's embeddings do"},
    {"HOLDFAST_EMBED_API_KEY", "Its key"},
    {"HOLDFAST_MODEL",
     "The file of the installed model, if it is not where `model install` puts "
     "it"},
    {"XDG_DATA_HOME", "Where the user's store and model are; else ~/.local/share"},
    {"NO_COLOR", "If it is set: no colour, also on a terminal"},
};

constexpr Named kFiles[] = {
    {".holdfast/", "The store of a project, found from every directory below"},
    {".holdfast-id", "The name of a project, which is its space; moves with it, and into clones"},
    {"~/.local/share/holdfast/", "The store of the user, where there is no other"},
};

void add_manual_names(std::string& text, std::span<const Named> names) {
  for (const Named& one : names) {
    text += ".TP\n.B " + roff(one.name) + "\n" + roff(one.meaning) + "\n";
  }
}

void add_markdown_names(std::string& text, std::span<const Named> names) {
  text += "\n| | |\n|---|---|\n";
  for (const Named& one : names) {
    text += "| `" + std::string(one.name) + "` | " + one.meaning + " |\n";
  }
}

// What may come behind the words of a command, but for the options of every command.
std::string words_behind(const CLI::App& app) {
  std::string words;
  for (const CLI::App* child : children_of(app)) words += child->get_name() + " ";
  for (const CLI::Option* option : options_of(app, false)) {
    for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
  }
  return words + "--help";
}

// Those of every command.
std::string options_of_all(const CLI::App& app) {
  std::string words;
  for (const CLI::Option* option : options_of(app, false)) {
    for (const std::string& name : option->get_lnames()) {
      if (name != "version") words += (words.empty() ? "--" : " --") + name;
    }
  }
  return words;
}

std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  return names;
}

std::string quoted_for_fish(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

// "a|b" of CLI11's "{a,b}" and "value in {a->0,b->1} OR {0,1}"; empty: `rule` is of another kind.
std::string choices_of(const std::string& rule) {
  const size_t begin = rule.find('{');
  if (begin == rule.npos) return {};
  std::string choices;
  std::istringstream list(rule.substr(begin + 1, rule.find('}') - begin - 1));
  for (std::string choice; std::getline(list, choice, ',');) {
    choices += (choices.empty() ? "" : "|") + choice.substr(0, choice.find("->"));
  }
  return choices;
}

// The words that an option takes; none: anything, or it takes nothing.
std::vector<std::string> choices_of(const CLI::Option& option) {
  std::vector<std::string> choices;
  if (!takes_value(option)) return choices;
  std::istringstream list(choices_of(option.get_type_name()));
  for (std::string choice; std::getline(list, choice, '|');) choices.push_back(choice);
  return choices;
}

std::string joined(const std::vector<std::string>& words, const std::string& between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

// The names of the options of every command that take a value: what comes behind is no command.
std::vector<std::string> valued_options(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : options_of(app, false)) {
    if (!takes_value(*option)) continue;
    for (std::string& name : names_of(*option)) names.push_back(std::move(name));
  }
  return names;
}

// For shells whose `case` knows patterns: of each option that takes a value, what it takes. `line`
// makes a line of the patterns and the words.
std::string value_cases(
    const CLI::App& app,
    const std::function<std::string(const std::string& patterns, const std::string& words)>& line) {
  std::string cases;
  visit(app, app.get_name(), [&](const CLI::App& one, const std::string& path) {
    const std::string before = &one == &app ? "*' " : "'" + path + " ";
    std::vector<std::string> others;
    for (const CLI::Option* option : options_of(one, false)) {
      if (!takes_value(*option)) continue;
      std::vector<std::string> patterns;
      for (const std::string& name : names_of(*option)) patterns.push_back(before + name + "'");
      const auto choices = choices_of(*option);
      if (choices.empty()) {
        others.insert(others.end(), patterns.begin(), patterns.end());
      } else {
        cases += line(joined(patterns, " | "), joined(choices, " "));
      }
    }
    if (!others.empty()) cases += line(joined(others, " | "), "");
  });
  return cases;
}

}  // namespace

std::string value_text(const CLI::Option& option) {
  const std::string type = option.get_type_name();  // "UINT:UINT in [1 - 256]", "TEXT:{a,b}"
  const size_t colon = std::min(type.find(':'), type.size());
  const std::string rule = type.substr(colon);
  const std::string choices = choices_of(rule);
  if (!choices.empty()) return choices;
  std::string name = type.substr(0, colon);
  if (name == "UINT" || name == "INT" || name == "FLOAT") name = "NUMBER";
  const size_t range = rule.find(" in [");
  return range == rule.npos || name == "DURATION" ? name : name + rule.substr(range);
}

std::string wrapped_help(const std::string& help, size_t columns) {
  constexpr size_t kBeside = 30;  // CLI11's column of explanations
  constexpr size_t kLeast = 20;   // columns for words
  std::string text;
  bool is_example = false;
  for (std::string line : lines_of(help)) {
    is_example |= line.starts_with("Example:");
    const bool is_beside = line.size() > kBeside && line[kBeside - 1] == ' ' && line[0] == ' ';
    const size_t indent = is_beside ? kBeside : 0;
    while (!is_example && line.size() > std::max(columns, indent + kLeast)) {
      const size_t space = line.rfind(' ', std::max(columns, indent + kLeast));
      if (space == line.npos || space <= indent) break;
      text += line.substr(0, space) + "\n";
      line = std::string(indent, ' ') + line.substr(space + 1);
    }
    text += line + "\n";
  }
  return text;
}

std::string HelpFormatter::make_help(const CLI::App* app, std::string name,
                                     CLI::AppFormatMode mode) const {
  std::string help = CLI::Formatter::make_help(app, std::move(name), mode);
  // An option that is not shown leaves an empty line.
  if (const size_t empty = help.find("\n\n\n"); empty != help.npos) help.erase(empty, 1);
  const size_t columns = terminal_columns();
  return columns == 0 ? help : wrapped_help(help, columns);
}

std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
  if (!takes_value(*option)) return {};
  std::string text = " " + value_text(*option);
  const std::string standard = option->get_default_str();
  if (!standard.empty()) text += " [" + standard + "]";
  if (option->get_items_expected_max() > 1) text += " ...";
  if (option->get_required()) text += " REQUIRED";
  return text;
}

std::string markdown_reference(const CLI::App& app) {
  std::string text =
      "# Command line\n\nMade by `holdfast reference --format markdown` from what `--help` prints; "
      "a test compares the two.\n\n" +
      app.get_description() + "\n\n## Options of every command\n\n";
  add_markdown_options(text, app);
  add_markdown_example(text, app.get_footer());
  text += "## Environment and files\n";
  add_markdown_names(text, kVariables);
  add_markdown_names(text, kFiles);
  text += "\n";
  for (const auto& [group, commands] : groups_of(app)) {
    text += "## " + group + "\n\n";
    for (const CLI::App* command : commands) {
      visit(*command, app.get_name() + " " + command->get_name(),
            [&](const CLI::App& one, const std::string& path) {
              text += "### " + path + "\n\n" + one.get_description() + ".\n\n    " +
                      usage(one, path) + "\n\n";
              add_markdown_options(text, one);
              text += "Example:\n\n";
              add_markdown_example(text, one.get_footer());
            });
    }
  }
  while (text.ends_with("\n\n")) text.pop_back();
  return text;
}

std::string manual_page(const CLI::App& app) {
  std::string text =
      ".TH HOLDFAST 1\n.SH NAME\nholdfast \\- memory that agents share\n.SH "
      "SYNOPSIS\n.B holdfast\n[OPTIONS] COMMAND\n.SH DESCRIPTION\n" +
      roff(app.get_description()) + "\n.SH OPTIONS\n";
  add_manual_options(text, app);
  for (const auto& [group, commands] : groups_of(app)) {
    text += ".SH " + roff(group) + "\n";
    for (const CLI::App* command : commands) {
      visit(*command, app.get_name() + " " + command->get_name(),
            [&](const CLI::App& one, const std::string& path) {
              text += ".SS " + roff(usage(one, path)) + "\n" + roff(one.get_description()) + ".\n";
              add_manual_options(text, one);
              add_manual_block(text, one.get_footer());
            });
    }
  }
  text += ".SH ENVIRONMENT\n";
  add_manual_names(text, kVariables);
  text += ".SH FILES\n";
  add_manual_names(text, kFiles);
  const std::string footer = app.get_footer();
  const size_t example = std::min(footer.find("Example:"), footer.size());
  text += ".SH EXIT STATUS\n";
  add_manual_block(text, footer.substr(0, example));
  text += ".SH EXAMPLES\n";
  add_manual_block(text, footer.substr(example));
  return text;
}

std::string bash_completion(const CLI::App& app) {
  std::string known;
  std::string cases;
  visit(app, app.get_name(), [&](const CLI::App& one, const std::string& path) {
    if (&one != &app) known += (known.empty() ? "" : " | ") + ("'" + path + "'");
    cases += "        '" + path + "') words='" + words_behind(one) + "' ;;\n";
  });
  return "# Completes commands, options and their values; files elsewhere.\n"
         "_holdfast() {\n"
         "  local path=" +
         app.get_name() +
         " words= i\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
         "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
         "    case ${COMP_WORDS[i - 1]} in\n"
         "      " +
         joined(valued_options(app), " | ") +
         ") continue ;;\n"
         "    esac\n"
         "    case \"$path ${COMP_WORDS[i]}\" in\n"
         "      " +
         known +
         ") path=\"$path ${COMP_WORDS[i]}\" ;;\n"
         "    esac\n"
         "  done\n"
         "  if [[ $before == = ]]; then before=${COMP_WORDS[COMP_CWORD - 2]}; fi\n"
         "  if [[ $word == = ]]; then word=; fi\n"
         "  case \"$path $before\" in\n" +
         value_cases(app,
                     [](const std::string& patterns, const std::string& words) {
                       return "    " + patterns + ") words='" + words + "' ;;\n";
                     }) +
         "    *)\n"
         "      case $path in\n" +
         cases +
         "      esac\n"
         "      if [[ $path != " +
         app.get_name() + " ]]; then words=\"$words " + options_of_all(app) +
         "\"; fi\n"
         "      ;;\n"
         "  esac\n"
         "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
         "}\n"
         "complete -o default -F _holdfast " +
         app.get_name() + "\n";
}

std::string zsh_completion(const CLI::App& app) {
  std::string cases;
  std::string known;
  visit(app, app.get_name(), [&](const CLI::App& one, const std::string& path) {
    cases += "    '" + path + "') offered=(" + words_behind(one) + ") ;;\n";
    if (&one != &app) known += (known.empty() ? "" : " | ") + ("'" + path + "'");
  });
  return "#compdef " + app.get_name() +
         "\n"
         "_holdfast() {\n"
         "  local at=" +
         app.get_name() +
         " i\n"
         "  local -a offered\n"
         "  for ((i = 2; i < CURRENT; ++i)); do\n"
         "    case ${words[i - 1]} in\n"
         "      " +
         joined(valued_options(app), " | ") +
         ") continue ;;\n"
         "    esac\n"
         "    case \"$at ${words[i]}\" in\n"
         "      " +
         known +
         ") at=\"$at ${words[i]}\" ;;\n"
         "    esac\n"
         "  done\n"
         "  case \"$at ${words[CURRENT - 1]}\" in\n" +
         value_cases(app,
                     [](const std::string& patterns, const std::string& words) {
                       const std::string action = words.empty() ? "_files" : "compadd -- " + words;
                       return "    " + patterns + ") " + action + "; return ;;\n";
                     }) +
         "  esac\n"
         "  case $at in\n" +
         cases +
         "  esac\n"
         "  if [[ $at != " +
         app.get_name() + " ]]; then offered+=(" + options_of_all(app) +
         "); fi\n"
         "  compadd -a offered\n"
         "  _files\n"
         "}\n"
         "_holdfast \"$@\"\n";
}

std::string fish_completion(const CLI::App& app) {
  const std::string complete = "complete -c " + app.get_name();
  std::string paths;
  std::string text;
  const auto add_options = [&](const std::string& begin, const CLI::App& one) {
    for (const CLI::Option* option : options_of(one, false)) {
      text += begin;
      for (const std::string& name : option->get_lnames()) text += " -l " + name;
      for (const std::string& name : option->get_snames()) text += " -s " + name;
      const auto choices = choices_of(*option);
      if (!choices.empty()) {
        text += " -x -a " + quoted_for_fish(joined(choices, " "));
      } else if (takes_value(*option)) {
        text += " -r";
      }
      text += " -d " + quoted_for_fish(option->get_description()) + "\n";
    }
  };
  add_options(complete, app);
  visit(app, "", [&](const CLI::App& one, const std::string& path) {
    const std::string begin = complete + " -n " + quoted_for_fish("__holdfast_at" + path);
    for (const CLI::App* child : children_of(one)) {
      const std::string words = path + " " + child->get_name();
      paths += " " + quoted_for_fish(words.substr(1));
      text += begin + " -a " + child->get_name() + " -d " +
              quoted_for_fish(child->get_description()) + "\n";
    }
    if (&one != &app) add_options(begin, one);
  });
  return "set -g __holdfast_paths" + paths +
         "\n"
         "# Whether the words of a command are those of the arguments.\n"
         "function __holdfast_at\n"
         "  set -l at\n"
         "  set -l before\n"
         "  for word in (commandline -opc)[2..]\n"
         "    if not contains -- \"$before\" " +
         joined(valued_options(app), " ") +
         "; and contains -- (string join -- ' ' $at $word) $__holdfast_paths\n"
         "      set -a at $word\n"
         "    end\n"
         "    set before $word\n"
         "  end\n"
         "  test \"$at\" = \"$argv\"\n"
         "end\n" +
         text;
}

}  // namespace holdfast::cli
