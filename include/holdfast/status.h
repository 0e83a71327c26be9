// Status and Result: how every operation of Holdfast reports what happened. No exceptions cross the
// API; an operating error is a Status, a programmer's error aborts.
//
// Thread-safety: a value; const access from any thread.
// Invariants:
//   1. A Status is one pointer; null is success and costs nothing.
//   2. A message says what happened and what to do; `path`, `version` and `offset` say where.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace holdfast {

enum class StatusCode : uint8_t {
  kOk = 0,
  kNotFound,          // what was asked for does not exist
  kConditionFalse,    // a compare-and-set or guard did not hold
  kInvalidArgument,   // the caller's input cannot be accepted
  kConflict,          // another transaction changed what this one read; retry
  kTooOld,            // the snapshot is older than the log that could validate it; retry
  kBusy,              // a deadline passed; the message names who was waited for
  kCorruption,        // a checksum or a structure is wrong; nothing was changed
  kIoError,           // the kernel reported an error
  kNoSpace,           // disk or quota is full; nothing was written
  kPermissionDenied,  // the kernel refused access
  kNotAStore,         // the path is not a Holdfast store
  kUnsupported,       // newer format, or a file system whose locks or shared memory lie
  kTooLarge,          // beyond a limit named in the message
  kAborted,           // the commit was voided after a failed sync: definitely not committed
  kReadOnly,          // the store refuses writes until it is reopened
  kForked,            // the handle was inherited over fork(); open the store again
  kClosed,            // the handle was closed
  kFenced,            // the claim or lease was lost: expired, released, or another's by now
};

std::string_view status_code_name(StatusCode code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message);
  Status(const Status& other);
  Status& operator=(const Status& other);
  Status(Status&&) noexcept = default;
  Status& operator=(Status&&) noexcept = default;

  static Status ok() { return {}; }

  bool is_ok() const { return rep_ == nullptr; }
  explicit operator bool() const { return is_ok(); }
  StatusCode code() const { return rep_ ? rep_->code : StatusCode::kOk; }
  std::string_view message() const { return rep_ ? std::string_view(rep_->message) : ""; }

  // Context, each set at most once by the layer that knows it; later calls do not overwrite.
  Status with_path(std::string_view path) &&;
  Status with_version(uint64_t version) &&;
  Status with_offset(uint64_t offset) &&;
  std::string_view path() const { return rep_ ? std::string_view(rep_->path) : ""; }
  std::optional<uint64_t> version() const { return rep_ ? rep_->version : std::nullopt; }
  std::optional<uint64_t> offset() const { return rep_ ? rep_->offset : std::nullopt; }

  // "conflict: key "a" was changed by commit 7 [path /x, version 7]"
  std::string to_string() const;

 private:
  struct Rep {
    StatusCode code;
    std::string message;
    std::string path;
    std::optional<uint64_t> version;
    std::optional<uint64_t> offset;
  };
  std::unique_ptr<Rep> rep_;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::in_place_index<1>, std::move(value)) {}        // NOLINT: implicit
  Result(Status status) : value_(std::in_place_index<0>, std::move(status)) {  // NOLINT: implicit
    if (std::get<0>(value_).is_ok()) std::abort();  // a Result without a value needs an error
  }

  bool is_ok() const { return value_.index() == 1; }
  explicit operator bool() const { return is_ok(); }
  Status status() const { return is_ok() ? Status() : std::get<0>(value_); }

  // REQUIRES: is_ok(); aborts otherwise.
  T& operator*() & { return require(); }
  const T& operator*() const& { return const_cast<Result*>(this)->require(); }
  T&& operator*() && { return std::move(require()); }
  T* operator->() { return &require(); }
  const T* operator->() const { return &const_cast<Result*>(this)->require(); }

 private:
  T& require() {
    if (!is_ok()) std::abort();
    return std::get<1>(value_);
  }
  std::variant<Status, T> value_;
};

}  // namespace holdfast

// Returns the error of `expression` (a Status) to the caller, if it is one.
#define HOLDFAST_TRY(expression) \
  HOLDFAST_TRY_AS(HOLDFAST_JOIN(try_status_, __COUNTER__), expression)
#define HOLDFAST_TRY_AS(status, expression)                               \
  do {                                                                    \
    if (::holdfast::Status status = (expression); !status) return status; \
  } while (false)

// HOLDFAST_ASSIGN(auto x, f()): declares x from a Result, or returns its error to the caller.
#define HOLDFAST_ASSIGN(declaration, expression) \
  HOLDFAST_ASSIGN_AS(HOLDFAST_JOIN(try_result_, __COUNTER__), declaration, expression)
#define HOLDFAST_ASSIGN_AS(result, declaration, expression) \
  auto result = (expression);                               \
  if (!result) return result.status();                      \
  declaration = std::move(*result)
#define HOLDFAST_JOIN(a, b) HOLDFAST_JOIN_AGAIN(a, b)
#define HOLDFAST_JOIN_AGAIN(a, b) a##b
