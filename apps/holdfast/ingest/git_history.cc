#include "ingest/git_history.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/time_text.h"
#include "base/utf8.h"
#include "cli/child.h"
#include "documents/encoding.h"

namespace holdfast::ingest {
namespace {

constexpr size_t kCommitsAtOnce = 64;
constexpr size_t kFilesShown = 40;
constexpr size_t kMessageSizeMax = 64 * 1024;  // bytes
constexpr char kRecord = '\x1e';
constexpr char kField = '\x1f';

Result<std::string> git(const std::string& repository, const std::vector<std::string>& words,
                        std::string_view input) {
  std::vector<std::string> command = {"git", "-C", repository, "-c", "core.quotePath=false"};
  command.insert(command.end(), words.begin(), words.end());
  HOLDFAST_ASSIGN(cli::ChildResult result, cli::run_child(command, input, true));
  if (result.exit_code == 0) return std::move(result.output);
  return Status(StatusCode::kInvalidArgument, "git " + words[0] + " failed there with exit code " +
                                                  std::to_string(result.exit_code) +
                                                  "; is it a repository with commits?")
      .with_path(repository);
}

// Parts of `text` between separators; what stands behind the last one too, if there is something.
std::vector<std::string_view> parts_of(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::string in_utf8(std::string_view text) {
  if (utf8_valid(text)) return std::string(text);
  if (auto converted = documents::latin1_to_utf8(text)) return *converted;
  std::string plain;
  for (const char c : text) plain += static_cast<unsigned char>(c) < 0x80 ? c : '?';
  return plain;
}

std::string_view trimmed(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

Result<Commit> parse_commit(std::string_view record) {
  const auto fields = parts_of(record, kField);
  if (fields.size() < 4) {
    return Status(StatusCode::kIoError, "what git log says is not understood");
  }
  Commit commit;
  commit.hash = fields[0];
  commit.author = in_utf8(fields[1]);
  commit.time_us = parse_time(fields[2]).value_or(0);
  commit.message = in_utf8(trimmed(fields[3]));
  if (fields.size() < 5) return commit;
  for (const std::string_view file : parts_of(fields[4], '\n')) {
    if (!file.empty()) commit.files.push_back(in_utf8(file));
  }
  return commit;
}

}  // namespace

Result<FileList> list_commits(const std::vector<std::string>& repositories) {
  FileList list;
  for (const std::string& repository : repositories) {
    std::error_code error;
    const std::string path = std::filesystem::weakly_canonical(repository, error).string();
    HOLDFAST_ASSIGN(const std::string hashes, git(path, {"rev-list", "--reverse", "HEAD"}, ""));
    for (const std::string_view hash : parts_of(hashes, '\n')) {
      const bool full = list.files.empty() || list.files.back().path != path ||
                        list.files.back().commits.size() == kCommitsAtOnce;
      if (full) list.files.push_back({.path = path});
      list.files.back().commits.emplace_back(hash);
    }
  }
  return list;
}

Result<std::vector<Commit>> read_commits(const std::string& repository,
                                         const std::vector<std::string>& hashes) {
  std::string input;
  for (const std::string& hash : hashes) input += hash + "\n";
  HOLDFAST_ASSIGN(const std::string output,
                  git(repository,
                      {"log", "--no-walk=unsorted", "--stdin", "--name-only",
                       "--format=%x1e%H%x1f%an <%ae>%x1f%aI%x1f%B%x1f"},
                      input));
  std::vector<Commit> commits;
  for (const std::string_view record : parts_of(output, kRecord)) {
    if (trimmed(record).empty()) continue;
    HOLDFAST_ASSIGN(Commit commit, parse_commit(record));
    commits.push_back(std::move(commit));
  }
  if (commits.size() == hashes.size()) return commits;
  return Status(StatusCode::kIoError, "git log did not tell of every commit").with_path(repository);
}

NewObservation observation_of(const Commit& commit) {
  NewObservation observation;
  const std::string_view message = utf8_prefix(commit.message, kMessageSizeMax);
  observation.title = std::string(utf8_prefix(message.substr(0, message.find('\n')), 300));
  if (observation.title->empty()) observation.title.reset();
  observation.content = message.empty() ? "(no message)" : std::string(message);
  if (!commit.files.empty()) {
    observation.content += "\n\nFiles:";
    const size_t shown = std::min(commit.files.size(), kFilesShown);
    for (size_t i = 0; i < shown; ++i) observation.content += " " + commit.files[i];
    if (shown < commit.files.size()) {
      observation.content += " and " + std::to_string(commit.files.size() - shown) + " more";
    }
  }
  observation.kind = "commit";
  observation.source = "git:" + commit.hash.substr(0, 12);
  observation.happened_us = commit.time_us;
  observation.metadata =
      nlohmann::ordered_json{{"commit", commit.hash}, {"author", commit.author}}.dump();
  observation.key = "git:" + commit.hash;
  return observation;
}

}  // namespace holdfast::ingest
