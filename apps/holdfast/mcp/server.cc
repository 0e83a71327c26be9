#include "mcp/server.h"

#include <algorithm>
#include <exception>
#include <functional>
#include <utility>

namespace holdfast::mcp {
namespace {

constexpr size_t kCompletionsMax = 100;

RpcError invalid_params(std::string message) {
  return {kInvalidParams, std::move(message)};
}

RpcError too_many_subscriptions() {
  return invalid_params("a client may subscribe to " + std::to_string(kSubscriptionsMax) +
                        " resources; unsubscribe from some");
}

RpcError error_of(const Status& status) {
  const bool argument = status.code() == StatusCode::kInvalidArgument;
  const bool missing = status.code() == StatusCode::kNotFound;
  return {argument  ? kInvalidParams
          : missing ? kResourceNotFound
                    : kInternalError,
          status.to_string()};
}

// The member of `params` that must be a string.
std::optional<std::string> string_of(const Json& params, const char* name) {
  if (!params.contains(name) || !params[name].is_string()) return std::nullopt;
  return params[name].get<std::string>();
}

Json annotations_of(const Tool& tool) {
  const bool reads = tool.effect == Effect::kReads;
  return {{"title", tool.title},
          {"readOnlyHint", reads},
          {"destructiveHint", tool.effect == Effect::kDestroys},
          {"idempotentHint", reads || tool.repeatable},
          {"openWorldHint", false}};
}

template <typename Named>
const Named* find_named(const std::vector<Named>& all, const std::string& name) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Named& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

Json contents_of(Json content, const std::string& uri, const std::string& media_type) {
  Json whole = {{"uri", uri}, {"mimeType", media_type}};
  whole.update(content);
  return {{"contents", Json::array({std::move(whole)})}};
}

Reply completion_of(const Result<std::vector<std::string>>& found) {
  if (!found) return error_of(found.status());
  Json values = Json::array();
  for (size_t i = 0; i < found->size() && i < kCompletionsMax; ++i) values.push_back((*found)[i]);
  const bool more = found->size() > kCompletionsMax;
  return Json{{"completion", {{"values", values}, {"total", found->size()}, {"hasMore", more}}}};
}

}  // namespace

std::optional<Json> Server::handle(Session& session, const Message& message,
                                   const Send& send) const {
  switch (message.kind) {
    case Message::Kind::kResponse:
      session.answer(message);
      return std::nullopt;
    case Message::Kind::kNotification:
      if (message.method == "notifications/cancelled" && message.params.contains("requestId")) {
        session.cancel(message.params["requestId"]);
        session.stop_listening(message.params["requestId"]);
      }
      return std::nullopt;
    case Message::Kind::kRequest:
      break;
  }
  const Era& era = era_of(message);
  auto reply = guarded_reply_to(session, message, send);
  const bool cancelled = session.was_cancelled(message.id);
  session.end(message.id);
  if (cancelled || !reply) return std::nullopt;
  return response_of(message.id, era.finished(message.method, std::move(*reply)));
}

std::optional<Json> Server::handle_batch(Session& session, const std::vector<ParsedMessage>& batch,
                                         const Send& send) const {
  Json answers = Json::array();
  for (const ParsedMessage& one : batch) {
    if (const BadMessage* bad = std::get_if<BadMessage>(&one)) {
      answers.push_back(response_of(bad->id, bad->error));
      continue;
    }
    const Message& message = std::get<Message>(one);
    if (auto answer = handle(session, message, send)) answers.push_back(std::move(*answer));
  }
  if (answers.empty()) return std::nullopt;
  return answers;
}

bool Server::may_wait(const Message& message) const {
  if (message.method != "tools/call") return false;
  const Json arguments = message.params.value("arguments", Json());
  if (!arguments.is_object() || !arguments.contains("wait_seconds")) return false;
  const Json& seconds = arguments["wait_seconds"];
  return seconds.is_number() && seconds > 0;
}

std::optional<Reply> Server::guarded_reply_to(Session& session, const Message& message,
                                              const Send& send) const {
  try {
    return reply_to(session, message, send);
  } catch (const std::exception& error) {
    return RpcError{kInternalError,
                    std::string("the request could not be carried out: ") + error.what()};
  }
}

std::optional<Reply> Server::reply_to(Session& session, const Message& message,
                                      const Send& send) const {
  if (auto refused = era_of(message).refusal(message)) return *refused;
  if (message.method == "server/discover") return discover();
  if (message.method == "subscriptions/listen") return listen(session, message, send);
  if (auto reply = reply_of_session(session, message)) return reply;
  return reply_of_catalogue(session, message, send);
}

// What only the eras with a session know, and the modern one has refused.
std::optional<Reply> Server::reply_of_session(Session& session, const Message& message) const {
  const std::string& method = message.method;
  const Json& params = message.params;
  if (method == "initialize") return initialize(session, params);
  if (method == "ping") return Json::object();
  if (method == "resources/subscribe") return subscribe(session, params, true);
  if (method == "resources/unsubscribe") return subscribe(session, params, false);
  if (method != "logging/setLevel") return std::nullopt;
  const auto level = string_of(params, "level");
  if (!level || !is_log_level(*level)) {
    return invalid_params(
        "level must be debug, info, notice, warning, error, critical, alert or emergency");
  }
  session.set_log_level(*level);
  return Json::object();
}

Reply Server::reply_of_catalogue(Session& session, const Message& message, const Send& send) const {
  const std::string& method = message.method;
  const Json& params = message.params;
  if (method == "tools/list") return list_tools();
  if (method == "tools/call") {
    Peer peer(session, message.id, era_of(message).peer_options(message), send);
    return call_tool(peer, params);
  }
  if (method == "resources/list") return list_resources();
  if (method == "resources/templates/list") return list_templates();
  if (method == "resources/read") return read_resource(params);
  if (method == "prompts/list") return list_prompts();
  if (method == "prompts/get") return get_prompt(params);
  if (method == "completion/complete") return complete(params);
  return RpcError{kMethodNotFound, "there is no method \"" + cli::one_line(method, 80) + "\""};
}

Json Server::capabilities() const {
  return {{"tools", {{"listChanged", false}}},
          {"resources", {{"subscribe", true}, {"listChanged", false}}},
          {"prompts", {{"listChanged", false}}},
          {"completions", Json::object()},
          {"logging", Json::object()}};
}

Reply Server::initialize(Session& session, const Json& params) const {
  const auto asked = string_of(params, "protocolVersion");
  if (!asked) return invalid_params("initialize needs protocolVersion, such as \"2025-11-25\"");
  const bool known = std::find(std::begin(kHandshakeVersions), std::end(kHandshakeVersions),
                               *asked) != std::end(kHandshakeVersions);
  const std::string version = known ? *asked : kHandshakeVersions[0];
  Json client = params.value("capabilities", Json::object());
  if (!client.is_object()) return invalid_params("capabilities must be an object");
  session.introduce(version, std::move(client));
  return Json{{"protocolVersion", version},
              {"capabilities", capabilities()},
              {"serverInfo", server_info()},
              {"instructions", catalogue_.instructions}};
}

Reply Server::discover() const {
  return Json{{"supportedVersions", supported_versions()},
              {"capabilities", capabilities()},
              {"instructions", catalogue_.instructions}};
}

std::optional<Reply> Server::listen(Session& session, const Message& message,
                                    const Send& send) const {
  const Json filter = message.params.value("notifications", Json());
  if (!filter.is_object()) return invalid_params("subscriptions/listen needs notifications");
  const Json wanted = filter.value("resourceSubscriptions", Json::array());
  if (!wanted.is_array()) return invalid_params("resourceSubscriptions must be a list of URIs");
  std::set<std::string> uris;
  Json honoured = Json::array();
  for (const Json& uri : wanted) {
    if (!uri.is_string()) return invalid_params("resourceSubscriptions must be a list of URIs");
    if (!is_resource(uri.get<std::string>())) continue;
    if (uris.insert(uri.get<std::string>()).second) honoured.push_back(uri);
  }
  if (!session.listen(message.id, std::move(uris))) return too_many_subscriptions();
  // Tools, prompts and the list of resources never change while the server runs.
  Json agreed = Json::object();
  if (!honoured.empty()) agreed["resourceSubscriptions"] = std::move(honoured);
  (void)send(notification_of(
      "notifications/subscriptions/acknowledged",
      {{"_meta", {{kMetaSubscription, message.id}}}, {"notifications", std::move(agreed)}}));
  session.begin_telling(message.id);
  return std::nullopt;
}

Reply Server::list_tools() const {
  Json tools = Json::array();
  for (const Tool& tool : catalogue_.tools) {
    Json json = {{"name", tool.name}, {"description", tool.description}};
    if (!tool.title.empty()) json["title"] = tool.title;
    json["inputSchema"] = tool.input;
    if (!tool.output.is_null()) json["outputSchema"] = tool.output;
    json["annotations"] = annotations_of(tool);
    tools.push_back(std::move(json));
  }
  return Json{{"tools", std::move(tools)}};
}

Reply Server::call_tool(Peer& peer, const Json& params) const {
  const auto name = string_of(params, "name");
  if (!name) return invalid_params("tools/call needs the name of a tool");
  const Tool* tool = find_named(catalogue_.tools, *name);
  if (tool == nullptr) {
    return invalid_params("there is no tool \"" + cli::one_line(*name, 80) +
                          "\"; tools/list names them");
  }
  const Json arguments = params.value("arguments", Json::object());
  const auto failed = [](const std::string& text) {
    return Json{{"content", Json::array({text_content(text)})}, {"isError", true}};
  };
  if (const auto wrong = misfit(tool->input, arguments)) return failed(*wrong);
  auto result = tool->run(peer, arguments);
  return result ? *result : failed(result.status().to_string());
}

Reply Server::list_resources() const {
  Json resources = Json::array();
  for (const Resource& resource : catalogue_.resources) {
    resources.push_back({{"uri", resource.uri},
                         {"name", resource.name},
                         {"title", resource.title},
                         {"description", resource.description},
                         {"mimeType", resource.media_type}});
  }
  return Json{{"resources", std::move(resources)}};
}

Reply Server::list_templates() const {
  Json templates = Json::array();
  for (const ResourceTemplate& family : catalogue_.templates) {
    templates.push_back({{"uriTemplate", family.uri_template()},
                         {"name", family.name},
                         {"title", family.title},
                         {"description", family.description},
                         {"mimeType", family.media_type}});
  }
  return Json{{"resourceTemplates", std::move(templates)}};
}

Reply Server::read_resource(const Json& params) const {
  const auto uri = string_of(params, "uri");
  if (!uri) return invalid_params("resources/read needs a uri");
  for (const Resource& resource : catalogue_.resources) {
    if (resource.uri != *uri) continue;
    auto content = resource.read();
    if (!content) return error_of(content.status());
    return contents_of(std::move(*content), *uri, resource.media_type);
  }
  for (const ResourceTemplate& family : catalogue_.templates) {
    const auto value = family.match(*uri);
    if (!value) continue;
    auto content = family.read(*value);
    if (!content) return error_of(content.status());
    return contents_of(std::move(*content), *uri, family.media_type);
  }
  return RpcError{
      kResourceNotFound, "there is no resource " + cli::one_line(*uri, 200), {{"uri", *uri}}};
}

bool Server::is_resource(const std::string& uri) const {
  const auto& resources = catalogue_.resources;
  const auto& templates = catalogue_.templates;
  return std::any_of(resources.begin(), resources.end(),
                     [&](const Resource& resource) { return resource.uri == uri; }) ||
         std::any_of(templates.begin(), templates.end(),
                     [&](const ResourceTemplate& family) { return family.match(uri).has_value(); });
}

Reply Server::subscribe(Session& session, const Json& params, bool on) const {
  const auto uri = string_of(params, "uri");
  if (!uri) return invalid_params("a subscription needs a uri");
  if (!is_resource(*uri)) {
    return RpcError{
        kResourceNotFound, "there is no resource " + cli::one_line(*uri, 200), {{"uri", *uri}}};
  }
  if (!on) {
    session.unsubscribe(*uri);
  } else if (!session.subscribe(*uri)) {
    return too_many_subscriptions();
  }
  return Json::object();
}

Reply Server::list_prompts() const {
  Json prompts = Json::array();
  for (const Prompt& prompt : catalogue_.prompts) {
    Json arguments = Json::array();
    for (const PromptArgument& argument : prompt.arguments) {
      arguments.push_back({{"name", argument.name},
                           {"description", argument.description},
                           {"required", argument.required}});
    }
    prompts.push_back({{"name", prompt.name},
                       {"title", prompt.title},
                       {"description", prompt.description},
                       {"arguments", std::move(arguments)}});
  }
  return Json{{"prompts", std::move(prompts)}};
}

Reply Server::get_prompt(const Json& params) const {
  const auto name = string_of(params, "name");
  const Prompt* prompt = name ? find_named(catalogue_.prompts, *name) : nullptr;
  if (prompt == nullptr) return invalid_params("there is no such prompt; prompts/list names them");
  const Json arguments = params.value("arguments", Json::object());
  if (!arguments.is_object()) return invalid_params("arguments must be an object");
  for (const auto& [key, value] : arguments.items()) {
    if (!value.is_string()) return invalid_params("arguments." + key + " must be a string");
  }
  for (const PromptArgument& argument : prompt->arguments) {
    if (argument.required && !arguments.contains(argument.name)) {
      return invalid_params("arguments must have \"" + argument.name + "\"");
    }
  }
  auto messages = prompt->get(arguments);
  if (!messages) return error_of(messages.status());
  return Json{{"description", prompt->description}, {"messages", std::move(*messages)}};
}

Reply Server::complete(const Json& params) const {
  const Json reference = params.value("ref", Json::object());
  const Json argument = params.value("argument", Json::object());
  if (!reference.is_object() || !argument.is_object()) {
    return invalid_params("completion needs the objects ref and argument");
  }
  const auto type = string_of(reference, "type");
  const auto name = string_of(argument, "name");
  const auto begin = string_of(argument, "value");
  if (!type || !name || !begin) return invalid_params("ref needs a type, argument name and value");
  const Result<std::vector<std::string>> none = std::vector<std::string>();
  if (*type == "ref/prompt") {
    const Prompt* prompt =
        find_named(catalogue_.prompts, string_of(reference, "name").value_or(""));
    if (prompt == nullptr) return invalid_params("there is no such prompt");
    const PromptArgument* found = find_named(prompt->arguments, *name);
    if (found == nullptr) return invalid_params("the prompt has no argument \"" + *name + "\"");
    return completion_of(found->complete ? found->complete(*begin) : none);
  }
  if (*type == "ref/resource") {
    const std::string uri = string_of(reference, "uri").value_or("");
    for (const ResourceTemplate& family : catalogue_.templates) {
      if (family.uri_template() != uri || family.variable != *name) continue;
      return completion_of(family.complete ? family.complete(*begin) : none);
    }
    return invalid_params("there is no such resource template");
  }
  return invalid_params("ref.type must be ref/prompt or ref/resource");
}

}  // namespace holdfast::mcp
