#include "mcp/schema.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace holdfast::mcp {
namespace {

using Misfit = std::optional<std::string>;

// 3.0 is one, too, as JSON Schema has it: some clients write all numbers so.
bool is_integer(const Json& value) {
  if (!value.is_number_float()) return value.is_number_integer();
  const auto number = value.get<double>();
  return std::trunc(number) == number;
}

bool has_type(const std::string& type, const Json& value) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "number") return value.is_number();
  if (type == "integer") return is_integer(value);
  return false;
}

std::string article(const std::string& type) {
  return (type == "array" || type == "object" || type == "integer" ? "an " : "a ") + type;
}

Misfit misfit_of_object(const Json& schema, const Json& value, const std::string& place) {
  if (schema.contains("required")) {
    for (const Json& name : schema["required"]) {
      if (!value.contains(name.get<std::string>())) {
        return place + " must have \"" + name.get<std::string>() + "\"";
      }
    }
  }
  if (!schema.contains("properties")) return std::nullopt;
  const Json& properties = schema["properties"];
  for (const auto& [name, member] : value.items()) {
    if (properties.contains(name)) {
      if (Misfit found = misfit(properties[name], member, place + "." + name)) return found;
    } else if (schema.value("additionalProperties", true) == false) {
      std::string names;
      for (const auto& [known, ignored] : properties.items()) {
        names += (names.empty() ? "" : ", ") + known;
      }
      return place + " has no \"" + cli::one_line(name, 60) + "\"; there is: " + names;
    }
  }
  return std::nullopt;
}

Misfit misfit_of_array(const Json& schema, const Json& value, const std::string& place) {
  if (schema.contains("minItems") && value.size() < schema["minItems"].get<size_t>()) {
    return place + " must have at least " + schema["minItems"].dump() + " elements";
  }
  if (schema.contains("maxItems") && value.size() > schema["maxItems"].get<size_t>()) {
    return place + " must have at most " + schema["maxItems"].dump() + " elements";
  }
  if (!schema.contains("items")) return std::nullopt;
  for (size_t i = 0; i < value.size(); ++i) {
    Misfit found = misfit(schema["items"], value[i], place + "[" + std::to_string(i) + "]");
    if (found) return found;
  }
  return std::nullopt;
}

Misfit misfit_of_scalar(const Json& schema, const Json& value, const std::string& place) {
  // Signed and unsigned numbers are compared as if both were signed.
  const bool is_huge = value.is_number_unsigned() && value.get<uint64_t>() > uint64_t{INT64_MAX};
  if (schema.contains("minimum") && !is_huge && value < schema["minimum"]) {
    return place + " must be at least " + schema["minimum"].dump();
  }
  if (schema.contains("maximum") && (is_huge || value > schema["maximum"])) {
    return place + " must be at most " + schema["maximum"].dump();
  }
  if (schema.contains("enum")) {
    const Json& words = schema["enum"];
    if (std::find(words.begin(), words.end(), value) == words.end()) {
      return place + " must be one of " + words.dump();
    }
  }
  return std::nullopt;
}

Json typed(const char* type, const std::string& description) {
  return {{"type", type}, {"description", description}};
}

}  // namespace

Json object_schema(const std::vector<Property>& properties) {
  Json schema = {{"type", "object"}, {"properties", Json::object()}};
  Json required = Json::array();
  for (const Property& property : properties) {
    schema["properties"][property.name] = property.schema;
    if (property.required) required.push_back(property.name);
  }
  if (!required.empty()) schema["required"] = std::move(required);
  schema["additionalProperties"] = false;
  return schema;
}

Json text_schema(const std::string& description) {
  return typed("string", description);
}

Json word_schema(const std::string& description, const std::vector<std::string>& words) {
  Json schema = typed("string", description);
  schema["enum"] = words;
  return schema;
}

Json integer_schema(const std::string& description, int64_t least, int64_t most) {
  Json schema = typed("integer", description);
  schema["minimum"] = least;
  schema["maximum"] = most;
  return schema;
}

Json number_schema(const std::string& description, double least, double most) {
  Json schema = typed("number", description);
  schema["minimum"] = least;
  schema["maximum"] = most;
  return schema;
}

Json flag_schema(const std::string& description) {
  return typed("boolean", description);
}

Json list_schema(const std::string& description, Json of, size_t least, size_t most) {
  Json schema = typed("array", description);
  schema["items"] = std::move(of);
  schema["minItems"] = least;
  schema["maxItems"] = most;
  return schema;
}

Json map_schema(const std::string& description) {
  return typed("object", description);
}

Json count_schema(const std::string& description) {
  return typed("integer", description);
}

Json objects_schema(const std::string& description) {
  Json schema = {{"type", "array"}, {"items", {{"type", "object"}}}};
  if (!description.empty()) schema["description"] = description;
  return schema;
}

Misfit misfit(const Json& schema, const Json& value, const std::string& place) {
  if (schema.contains("type")) {
    const auto type = schema["type"].get<std::string>();
    if (!has_type(type, value)) return place + " must be " + article(type);
  }
  if (value.is_object()) return misfit_of_object(schema, value, place);
  if (value.is_array()) return misfit_of_array(schema, value, place);
  return misfit_of_scalar(schema, value, place);
}

}  // namespace holdfast::mcp
