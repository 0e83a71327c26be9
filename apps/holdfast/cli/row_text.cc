#include "cli/row_text.h"

namespace holdfast::cli {

Json json_of(const care::Row& row) {
  Json json = {{"type", row.type}};
  for (const auto& [name, value] : row.fields) {
    std::visit([&json, &name = name](const auto& held) { json[name] = held; }, value);
  }
  return json;
}

void print_row(const Output& output, const care::Row& row) {
  if (output.json()) return output.print(json_of(row));
  std::string line = output.bold(row.type);
  for (const auto& [name, value] : row.fields) {
    line += " " + output.dim(name + "=");
    if (const auto* number = std::get_if<uint64_t>(&value)) {
      line += std::to_string(*number);
    } else if (const auto* flag = std::get_if<bool>(&value)) {
      line += *flag ? "yes" : "no";
    } else {
      const std::string text = printable(std::get<std::string>(value));
      const bool plain = !text.empty() && text.find(' ') == std::string::npos;
      line += plain ? text : "\"" + text + "\"";
    }
  }
  output.line(line);
}

}  // namespace holdfast::cli
