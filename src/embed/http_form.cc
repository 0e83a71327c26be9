#include <cmath>
#include <nlohmann/json.hpp>

#include "embed/http_embedder.h"

namespace holdfast::embed {
namespace {

using Json = nlohmann::json;

Status unexpected(const std::string& what) {
  return Status(StatusCode::kIoError,
                "the endpoint's answer has another form than that of OpenAI's embeddings: " + what);
}

// The name between "://" and the port or the path.
std::string_view host_of(std::string_view url) {
  url.remove_prefix(url.find("://") + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  if (const size_t at = url.rfind('@'); at != url.npos) url.remove_prefix(at + 1);
  if (url.starts_with('[')) return url.substr(0, url.find(']') + 1);
  return url.substr(0, url.find(':'));
}

Result<Embedder::Values> values_of(const Json& numbers) {
  if (!numbers.is_array() || numbers.empty()) return unexpected("an embedding is no array");
  Embedder::Values values;
  values.reserve(numbers.size());
  for (const Json& number : numbers) {
    if (!number.is_number()) return unexpected("an embedding has what is no number");
    values.push_back(number.get<float>());
    if (!std::isfinite(values.back())) return unexpected("a number is not finite");
  }
  return values;
}

}  // namespace

Status check_endpoint(const HttpEmbedderOptions& options) {
  const std::string& url = options.url;
  const bool is_plain = url.starts_with("http://");
  if ((!is_plain && !url.starts_with("https://")) || host_of(url).empty()) {
    return Status(StatusCode::kInvalidArgument,
                  "\"" + url +
                      "\" is no URL of an endpoint; give one such as "
                      "http://localhost:11434/v1 or https://api.openai.com/v1");
  }
  if (options.model.empty()) {
    return Status(StatusCode::kInvalidArgument, "no model is named that the endpoint shall use");
  }
  const std::string_view host = host_of(url);
  const bool is_local = host == "localhost" || host == "127.0.0.1" || host == "[::1]";
  if (is_plain && !is_local && !options.api_key.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  "the key would go to " + std::string(host) +
                      " in the clear; use an https:// URL, or no key");
  }
  if (options.api_key.find_first_of("\r\n") != std::string::npos) {
    return Status(StatusCode::kInvalidArgument, "the key has a line end in it");
  }
  return Status::ok();
}

std::string embeddings_request(const HttpEmbedderOptions& options,
                               std::span<const std::string> texts) {
  Json request = {{"model", options.model}, {"encoding_format", "float"}};
  request["input"] = Json::array();
  for (const std::string& text : texts) request["input"].push_back(text);
  if (options.dimension) request["dimensions"] = *options.dimension;
  return request.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::vector<Embedder::Values>> parse_embeddings(std::string_view answer, size_t count) {
  const Json json = Json::parse(answer, nullptr, false);
  if (!json.is_object() || !json.contains("data") || !json["data"].is_array()) {
    return unexpected("it has no array \"data\"");
  }
  const Json& data = json["data"];
  if (data.size() != count) {
    return unexpected(std::to_string(data.size()) + " embeddings came for " +
                      std::to_string(count) + " texts");
  }
  std::vector<Embedder::Values> all(count);
  for (size_t i = 0; i < count; ++i) {
    const Json& one = data[i];
    if (!one.is_object() || !one.contains("embedding")) return unexpected("one lacks its numbers");
    const auto index = one.find("index");
    const bool is_placed = index != one.end() && index->is_number_unsigned();
    const size_t at = is_placed ? index->get<size_t>() : i;
    if (at >= count || !all[at].empty()) return unexpected("their numbering is wrong");
    HOLDFAST_ASSIGN(all[at], values_of(one["embedding"]));
    if (all[at].size() != all[0].size() && !all[0].empty()) {
      return unexpected("they have several dimensions");
    }
  }
  return all;
}

}  // namespace holdfast::embed
