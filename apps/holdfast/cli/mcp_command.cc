#include <signal.h>
#include <unistd.h>

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <thread>
#include <utility>

#include "cli/commands.h"
#include "cli/input.h"
#include "mcp/fixtures.h"
#include "mcp/graph_tools.h"
#include "mcp/http.h"
#include "mcp/memory_tools.h"
#include "mcp/stdio.h"
#include "mcp/updates.h"
#include "mcp/work_tools.h"

namespace holdfast::cli {
namespace {

constexpr const char* kInstructions =
    "Holdfast is the memory of this project, shared by all agents that work on it. Call recall "
    "before you begin and when something surprises you; call remember when you learned or decided "
    "something that the next agent should know. Before you change what others may be changing, "
    "take a claim.";

constexpr const char* kOwnTools = "holdfast";
constexpr const char* kAllTools = "all";
constexpr const char* kGraphTools = "server-memory";
constexpr const char* kGraphInstructions =
    "A knowledge graph that persists and is shared by all agents of this project: entities with "
    "observations, and relations between them.";

struct McpArguments {
  bool http = false;
  bool conformance = false;
  std::string tools = kOwnTools;
  std::string token_file;
  mcp::HttpOptions options = {.address = "127.0.0.1", .port = 7332, .token = {}, .hosts = {}};
};

// At most twelve, so that a model keeps them apart, and `with_rest` those that fewer need.
void add_own(mcp::Catalogue& catalogue, mcp::Memory& memory, bool with_rest) {
  catalogue.instructions = kInstructions;
  mcp::add_memory_tools(catalogue, memory);
  mcp::add_history_tool(catalogue, memory);
  mcp::add_claim_tool(catalogue, memory);
  mcp::add_queue_tool(catalogue, memory);
  mcp::add_run_tool(catalogue, memory);
  mcp::add_log_tool(catalogue, memory);
  mcp::add_link_tool(catalogue, memory);
  mcp::add_artifact_tool(catalogue, memory);
  mcp::add_status_tool(catalogue, memory);
  if (with_rest) {
    mcp::add_value_tool(catalogue, memory);
    mcp::add_file_tool(catalogue, memory);
  }
  mcp::add_memory_resources(catalogue, memory);
  mcp::add_memory_prompts(catalogue, memory);
}

mcp::Catalogue make_catalogue(mcp::Memory& memory, const McpArguments& arguments) {
  mcp::Catalogue catalogue;
  if (arguments.tools == kGraphTools) {
    catalogue.instructions = kGraphInstructions;
    mcp::add_graph_tools(catalogue, memory);
    mcp::add_graph_resource(catalogue, memory);
  } else {
    add_own(catalogue, memory, arguments.tools == kAllTools);
  }
  if (arguments.conformance) {
    mcp::add_fixture_tools(catalogue);
    mcp::add_fixture_resources(catalogue);
    mcp::add_fixture_prompts(catalogue);
  }
  return catalogue;
}

mcp::Topic topic_of(mcp::Memory& memory, const McpArguments& arguments) {
  return arguments.tools == kGraphTools ? mcp::graph_topic(memory)
                                        : mcp::observations_topic(memory);
}

Status serve_one(mcp::Memory& memory, const mcp::Server& server, mcp::Topic topic) {
  mcp::Sessions sessions;
  const auto session = sessions.create().second;
  std::ios::sync_with_stdio(false);
  ::signal(SIGPIPE, SIG_IGN);  // a closed pipe ends the server in its own way
  auto updates = std::make_unique<mcp::Updates>(memory, sessions, std::move(topic));
  mcp::ClientInput input(STDIN_FILENO, STDOUT_FILENO);
  std::istream in(&input);
  if (!mcp::serve_stdio(server, *session, in, std::cout)) {
    std::_Exit(0);  // a request that still waits, on a lock for instance, must not keep the process
  }
  return Status::ok();
}

Status serve_http(const Context& context, mcp::Memory& memory, const mcp::Server& server,
                  const McpArguments& arguments) {
  mcp::HttpOptions options = arguments.options;
  const std::string& token_file = arguments.token_file;
  if (!token_file.empty()) {
    HOLDFAST_ASSIGN(options.token, read_value(std::nullopt, token_file));
    while (!options.token.empty() && std::isspace(options.token.back()) != 0) {
      options.token.pop_back();
    }
    if (options.token.empty()) {
      return Status(StatusCode::kInvalidArgument, "the token file is empty").with_path(token_file);
    }
  }
  // Blocked in all threads, taken by one: a signal's handler could not stop a server.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  mcp::Sessions sessions;
  mcp::HttpServer http(server, sessions, options);
  HOLDFAST_ASSIGN(const int port, http.bind());
  const mcp::Updates updates(memory, sessions, topic_of(memory, arguments));
  std::fprintf(stderr, "holdfast: MCP at http://%s:%d/mcp\n", options.address.c_str(), port);
  if (context.output().json()) context.output().print({{"port", port}});
  std::fflush(stdout);
  std::thread waiter([&] {
    int signal = 0;
    sigwait(&signals, &signal);
    http.stop();
  });
  const Status served = http.serve();
  if (!served) ::kill(::getpid(), SIGTERM);  // the waiter's end
  waiter.join();
  return served;
}

Status serve(const Context& context, const McpArguments& arguments) {
  mcp::Memory memory(context);
  const mcp::Catalogue catalogue = make_catalogue(memory, arguments);
  const mcp::Server server(catalogue);
  if (!arguments.http) return serve_one(memory, server, topic_of(memory, arguments));
  return serve_http(context, memory, server, arguments);
}

}  // namespace

void add_mcp_command(Commands& commands) {
  auto arguments = arguments_of<McpArguments>();
  CLI::App* command = commands.add(
      kGroupAgents, "mcp",
      "Serve agents over the Model Context Protocol, on standard input and output or HTTP",
      "holdfast mcp\n  claude mcp add holdfast -- holdfast mcp\n  holdfast mcp --http --port 7332\n"
      "  claude mcp add memory -- holdfast mcp --tools server-memory",
      [arguments](const Context& context) { return serve(context, *arguments); });
  command->add_flag("--http", arguments->http, "Streamable HTTP at /mcp instead of stdio");
  command->add_option("--address", arguments->options.address, "HTTP: where to listen")
      ->capture_default_str();
  command->add_option("--port", arguments->options.port, "HTTP: 0 takes any that is free")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  command->add_option("--token-file", arguments->token_file,
                      "HTTP: demand the token in this file from every client");
  command
      ->add_option("--host", arguments->options.hosts,
                   "HTTP: a name under which clients reach it, beside the loopback's")
      ->allow_extra_args(false);
  command
      ->add_option("--tools", arguments->tools,
                   "Which tools are offered: holdfast's own, all of them, with named values and "
                   "files too, or those of the reference memory server, by the same names and "
                   "with the same answers")
      ->check(CLI::IsMember({kOwnTools, kAllTools, kGraphTools}))
      ->capture_default_str();
  command->add_flag("--conformance", arguments->conformance,
                    "Offer also what the official conformance suite asks for");
}

}  // namespace holdfast::cli
