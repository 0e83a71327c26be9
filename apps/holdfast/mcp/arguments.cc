#include "mcp/arguments.h"

#include <algorithm>

#include "base/base64.h"
#include "base/utf8.h"
#include "cli/input.h"

namespace holdfast::mcp {

using std::chrono::milliseconds;

std::optional<std::string> text_of(const Json& arguments, const char* name) {
  if (!arguments.contains(name)) return std::nullopt;
  return arguments[name].get<std::string>();
}

std::vector<std::string> texts_of(const Json& arguments, const char* name) {
  if (!arguments.contains(name)) return {};
  return arguments[name].get<std::vector<std::string>>();
}

Result<std::optional<int64_t>> time_of(const Json& arguments, const char* name) {
  return cli::parse_time_option(text_of(arguments, name).value_or(""));
}

milliseconds seconds_of(const Json& arguments, const char* name, double otherwise) {
  return milliseconds(static_cast<int64_t>(arguments.value(name, otherwise) * 1000));
}

Status needs(const Json& arguments, const char* name) {
  if (arguments.contains(name)) return Status::ok();
  return Status(StatusCode::kInvalidArgument,
                "action \"" + *text_of(arguments, "action") + "\" needs \"" + name + "\"");
}

Result<std::string> bytes_of(const Json& arguments) {
  const auto text = text_of(arguments, "text");
  const auto coded = text_of(arguments, "base64");
  if (text.has_value() == coded.has_value()) {
    return Status(
        StatusCode::kInvalidArgument,
        "action " + arguments["action"].dump() + " needs " +
            (text ? "one of \"text\" and \"base64\", not both" : "\"text\" or \"base64\""));
  }
  if (text) return *text;
  auto bytes = base64_bytes(*coded);
  if (!bytes) return Status(StatusCode::kInvalidArgument, "\"base64\" is not base64");
  return *std::move(bytes);
}

void drop_cut_character(std::string& piece) {
  constexpr size_t kCharacterSizeMax = 4;
  const auto bad = utf8_first_bad_byte(piece);
  if (bad && *bad > 0 && piece.size() - *bad < kCharacterSizeMax) piece.resize(*bad);
}

Patience::Patience(Peer& peer, const Json& arguments)
    : peer_(peer), whole_(seconds_of(arguments, "wait_seconds", 0)), left_(whole_) {}

milliseconds Patience::step() const {
  constexpr milliseconds kStepMax{250};
  return std::min(left_, kStepMax);
}

bool Patience::another() {
  constexpr milliseconds kTellEach{1'000};
  left_ -= step();
  const milliseconds waited = whole_ - left_;
  if (waited - told_ >= kTellEach) {
    const auto seconds_in = [](milliseconds time) {
      return static_cast<double>(time.count()) / 1e3;
    };
    peer_.progress(seconds_in(waited), seconds_in(whole_), "waiting for others");
    told_ = waited;
  }
  return left_.count() > 0 && !peer_.cancelled();
}

}  // namespace holdfast::mcp
