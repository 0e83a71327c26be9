#include "cli/input.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/time_text.h"
#include "cli/output.h"
#include "process/system_error.h"

namespace holdfast::cli {
namespace {

// More than any value that is read at once may have; the store says what its limit is.
constexpr size_t kInputBytesMax = 64u << 20;
constexpr size_t kPieceBytes = 1u << 20;
constexpr size_t kFirstBytes = 16u << 10;  // a piece begins with, and doubles

using Take = std::function<Status(std::string_view piece)>;

// Pieces are full but for the last one.
Status read_all(int fd, const std::string& name, const Take& take) {
  // Most inputs are short, and each page of a buffer costs a process that lives for milliseconds.
  std::string piece(kFirstBytes, '\0');
  size_t filled = 0;
  while (true) {
    ssize_t count = ::read(fd, piece.data() + filled, piece.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return process::system_error("read", name);
    }
    filled += static_cast<size_t>(count);
    if (filled == piece.size() && filled < kPieceBytes) piece.resize(2 * filled);
    if (count > 0 && filled < piece.size()) continue;
    if (filled > 0) HOLDFAST_TRY(take({piece.data(), filled}));
    if (count == 0) return Status::ok();
    filled = 0;
  }
}

}  // namespace

Status read_pieces(const std::optional<std::string>& argument, const std::string& file,
                   const Take& take) {
  if (argument.has_value() == !file.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  "give the value once: as an argument, - for stdin, or --file FILE");
  }
  if (argument && *argument != "-") return take(*argument);
  if (argument) return read_all(STDIN_FILENO, "stdin", take);
  int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return process::named_path_error("open", file);
  }
  Status status = read_all(fd, file, take);
  ::close(fd);
  return status;
}

Result<std::string> read_value(const std::optional<std::string>& argument,
                               const std::string& file) {
  std::string bytes;
  HOLDFAST_TRY(read_pieces(argument, file, [&](std::string_view piece) {
    bytes.append(piece);
    if (bytes.size() <= kInputBytesMax) return Status::ok();
    return Status(StatusCode::kTooLarge, "more than 64 MiB of input");
  }));
  return bytes;
}

Result<std::vector<float>> read_vector(const std::string& file) {
  const auto dash = file == "-" ? std::optional<std::string>(file) : std::nullopt;
  HOLDFAST_ASSIGN(const std::string text, read_value(dash, dash ? "" : file));
  const auto json = nlohmann::json::parse(text, nullptr, false);
  std::vector<float> values;
  bool is_sound = json.is_array();
  for (size_t i = 0; is_sound && i < json.size(); ++i) {
    is_sound = json[i].is_number();
    if (is_sound) values.push_back(json[i].get<float>());
  }
  if (is_sound) return values;
  return Status(StatusCode::kInvalidArgument,
                "a vector is a JSON array of numbers, such as [0.1, -0.2]");
}

Result<std::optional<int64_t>> parse_time_option(const std::string& text) {
  if (text.empty()) return std::optional<int64_t>();
  std::optional<int64_t> time = parse_time(text);
  if (!time) time = parse_time(text + "T00:00:00Z");
  if (time) return time;
  return Status(StatusCode::kInvalidArgument,
                "\"" + text + "\" is not a time; write 2026-01-31 or 2026-01-31T09:05:00Z");
}

Result<AsOf> parse_at_option(const std::string& text) {
  if (text.empty()) return AsOf::latest();
  if (text.find_first_not_of("0123456789") == std::string::npos && text.size() < 20) {
    return AsOf::version(std::strtoull(text.c_str(), nullptr, 10));
  }
  const auto time_us = parse_time_option(text);
  if (time_us && **time_us >= 0) return AsOf::time_us(static_cast<uint64_t>(**time_us));
  return Status(StatusCode::kInvalidArgument,
                "\"" + text +
                    "\" is neither a version nor a time since 1970; write 1200, "
                    "2026-01-31 or 2026-01-31T09:05:00Z");
}

Result<std::chrono::milliseconds> parse_duration(const std::string& text) {
  constexpr struct {
    std::string_view name;
    double milliseconds;
  } kUnits[] = {{"", 1000},    {"ms", 1},        {"s", 1000},
                {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  constexpr double kMax = 1e14;  // some 3,000 years
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (end != text.c_str() && number >= 0) {
    for (const auto& unit : kUnits) {
      const double milliseconds = number * unit.milliseconds;
      if (unit.name != end || milliseconds > kMax) continue;
      return std::chrono::milliseconds(static_cast<int64_t>(milliseconds));
    }
  }
  return Status(StatusCode::kInvalidArgument,
                "\"" + text + "\" is not a duration; write 500ms, 90s, 15m, 24h or 7d");
}

Result<std::pair<std::string, std::string>> parse_member(const std::string& text) {
  const size_t sign = text.find('=');
  if (sign == std::string::npos) {
    return Status(StatusCode::kInvalidArgument,
                  "\"" + text + "\" is no member of metadata; write NAME=VALUE");
  }
  std::string value = text.substr(sign + 1);
  if (!Json::accept(value)) value = Json(value).dump();
  return std::pair(text.substr(0, sign), std::move(value));
}

std::optional<std::string> optional_text(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

}  // namespace holdfast::cli
