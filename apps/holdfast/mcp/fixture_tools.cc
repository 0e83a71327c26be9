#include <chrono>
#include <thread>
#include <utility>

#include "mcp/fixture_media.h"
#include "mcp/fixtures.h"

namespace holdfast::mcp {
namespace {

using Run = std::function<Result<Json>(Peer&, const Json&)>;

constexpr std::chrono::milliseconds kBetween{50};

Json result_of(Json content) {
  return {{"content", std::move(content)}};
}

Json text_result(const std::string& text) {
  return result_of(Json::array({text_content(text)}));
}

void add(Catalogue& catalogue, const std::string& name, const std::string& description, Run run,
         const std::vector<Property>& properties = {}) {
  Tool tool{.name = name, .title = name, .description = description};
  tool.input = object_schema(properties);
  tool.run = std::move(run);
  catalogue.tools.push_back(std::move(tool));
}

void add_content(Catalogue& catalogue, const std::string& name, const std::string& description,
                 Json content) {
  add(catalogue, name, description,
      [result = result_of(std::move(content))](Peer&, const Json&) -> Result<Json> {
        return result;
      });
}

Json embedded(const std::string& uri, const std::string& media_type, const std::string& text) {
  return {{"type", "resource"},
          {"resource", {{"uri", uri}, {"mimeType", media_type}, {"text", text}}}};
}

void add_contents(Catalogue& catalogue) {
  add_content(catalogue, "test_simple_text", "Answers with a text",
              Json::array({text_content("This is a simple text response for testing.")}));
  add_content(catalogue, "test_image_content", "Answers with an image",
              Json::array({image_content()}));
  add_content(catalogue, "test_audio_content", "Answers with a sound",
              Json::array({audio_content()}));
  add_content(catalogue, "test_embedded_resource", "Answers with a resource",
              Json::array({embedded("test://embedded-resource", "text/plain",
                                    "This is an embedded resource content.")}));
  add_content(catalogue, "test_multiple_content_types", "Answers with several contents",
              Json::array({text_content("Multiple content types test:"), image_content(),
                           embedded("test://mixed-content-resource", "application/json",
                                    R"({"test":"data","value":123})")}));
  add(catalogue, "test_error_handling", "Always fails", [](Peer&, const Json&) -> Result<Json> {
    Json result = text_result("This tool intentionally returns an error for testing");
    result["isError"] = true;
    return result;
  });
}

void add_while_running(Catalogue& catalogue) {
  add(catalogue, "test_tool_with_logging", "Logs while it runs",
      [](Peer& peer, const Json&) -> Result<Json> {
        peer.log("info", "Tool execution started");
        std::this_thread::sleep_for(kBetween);
        peer.log("info", "Tool processing data");
        std::this_thread::sleep_for(kBetween);
        peer.log("info", "Tool execution completed");
        return text_result("Three messages were logged.");
      });
  add(catalogue, "test_tool_with_progress", "Reports its progress",
      [](Peer& peer, const Json&) -> Result<Json> {
        for (const double done : {0.0, 50.0, 100.0}) {
          peer.progress(done, 100);
          std::this_thread::sleep_for(kBetween);
        }
        return text_result("Progress was reported.");
      });
}

Result<Json> sample(Peer& peer, const Json& arguments) {
  if (!peer.session().client_has("sampling")) {
    return Status(StatusCode::kUnsupported, "the client does not offer sampling");
  }
  HOLDFAST_ASSIGN(
      const Json answer,
      peer.ask("sampling/createMessage",
               {{"messages",
                 Json::array({{{"role", "user"}, {"content", text_content(arguments["prompt"])}}})},
                {"maxTokens", 100}}));
  const Json content = answer.value("content", Json::object());
  return text_result("LLM response: " + (content.is_object() ? content.value("text", "") : ""));
}

Result<Json> elicit(Peer& peer, const std::string& message, Json properties, Json required) {
  if (!peer.session().client_has("elicitation")) {
    return Status(StatusCode::kUnsupported, "the client does not offer elicitation");
  }
  Json schema = {{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) schema["required"] = std::move(required);
  HOLDFAST_ASSIGN(const Json answer,
                  peer.ask("elicitation/create",
                           {{"message", message}, {"requestedSchema", std::move(schema)}}));
  return text_result("Elicitation completed: action=" + answer.value("action", "") +
                     ", content=" + answer.value("content", Json::object()).dump());
}

Json defaults_form() {
  return {
      {"name", {{"type", "string"}, {"default", "John Doe"}}},
      {"age", {{"type", "integer"}, {"default", 30}}},
      {"score", {{"type", "number"}, {"default", 95.5}}},
      {"status",
       {{"type", "string"}, {"enum", {"active", "inactive", "pending"}}, {"default", "active"}}},
      {"verified", {{"type", "boolean"}, {"default", true}}}};
}

Json titled(const std::string& noun) {
  Json choices = Json::array();
  const char* const ordinals[] = {"First ", "Second ", "Third "};
  for (int i = 0; i < 3; ++i) {
    choices.push_back({{"const", "value" + std::to_string(i + 1)}, {"title", ordinals[i] + noun}});
  }
  return choices;
}

Json enums_form() {
  const Json options = {"option1", "option2", "option3"};
  return {
      {"untitledSingle", {{"type", "string"}, {"enum", options}}},
      {"titledSingle", {{"type", "string"}, {"oneOf", titled("Option")}}},
      {"legacyEnum",
       {{"type", "string"},
        {"enum", {"opt1", "opt2", "opt3"}},
        {"enumNames", {"Option One", "Option Two", "Option Three"}}}},
      {"untitledMulti", {{"type", "array"}, {"items", {{"type", "string"}, {"enum", options}}}}},
      {"titledMulti", {{"type", "array"}, {"items", {{"anyOf", titled("Choice")}}}}}};
}

void add_asking(Catalogue& catalogue) {
  add(catalogue, "test_sampling", "Asks the client's model", sample,
      {{"prompt", text_schema("The prompt"), true}});
  add(catalogue, "test_elicitation", "Asks the client's user",
      [](Peer& peer, const Json& arguments) {
        const Json form = {{"username", {{"type", "string"}, {"description", "User's response"}}},
                           {"email", {{"type", "string"}, {"description", "User's email"}}}};
        return elicit(peer, arguments["message"], form, {"username", "email"});
      },
      {{"message", text_schema("What to ask"), true}});
  add(catalogue, "test_elicitation_sep1034_defaults", "Asks with defaults",
      [](Peer& peer, const Json&) {
        return elicit(peer, "Please review the values", defaults_form(), Json::array());
      });
  add(catalogue, "test_elicitation_sep1330_enums", "Asks with choices",
      [](Peer& peer, const Json&) {
        return elicit(peer, "Please choose", enums_form(), Json::array());
      });
}

void add_schema(Catalogue& catalogue) {
  add(catalogue, "json_schema_2020_12_tool", "Has a schema with definitions",
      [](Peer&, const Json& arguments) -> Result<Json> { return text_result(arguments.dump()); });
  const Json text = {{"type", "string"}};
  catalogue.tools.back().input = {
      {"$schema", "https://json-schema.org/draft/2020-12/schema"},
      {"type", "object"},
      {"$defs",
       {{"address", {{"type", "object"}, {"properties", {{"street", text}, {"city", text}}}}}}},
      {"properties", {{"name", text}, {"address", {{"$ref", "#/$defs/address"}}}}},
      {"additionalProperties", false}};
}

}  // namespace

void add_fixture_tools(Catalogue& catalogue) {
  add_contents(catalogue);
  add_while_running(catalogue);
  add_asking(catalogue);
  add_schema(catalogue);
}

}  // namespace holdfast::mcp
