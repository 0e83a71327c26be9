#include "holdfast/status.h"

namespace holdfast {

std::string_view status_code_name(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return "ok";
    case StatusCode::kNotFound:
      return "not found";
    case StatusCode::kConditionFalse:
      return "condition false";
    case StatusCode::kInvalidArgument:
      return "invalid argument";
    case StatusCode::kConflict:
      return "conflict";
    case StatusCode::kTooOld:
      return "too old";
    case StatusCode::kBusy:
      return "busy";
    case StatusCode::kCorruption:
      return "corruption";
    case StatusCode::kIoError:
      return "i/o error";
    case StatusCode::kNoSpace:
      return "no space";
    case StatusCode::kPermissionDenied:
      return "permission denied";
    case StatusCode::kNotAStore:
      return "not a store";
    case StatusCode::kUnsupported:
      return "unsupported";
    case StatusCode::kTooLarge:
      return "too large";
    case StatusCode::kAborted:
      return "aborted";
    case StatusCode::kReadOnly:
      return "read-only";
    case StatusCode::kForked:
      return "forked";
    case StatusCode::kClosed:
      return "closed";
    case StatusCode::kFenced:
      return "fenced";
  }
  return "unknown status code";
}

Status::Status(StatusCode code, std::string message) {
  if (code == StatusCode::kOk) return;
  rep_ = std::make_unique<Rep>(Rep{code, std::move(message), {}, std::nullopt, std::nullopt});
}

Status::Status(const Status& other)
    : rep_(other.rep_ ? std::make_unique<Rep>(*other.rep_) : nullptr) {}

Status& Status::operator=(const Status& other) {
  if (this != &other) rep_ = other.rep_ ? std::make_unique<Rep>(*other.rep_) : nullptr;
  return *this;
}

Status Status::with_path(std::string_view path) && {
  if (rep_ && rep_->path.empty()) rep_->path = path;
  return std::move(*this);
}

Status Status::with_version(uint64_t version) && {
  if (rep_ && !rep_->version) rep_->version = version;
  return std::move(*this);
}

Status Status::with_offset(uint64_t offset) && {
  if (rep_ && !rep_->offset) rep_->offset = offset;
  return std::move(*this);
}

std::string Status::to_string() const {
  std::string text(status_code_name(code()));
  if (!rep_) return text;
  if (!rep_->message.empty()) text.append(": ").append(rep_->message);

  std::string context;
  const auto add = [&context](std::string_view name, std::string_view value) {
    context.append(context.empty() ? " [" : ", ").append(name).append(" ").append(value);
  };
  if (!rep_->path.empty()) add("path", rep_->path);
  if (rep_->version) add("version", std::to_string(*rep_->version));
  if (rep_->offset) add("offset", std::to_string(*rep_->offset));
  if (!context.empty()) text.append(context).append("]");
  return text;
}

}  // namespace holdfast
