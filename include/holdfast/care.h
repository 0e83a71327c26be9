// Care: what can be said of a store, and saved from it, without opening it.
//
// These functions read a store's files as they are: damaged, or open in other processes. They
// change nothing in it and take no lock of it. What they read may move on while they read it.
//
// Thread-safety: any thread; each call is by itself.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "holdfast/status.h"

namespace holdfast {

namespace os {
class Os;
}

namespace care {

// Bytes as text that can be read: printable ASCII as it is, a backslash as "\\", all else as
// "\xNN".
std::string key_text(std::string_view bytes);
// The bytes of such a text; nullopt when a backslash begins no escape.
std::optional<std::string> parse_key_text(std::string_view text);

// One thing that a dump found: its type and named values, in the order of printing. Keys, values
// and actors are given as key_text.
struct Row {
  using Value = std::variant<uint64_t, bool, std::string>;
  struct Field {
    std::string name;
    Value value;
  };

  explicit Row(std::string type_in) : type(std::move(type_in)) {}
  Row& add(std::string name, std::string value) {
    fields.push_back({std::move(name), Value(std::in_place_type<std::string>, std::move(value))});
    return *this;
  }
  Row& add(std::string name, const char* value) { return add(std::move(name), std::string(value)); }
  Row& add(std::string name, std::integral auto value) {
    using T = decltype(value);
    if constexpr (std::same_as<T, bool>) {
      fields.push_back({std::move(name), Value(std::in_place_type<bool>, value)});
    } else {
      fields.push_back(
          {std::move(name), Value(std::in_place_type<uint64_t>, static_cast<uint64_t>(value))});
    }
    return *this;
  }

  std::string type;
  std::vector<Field> fields;
};
// Takes rows one by one; an error ends the dump, which returns it.
using RowSink = std::function<Status(const Row&)>;

struct LogDumpOptions {
  uint64_t from_lsn = 0;    // LSN: segment number << 32 | offset in its file
  uint64_t to_lsn = ~0ull;  // records that begin before it
  bool keys = false;        // one row for each operation of a commit
};

enum class TreeChoice : uint8_t {
  kNewestCheckpoint,
  kOlderCheckpoint,
  kLive,  // the newest published root, durable or not; needs a control block of this boot
};
struct TreeDumpOptions {
  TreeChoice choice = TreeChoice::kNewestCheckpoint;
  uint32_t depth_max = ~0u;  // levels below the root to go down
};

// docs/operations.md lists the rows of each. Errors: NotAStore (nothing of a store is there),
// InvalidArgument (a page that the file does not have), NotFound (no such checkpoint or control
// block), what the sink returns. Damage is no error but a row that says so.
Status dump_log(os::Os& os, const std::string& path, const LogDumpOptions& options,
                const RowSink& sink);
Status dump_page(os::Os& os, const std::string& path, uint64_t pgno, const RowSink& sink);
Status dump_tree(os::Os& os, const std::string& path, const TreeDumpOptions& options,
                 const RowSink& sink);
Status dump_meta(os::Os& os, const std::string& path, const RowSink& sink);
Status dump_control(os::Os& os, const std::string& path, const RowSink& sink);

}  // namespace care
}  // namespace holdfast
