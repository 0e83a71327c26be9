#include <algorithm>
#include <utility>

#include "mcp/fixture_media.h"
#include "mcp/fixtures.h"

namespace holdfast::mcp {
namespace {

void add_resource(Catalogue& catalogue, const std::string& name, const std::string& media_type,
                  Json content) {
  catalogue.resources.push_back(
      {"test://" + name, name, name, "For the conformance suite", media_type,
       [content = std::move(content)]() -> Result<Json> { return content; }});
}

Json message_of(Json content) {
  return {{"role", "user"}, {"content", std::move(content)}};
}

void add_prompt(Catalogue& catalogue, const std::string& name,
                std::vector<PromptArgument> arguments, std::function<Json(const Json&)> messages) {
  Prompt prompt{.name = name, .title = name, .description = "For the conformance suite"};
  prompt.arguments = std::move(arguments);
  prompt.get = [messages = std::move(messages)](const Json& given) -> Result<Json> {
    return messages(given);
  };
  catalogue.prompts.push_back(std::move(prompt));
}

// Those of "paris", "park", "party" that begin so.
Result<std::vector<std::string>> some_words(const std::string& begin) {
  std::vector<std::string> words = {"paris", "park", "party", "test"};
  std::erase_if(words, [&](const std::string& word) { return word.rfind(begin, 0) != 0; });
  return words;
}

}  // namespace

void add_fixture_resources(Catalogue& catalogue) {
  add_resource(catalogue, "static-text", "text/plain",
               {{"text", "This is the content of the static text resource."}});
  add_resource(catalogue, "static-binary", "image/png", {{"blob", kPng}});
  add_resource(catalogue, "watched-resource", "text/plain", {{"text", "This can be watched."}});
  ResourceTemplate family;
  family.prefix = "test://template/";
  family.variable = "id";
  family.suffix = "/data";
  family.name = "template";
  family.title = "Template";
  family.description = "For the conformance suite";
  family.media_type = "application/json";
  family.read = [](const std::string& id) -> Result<Json> {
    const Json data = {{"id", id}, {"templateTest", true}, {"data", "Data for ID: " + id}};
    return Json{{"text", data.dump()}};
  };
  catalogue.templates.push_back(std::move(family));
}

void add_fixture_prompts(Catalogue& catalogue) {
  add_prompt(catalogue, "test_simple_prompt", {}, [](const Json&) {
    return Json::array({message_of(text_content("This is a simple prompt for testing."))});
  });
  add_prompt(catalogue, "test_prompt_with_arguments",
             {{"arg1", "First argument", true, some_words}, {"arg2", "Second argument", true}},
             [](const Json& given) {
               return Json::array({message_of(
                   text_content("Prompt with arguments: arg1='" + given["arg1"].get<std::string>() +
                                "', arg2='" + given["arg2"].get<std::string>() + "'"))});
             });
  add_prompt(catalogue, "test_prompt_with_embedded_resource",
             {{"resourceUri", "The resource to embed", true}}, [](const Json& given) {
               const Json resource = {{"uri", given["resourceUri"]},
                                      {"mimeType", "text/plain"},
                                      {"text", "Embedded resource content for testing."}};
               return Json::array(
                   {message_of({{"type", "resource"}, {"resource", resource}}),
                    message_of(text_content("Please process the embedded resource above."))});
             });
  add_prompt(catalogue, "test_prompt_with_image", {}, [](const Json&) {
    return Json::array(
        {message_of(image_content()), message_of(text_content("Please analyze the image above."))});
  });
}

}  // namespace holdfast::mcp
