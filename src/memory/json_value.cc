#include "memory/json_value.h"

#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "memory/json_check.h"

namespace holdfast::memory {
namespace {

using Json = nlohmann::ordered_json;

// The checks bound the depth, so that neither parsing nor printing can run out of stack.
std::optional<Json> parse(std::string_view text) {
  if (json_first_bad_byte(text) || utf8_first_bad_byte(text)) return std::nullopt;
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return std::nullopt;
  return json;
}

Status no_json() {
  return Status(StatusCode::kConditionFalse,
                "the value is no JSON; read it as bytes, or put JSON there");
}

// The number of an element: no sign, no leading zero.
std::optional<size_t> element_number(const std::string& token) {
  const bool is_number = !token.empty() && token.size() <= 9 &&
                         token.find_first_not_of("0123456789") == std::string::npos &&
                         (token.size() == 1 || token[0] != '0');
  if (!is_number) return std::nullopt;
  return static_cast<size_t>(std::stoul(token));
}

// Takes "/token" off the front, "~1" and "~0" put back.
std::string take_token(std::string_view& pointer) {
  pointer.remove_prefix(1);
  const std::string_view raw = pointer.substr(0, pointer.find('/'));
  pointer.remove_prefix(raw.size());
  std::string token;
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '~') {
      token.push_back(raw[++i] == '1' ? '/' : '~');
    } else {
      token.push_back(raw[i]);
    }
  }
  return token;
}

const Json* step_into(const Json& json, const std::string& token) {
  if (json.is_object()) {
    const auto found = json.find(token);
    return found == json.end() ? nullptr : &*found;
  }
  if (!json.is_array()) return nullptr;
  const auto number = element_number(token);
  return number && *number < json.size() ? &json[*number] : nullptr;
}

}  // namespace

Status check_json_pointer(std::string_view pointer) {
  const auto bad = [&](const char* what) {
    return Status(StatusCode::kInvalidArgument,
                  "the path \"" + std::string(pointer) + "\" " + what +
                      "; write it as a JSON pointer, such as /user/name or /items/0");
  };
  if (!pointer.empty() && pointer[0] != '/') return bad("does not begin with '/'");
  for (size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] != '~') continue;
    if (i + 1 == pointer.size() || (pointer[i + 1] != '0' && pointer[i + 1] != '1')) {
      return bad("has a '~' that is not ~0 or ~1");
    }
  }
  return Status::ok();
}

Status check_json_patch(std::string_view patch) {
  if (const auto bad = json_first_bad_byte(patch)) {
    return Status(StatusCode::kInvalidArgument,
                  "the patch is no JSON: the byte at offset " + std::to_string(*bad) + " is wrong")
        .with_offset(*bad);
  }
  if (parse(patch)) return Status::ok();
  return Status(StatusCode::kInvalidArgument,
                "the patch is no JSON: a string in it is not UTF-8, or a number too large");
}

Result<std::optional<std::string>> json_at(std::string_view text, std::string_view pointer) {
  const std::optional<Json> json = parse(text);
  if (!json) return no_json();
  const Json* at = &*json;
  while (at != nullptr && !pointer.empty()) at = step_into(*at, take_token(pointer));
  if (at == nullptr) return std::optional<std::string>();
  // The whole value byte for byte.
  if (at == &*json) return std::optional<std::string>(text);
  return std::optional<std::string>(at->dump());
}

Result<std::string> merge_json(std::string_view text, std::string_view patch) {
  std::optional<Json> json = parse(text);
  if (!json) return no_json();
  const std::optional<Json> change = parse(patch);
  if (!change) {
    return Status(StatusCode::kInvalidArgument, "the patch is no JSON");
  }
  json->merge_patch(*change);
  return json->dump();
}

}  // namespace holdfast::memory
