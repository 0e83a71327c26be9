// JSON schemas of the tools: made, and held against what a client sends. One text says what a tool
// takes, to the client and to the check.
//
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mcp/message.h"

namespace holdfast::mcp {

struct Property {
  std::string name;
  Json schema;
  bool required = false;
};

// An object of these properties and no other.
Json object_schema(const std::vector<Property>& properties);
Json text_schema(const std::string& description);
// One of these words.
Json word_schema(const std::string& description, const std::vector<std::string>& words);
Json integer_schema(const std::string& description, int64_t least, int64_t most);
Json number_schema(const std::string& description, double least, double most);
Json flag_schema(const std::string& description);
Json list_schema(const std::string& description, Json of, size_t least, size_t most);
// Any object.
Json map_schema(const std::string& description);
// Of answers: a number of things; any objects.
Json count_schema(const std::string& description);
Json objects_schema(const std::string& description = {});

// What is wrong with `value`, as a sentence that begins with its place; nullopt: it fits. Knows the
// words that the functions above use.
std::optional<std::string> misfit(const Json& schema, const Json& value,
                                  const std::string& place = "arguments");

}  // namespace holdfast::mcp
