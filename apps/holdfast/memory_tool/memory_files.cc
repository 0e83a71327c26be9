#include "memory_tool/memory_files.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "holdfast/redaction.h"
#include "memory_tool/memory_path.h"

namespace holdfast::memory_tool {
namespace {

using cli::Json;

// A directory's own size, as ext4 shows it.
constexpr uint64_t kDirectorySize = 4096;
constexpr size_t kFilesMax = 100'000;  // in one directory, at any depth
constexpr size_t kNumberSize = 8;      // of a line, with what stands around it
constexpr const char* kMissing = " does not exist. Please provide a valid path.";

Status refused(StatusCode code, std::string text) {
  return Status(code, std::move(text));
}

Status misused(std::string text) {
  return refused(StatusCode::kInvalidArgument, std::move(text));
}

Result<std::string> text_of(const Json& command, const char* name) {
  if (command.contains(name) && command[name].is_string()) return command[name].get<std::string>();
  return misused(std::string("The command needs `") + name + "`, a string");
}

// A member that is an integer, as numbers of JSON come: 3 and 3.0 alike. What no file has lines for
// counts as the nearest that one could.
std::optional<int64_t> integer_of(const Json& value) {
  constexpr double kMost = 1e15;
  if (!value.is_number()) return std::nullopt;
  const double number = value.get<double>();
  if (std::trunc(number) != number) return std::nullopt;
  return static_cast<int64_t>(std::clamp(number, -kMost, kMost));
}

// std::string::find takes a time that grows with the product of both sizes, for some texts.
size_t find_from(const std::string& content, size_t from, const std::string& text) {
  const void* found =
      ::memmem(content.data() + from, content.size() - from, text.data(), text.size());
  if (found == nullptr) return std::string::npos;
  return static_cast<size_t>(static_cast<const char*>(found) - content.data());
}

// Where `text` begins in `content`: two places also where one overlaps the other, and of more those
// that do not.
std::vector<size_t> places_of(const std::string& text, const std::string& content) {
  std::vector<size_t> places;
  for (size_t from = 0; from + text.size() <= content.size();) {
    const size_t at = find_from(content, from, text);
    if (at == std::string::npos) break;
    places.push_back(at);
    from = at + (places.size() == 1 ? 1 : text.size());
  }
  return places;
}

// The numbers of the lines in which `places`, ascending, are: each once, and not more of them than
// anybody reads.
std::string line_numbers(const std::string& content, const std::vector<size_t>& places) {
  constexpr size_t kNamedMax = 1'000;
  std::string text;
  size_t line = 1;
  size_t counted = 0;  // bytes whose line ends are in `line`
  size_t named = 0;    // lines
  size_t last = 0;
  for (const size_t place : places) {
    const auto from = content.begin() + static_cast<ptrdiff_t>(counted);
    line += static_cast<size_t>(
        std::count(from, content.begin() + static_cast<ptrdiff_t>(place), '\n'));
    counted = place;
    if (line == last) continue;
    if (named++ == kNamedMax) return text + ", ...";
    text += (text.empty() ? "" : ", ") + std::to_string(line);
    last = line;
  }
  return text;
}

// Behind the last line from `begin` on that one view shows: at least one.
size_t end_of_page(const std::vector<std::string_view>& lines, size_t begin, size_t end) {
  size_t size = 0;
  size_t at = begin;
  for (; at < end; ++at) {
    size += lines[at].size() + kNumberSize;
    if (size > kViewSizeMax && at > begin) break;
  }
  return at;
}

// What the model is told of secrets that were not kept.
std::string left_out(const std::vector<Redaction>& secrets) {
  std::string names;
  for (const Redaction& secret : secrets) {
    if (names.find(secret.name) == std::string::npos) {
      names += (names.empty() ? "" : ", ") + secret.name;
    }
  }
  return names.empty() ? "" : "\n(A secret was left out: " + names + ".)";
}

std::string directory_key(const std::string& path) {
  return path + "/";
}

}  // namespace

Result<std::string> MemoryFiles::run(const Json& command) const {
  if (!command.is_object())
    return misused(
        "A command is a JSON object such as {\"command\":"
        "\"view\",\"path\":\"/memories\"}");
  HOLDFAST_ASSIGN(const std::string name, text_of(command, "command"));
  if (name == "view") return view(command);
  if (name == "create") return create(command);
  if (name == "str_replace") return replace(command);
  if (name == "insert") return insert(command);
  if (name == "delete") return remove(command);
  if (name == "rename") return rename(command);
  return misused("Unknown command: " + cli::one_line(name, 60) +
                 ". There are view, create, str_replace, insert, delete, rename");
}

Result<MemoryFiles::Kind> MemoryFiles::kind_of(const std::string& path) const {
  if (path.empty()) return Kind::kDirectory;
  HOLDFAST_ASSIGN(const auto file, kv_.get(path));
  if (file) return Kind::kFile;
  HOLDFAST_ASSIGN(const auto directory, kv_.get(directory_key(path)));
  return directory ? Kind::kDirectory : Kind::kNothing;
}

Result<std::vector<MemoryFiles::Entry>> MemoryFiles::below(const std::string& path) const {
  std::vector<Entry> entries;
  KvListOptions options;
  options.prefix = path.empty() ? "" : directory_key(path);
  options.after = options.prefix;
  options.limit = kFilesMax;
  options.keys_only = true;
  HOLDFAST_ASSIGN(auto keys, kv_.list(options));
  if (keys.size() == kFilesMax) {
    return refused(StatusCode::kTooLarge, "The directory holds too many files. Maximum is " +
                                              cli::with_separators(kFilesMax) + ".");
  }
  for (KvEntry& key : keys) {
    const bool directory = key.key.back() == '/';
    if (directory) key.key.pop_back();
    entries.push_back({std::move(key.key), directory, directory ? kDirectorySize : key.size});
  }
  return entries;
}

Status MemoryFiles::make_parents(const std::string& path) const {
  for (std::string parent = parent_of(path); !parent.empty(); parent = parent_of(parent)) {
    HOLDFAST_ASSIGN(const Kind kind, kind_of(parent));
    if (kind == Kind::kDirectory) return Status::ok();
    if (kind == Kind::kFile) {
      return refused(StatusCode::kConditionFalse,
                     "The path /memories/" + parent + " is not a directory.");
    }
    HOLDFAST_TRY(kv_.put(directory_key(parent), ""));
  }
  return Status::ok();
}

Result<std::string> MemoryFiles::content_of(const std::string& path,
                                            const std::string& shown) const {
  HOLDFAST_ASSIGN(const Kind kind, kind_of(path));
  if (kind == Kind::kNothing) {
    return refused(StatusCode::kNotFound, "The path " + shown + kMissing);
  }
  if (kind == Kind::kDirectory) {
    return refused(StatusCode::kConditionFalse, "The path " + shown + " is not a file.");
  }
  HOLDFAST_ASSIGN(auto content, kv_.get(path));
  return std::move(content).value_or("");
}

Result<std::string> MemoryFiles::write(const std::string& path, std::string& content) const {
  std::vector<Redaction> secrets;
  content = redact(content, {}, &secrets);
  if (content.size() > kFileSizeMax) {
    return refused(StatusCode::kTooLarge,
                   "The file would be too large: " + size_text(content.size()) + ". Maximum is " +
                       size_text(kFileSizeMax) + "; split it into several files.");
  }
  HOLDFAST_TRY(kv_.put(path, content));
  return left_out(secrets);
}

Status MemoryFiles::put_back(const std::string& key, const std::string& content) const {
  const bool is_directory = key.ends_with('/');
  const std::string path = key.substr(0, key.size() - (is_directory ? 1 : 0));
  HOLDFAST_ASSIGN(const Kind kind, kind_of(path));
  if (kind != Kind::kNothing && (kind == Kind::kDirectory) != is_directory) {
    return refused(StatusCode::kConditionFalse,
                   "There is another /memories/" + path + " now; undo that first");
  }
  HOLDFAST_TRY(make_parents(path));
  return kv_.put(key, content);
}

Status MemoryFiles::take_away(const std::string& key) const {
  if (key.ends_with('/')) {
    HOLDFAST_ASSIGN(const auto inside, kv_.list({.prefix = key, .after = key, .limit = 1}));
    if (!inside.empty()) return Status::ok();
  }
  return kv_.del(key);
}

Result<std::string> MemoryFiles::view(const Json& command) const {
  HOLDFAST_ASSIGN(const std::string shown, text_of(command, "path"));
  HOLDFAST_ASSIGN(const std::string path, relative_path(shown));
  HOLDFAST_ASSIGN(const Kind kind, kind_of(path));
  if (kind == Kind::kDirectory) return view_directory(path, shown);
  HOLDFAST_ASSIGN(const std::string content, content_of(path, shown));
  const auto lines = lines_of(content);
  if (lines.size() > kLinesMax) {
    return refused(StatusCode::kTooLarge, "File " + shown + " has too many lines (" +
                                              std::to_string(lines.size()) + "). Maximum is " +
                                              cli::with_separators(kLinesMax) + " lines.");
  }
  int64_t first = 0;
  auto last = static_cast<int64_t>(lines.size());
  if (command.contains("view_range") && !command["view_range"].is_null()) {
    const Json& range = command["view_range"];
    const bool is_pair = range.is_array() && range.size() == 2;
    const auto begin = is_pair ? integer_of(range[0]) : std::nullopt;
    const auto end = is_pair ? integer_of(range[1]) : std::nullopt;
    if (!begin || !end) {
      return misused(
          "Invalid `view_range` parameter: give [first line, last line], -1 for the end");
    }
    first = std::max<int64_t>(1, *begin) - 1;
    if (*end != -1) last = std::clamp<int64_t>(*end, 0, last);
    first = std::min(first, last);
  }
  const auto begin = static_cast<size_t>(first);
  const auto end = static_cast<size_t>(last);
  const size_t shown_end = end_of_page(lines, begin, end);
  std::string text = "Here's the content of " + shown + " with line numbers:\n" +
                     numbered(lines, begin, shown_end);
  if (shown_end < end) {
    text += "\n(Lines " + std::to_string(shown_end + 1) + " to " + std::to_string(end) +
            " are not shown. Use `view_range` to see them.)";
  }
  return text;
}

Result<std::string> MemoryFiles::view_directory(const std::string& path,
                                                const std::string& shown) const {
  constexpr size_t kDepth = 2;
  HOLDFAST_ASSIGN(std::vector<Entry> entries, below(path));
  const size_t skipped = path.empty() ? 0 : path.size() + 1;
  std::string text = "Here're the files and directories up to 2 levels deep in " + shown +
                     ", excluding hidden items and node_modules:\n" + size_text(kDirectorySize) +
                     "\t" + shown;
  // By the names along the way: "a/x" stands behind "a" and before "a.txt".
  const auto parts_of = [skipped](const Entry& entry) {
    std::vector<std::string> parts;
    for (size_t begin = skipped; begin <= entry.path.size();) {
      const size_t end = std::min(entry.path.find('/', begin), entry.path.size());
      parts.push_back(entry.path.substr(begin, end - begin));
      begin = end + 1;
    }
    return parts;
  };
  std::vector<std::pair<std::vector<std::string>, const Entry*>> sorted;
  for (const Entry& entry : entries) {
    auto parts = parts_of(entry);
    const bool hidden = std::any_of(parts.begin(), parts.end(), [](const std::string& part) {
      return part.front() == '.' || part == "node_modules";
    });
    if (parts.size() <= kDepth && !hidden) sorted.emplace_back(std::move(parts), &entry);
  }
  std::sort(sorted.begin(), sorted.end());
  for (const auto& [parts, entry] : sorted) {
    text += "\n" + size_text(entry->size) + "\t" + shown + "/" + entry->path.substr(skipped) +
            (entry->directory ? "/" : "");
  }
  return text;
}

Result<std::string> MemoryFiles::create(const Json& command) const {
  HOLDFAST_ASSIGN(const std::string shown, text_of(command, "path"));
  HOLDFAST_ASSIGN(std::string content, text_of(command, "file_text"));
  HOLDFAST_ASSIGN(const std::string path, relative_path(shown));
  HOLDFAST_ASSIGN(const Kind kind, kind_of(path));
  if (kind != Kind::kNothing) {
    return refused(StatusCode::kConditionFalse, "File " + shown + " already exists");
  }
  HOLDFAST_TRY(make_parents(path));
  HOLDFAST_ASSIGN(const std::string note, write(path, content));
  return "File created successfully at: " + shown + note;
}

Result<std::string> MemoryFiles::replace(const Json& command) const {
  constexpr size_t kAround = 2;
  HOLDFAST_ASSIGN(const std::string shown, text_of(command, "path"));
  HOLDFAST_ASSIGN(const std::string old_text, text_of(command, "old_str"));
  HOLDFAST_ASSIGN(const std::string path, relative_path(shown));
  std::string new_text;
  if (command.contains("new_str") && !command["new_str"].is_null()) {
    HOLDFAST_ASSIGN(new_text, text_of(command, "new_str"));
  }
  if (old_text.empty()) return misused("`old_str` must not be empty");
  HOLDFAST_ASSIGN(std::string content, content_of(path, shown));
  const std::vector<size_t> places = places_of(old_text, content);
  if (places.empty()) {
    return refused(StatusCode::kNotFound, "No replacement was performed, old_str `" + old_text +
                                              "` did not appear verbatim in " + shown + ".");
  }
  if (places.size() > 1) {
    return refused(StatusCode::kConditionFalse,
                   "No replacement was performed. Multiple occurrences of old_str `" + old_text +
                       "` in lines: " + line_numbers(content, places) +
                       ". Please ensure it is unique");
  }
  const auto changed = static_cast<size_t>(
      std::count(content.begin(), content.begin() + static_cast<ptrdiff_t>(places[0]), '\n'));
  content.replace(places[0], old_text.size(), new_text);
  HOLDFAST_ASSIGN(const std::string note, write(path, content));
  const auto lines = lines_of(content);
  return "The memory file has been edited. Here is the snippet showing the change (with line "
         "numbers):\n" +
         numbered(lines, changed - std::min(changed, kAround),
                  std::min(lines.size(), changed + kAround + 1)) +
         note;
}

Result<std::string> MemoryFiles::insert(const Json& command) const {
  HOLDFAST_ASSIGN(const std::string shown, text_of(command, "path"));
  HOLDFAST_ASSIGN(std::string text, text_of(command, "insert_text"));
  HOLDFAST_ASSIGN(const std::string path, relative_path(shown));
  const auto asked =
      command.contains("insert_line") ? integer_of(command["insert_line"]) : std::nullopt;
  if (!asked) return misused("The command needs `insert_line`, an integer");
  const int64_t line = *asked;
  HOLDFAST_ASSIGN(std::string content, content_of(path, shown));
  const auto lines = lines_of(content);
  if (line < 0 || line > static_cast<int64_t>(lines.size())) {
    return misused("Invalid `insert_line` parameter: " + std::to_string(line) +
                   ". It should be within the range of lines of the file: [0, " +
                   std::to_string(lines.size()) + "]");
  }
  if (!text.empty() && text.back() == '\n') text.pop_back();
  const bool at_end = line == static_cast<int64_t>(lines.size());
  const size_t place =
      at_end ? content.size()
             : static_cast<size_t>(lines[static_cast<size_t>(line)].data() - content.data());
  content.insert(place, at_end ? "\n" + text : text + "\n");
  HOLDFAST_ASSIGN(const std::string note, write(path, content));
  return "The file " + shown + " has been edited." + note;
}

Result<std::string> MemoryFiles::remove(const Json& command) const {
  HOLDFAST_ASSIGN(const std::string shown, text_of(command, "path"));
  HOLDFAST_ASSIGN(const std::string path, relative_path(shown));
  if (path.empty()) return misused("Cannot delete the /memories directory itself");
  HOLDFAST_ASSIGN(const Kind kind, kind_of(path));
  if (kind == Kind::kNothing) {
    return refused(StatusCode::kNotFound, "The path " + shown + " does not exist");
  }
  if (kind == Kind::kFile) {
    HOLDFAST_TRY(kv_.del(path));
  } else {
    HOLDFAST_ASSIGN(const auto entries, below(path));
    for (const Entry& entry : entries) {
      HOLDFAST_TRY(kv_.del(entry.directory ? directory_key(entry.path) : entry.path));
    }
    HOLDFAST_TRY(kv_.del(directory_key(path)));
  }
  return "Successfully deleted " + shown;
}

Result<std::string> MemoryFiles::rename(const Json& command) const {
  HOLDFAST_ASSIGN(const std::string old_shown, text_of(command, "old_path"));
  HOLDFAST_ASSIGN(const std::string new_shown, text_of(command, "new_path"));
  HOLDFAST_ASSIGN(const std::string old_path, relative_path(old_shown));
  HOLDFAST_ASSIGN(const std::string new_path, relative_path(new_shown));
  if (old_path.empty()) return misused("Cannot rename the /memories directory itself");
  HOLDFAST_ASSIGN(const Kind destination, kind_of(new_path));
  if (destination != Kind::kNothing) {
    return refused(StatusCode::kConditionFalse, "The destination " + new_shown + " already exists");
  }
  HOLDFAST_ASSIGN(const Kind kind, kind_of(old_path));
  if (kind == Kind::kNothing) {
    return refused(StatusCode::kNotFound, "The path " + old_shown + " does not exist");
  }
  if (new_path.compare(0, old_path.size() + 1, directory_key(old_path)) == 0) {
    return misused("Cannot rename " + old_shown + " into itself");
  }
  std::vector<Entry> entries = {{old_path, kind == Kind::kDirectory, 0}};
  if (kind == Kind::kDirectory) {
    HOLDFAST_ASSIGN(auto found, below(old_path));
    entries.insert(entries.end(), found.begin(), found.end());
  }
  for (const Entry& entry : entries) {
    if (new_path.size() + entry.path.size() - old_path.size() > kPathSizeMax) {
      return misused("A path below " + new_shown + " would be too long");
    }
  }
  HOLDFAST_TRY(make_parents(new_path));
  for (const Entry& entry : entries) {
    const std::string end = entry.directory ? "/" : "";
    const std::string from = entry.path + end;
    HOLDFAST_ASSIGN(auto content, kv_.get(from));
    HOLDFAST_TRY(kv_.put(new_path + entry.path.substr(old_path.size()) + end,
                         std::move(content).value_or("")));
    HOLDFAST_TRY(kv_.del(from));
  }
  return "Successfully renamed " + old_shown + " to " + new_shown;
}

}  // namespace holdfast::memory_tool
