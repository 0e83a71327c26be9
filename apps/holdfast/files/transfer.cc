#include "files/transfer.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "cli/files.h"
#include "cli/input.h"
#include "process/random_name.h"
#include "process/system_error.h"
#include "process/unix_time.h"

namespace holdfast::files {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPieceSize = 1u << 20;
constexpr size_t kFilesAtOnce = 64;  // in one commit
constexpr mode_t kPermissions = 0777;

int64_t time_of(const struct stat& facts) {
  return static_cast<int64_t>(facts.st_mtim.tv_sec) * 1'000'000 + facts.st_mtim.tv_nsec / 1'000;
}

// A file or link on its way in.
struct Arrival {
  Node node;
  NewContent content;
};

Result<Arrival> arrival_of(const Space& files, Node node,
                           const std::function<Status(NewContent& content)>& produce) {
  Arrival arrival{std::move(node), NewContent(files.kv())};
  HOLDFAST_TRY(produce(arrival.content));
  HOLDFAST_TRY(arrival.content.finish());
  arrival.node.size = arrival.content.size();
  arrival.node.content = process::random_name();
  return arrival;
}

Status put_all(Store& store, const Space& files, const std::vector<Arrival>& arrivals) {
  return store
      .update([&](Transaction& transaction) -> Status {
        const Kv kv = files.kv(transaction);
        for (const auto& [node, content] : arrivals) {
          HOLDFAST_TRY(FileTree(kv).put(node, process::unix_us()));
          if (node.type == NodeType::kFile) HOLDFAST_TRY(content.put(kv, node));
        }
        return Status::ok();
      })
      .status();
}

class Importer {
 public:
  Importer(Store& store, const Space& files, const Progress& progress)
      : store_(store), files_(files), progress_(progress) {}

  Status bring(const fs::path& source, const std::string& path) {
    progress_(report_);
    struct stat facts {};
    if (::lstat(source.c_str(), &facts) != 0)
      return process::named_path_error("lstat", source.string());
    Node node{.path = path, .mode = facts.st_mode & kPermissions, .changed_us = time_of(facts)};
    if (S_ISDIR(facts.st_mode)) {
      node.type = NodeType::kFolder;
      return bring_folder(source, node);
    }
    if (S_ISLNK(facts.st_mode)) return bring_link(source, std::move(node));
    if (!S_ISREG(facts.st_mode)) return skip(source);
    node.size = static_cast<uint64_t>(facts.st_size);
    return bring_file(source, std::move(node));
  }
  // Once, at the end.
  Result<TransferReport> finish() {
    HOLDFAST_TRY(commit());
    return report_;
  }

 private:
  Status bring_folder(const fs::path& source, const Node& node) {
    const std::string& path = node.path;
    HOLDFAST_TRY(make_folder(node));
    ++report_.folders;
    std::error_code error;
    std::vector<fs::path> entries;
    for (fs::directory_iterator at(source, error), end; !error && at != end; at.increment(error)) {
      entries.push_back(at->path());
    }
    if (error)
      return process::named_path_error("reading the folder", source.string(), error.value());
    std::sort(entries.begin(), entries.end());
    for (const fs::path& entry : entries) {
      const std::string name = entry.filename().string();
      if (!utf8_valid(name)) {
        HOLDFAST_TRY(skip(entry));
        continue;
      }
      HOLDFAST_ASSIGN(const std::string below,
                      checked_path(path.empty() ? name : path + "/" + name));
      HOLDFAST_TRY(bring(entry, below));
    }
    return Status::ok();
  }

  Status make_folder(const Node& node) {
    HOLDFAST_ASSIGN(const auto before, FileTree(files_.kv()).find(node.path));
    const bool is_same = before && before->type == NodeType::kFolder && before->mode == node.mode &&
                         before->changed_us == node.changed_us;
    if (node.path.empty() || is_same) return Status::ok();  // the root is as it is
    const auto make = [&](Transaction& transaction) {
      return FileTree(files_.kv(transaction)).put(node, process::unix_us());
    };
    return store_.update(make).status();
  }

  Status bring_link(const fs::path& source, Node node) {
    std::error_code error;
    node.type = NodeType::kLink;
    node.target = fs::read_symlink(source, error).string();
    if (error) return process::named_path_error("readlink", source.string(), error.value());
    if (!utf8_valid(node.target)) return skip(source);
    HOLDFAST_ASSIGN(const auto before, FileTree(files_.kv()).find(node.path));
    ++report_.files;
    if (before && before->type == NodeType::kLink && before->target == node.target) {
      ++report_.unchanged;
      return Status::ok();
    }
    return add({std::move(node), NewContent(files_.kv())});
  }

  Status bring_file(const fs::path& source, Node node) {
    HOLDFAST_ASSIGN(const auto before, FileTree(files_.kv()).find(node.path));
    ++report_.files;
    if (before && before->type == NodeType::kFile && before->size == node.size &&
        before->changed_us == node.changed_us && before->mode == node.mode) {
      ++report_.unchanged;
      return Status::ok();
    }
    const auto read = [&](NewContent& content) {
      return cli::read_pieces(std::nullopt, source.string(), [&](std::string_view piece) {
        report_.bytes += piece.size();
        return content.append(piece);
      });
    };
    HOLDFAST_ASSIGN(Arrival arrival, arrival_of(files_, std::move(node), read));
    return add(std::move(arrival));
  }

  Status skip(const fs::path& source) {
    if (report_.skipped++ == 0) report_.first_skipped = source.string();
    return Status::ok();
  }

  Status add(Arrival arrival) {
    arrivals_.push_back(std::move(arrival));
    return arrivals_.size() < kFilesAtOnce ? Status::ok() : commit();
  }

  Status commit() {
    if (arrivals_.empty()) return Status::ok();
    HOLDFAST_TRY(put_all(store_, files_, arrivals_));
    arrivals_.clear();
    return Status::ok();
  }

  Store& store_;
  const Space& files_;
  const Progress& progress_;
  std::vector<Arrival> arrivals_;
  TransferReport report_;
};

// Permissions and time, as they were when the file came in.
Status restore_facts(const Node& node, const fs::path& target) {
  if (::chmod(target.c_str(), node.mode & kPermissions) != 0) {
    return process::named_path_error("chmod", target.string());
  }
  const timespec time = {static_cast<time_t>(node.changed_us / 1'000'000),
                         static_cast<long>(node.changed_us % 1'000'000 * 1'000)};
  const timespec times[2] = {time, time};
  if (::utimensat(AT_FDCWD, target.c_str(), times, 0) == 0) return Status::ok();
  return process::named_path_error("utimensat", target.string());
}

class Exporter {
 public:
  // With `disk`, files are put onto it many at once; else one by one.
  Exporter(const Kv& files, const Progress& progress, std::optional<cli::FileSystemSync> disk)
      : files_(files), progress_(progress), disk_(std::move(disk)) {}

  Status take(const Node& node, const fs::path& target) {
    progress_(report_);
    if (node.type == NodeType::kFolder) {
      ++report_.folders;
      if (!node.path.empty()) folders_.emplace_back(node, target);
      return cli::make_directory(target.string());
    }
    ++report_.files;
    if (node.type == NodeType::kLink) {
      if (::symlink(node.target.c_str(), target.c_str()) == 0) return Status::ok();
      return process::named_path_error("symlink", target.string());
    }
    // In the place of a link that somebody put there, not through it.
    HOLDFAST_ASSIGN(cli::NewFile file, cli::NewFile::make(target.string(), 0600));
    HOLDFAST_TRY(read_file(files_, node.path, [&](std::string_view piece) {
      report_.bytes += piece.size();
      return file.append(piece);
    }));
    HOLDFAST_TRY(restore_facts(node, file.beside()));
    if (!disk_) {
      HOLDFAST_TRY(file.commit());
      return Status::ok();
    }
    HOLDFAST_TRY(file.close());
    written_.push_back(std::move(file));
    return written_.size() < kWrittenAtOnce ? Status::ok() : place();
  }
  // Once, at the end: writing into a folder changes its time, and may not be permitted by then.
  Result<TransferReport> finish() {
    HOLDFAST_TRY(place());
    for (auto at = folders_.rbegin(); at != folders_.rend(); ++at) {
      HOLDFAST_TRY(restore_facts(at->first, at->second));
    }
    if (disk_) HOLDFAST_TRY(disk_->sync());  // the names
    return report_;
  }

 private:
  static constexpr size_t kWrittenAtOnce = 1'000;

  // Gives the files that are written their names.
  Status place() {
    if (written_.empty()) return Status::ok();
    HOLDFAST_TRY(disk_->sync());
    for (cli::NewFile& file : written_) HOLDFAST_TRY(file.move());
    written_.clear();
    return Status::ok();
  }

  const Kv& files_;
  const Progress& progress_;
  const std::optional<cli::FileSystemSync> disk_;
  std::vector<cli::NewFile> written_;  // beside their places
  TransferReport report_;
  std::vector<std::pair<Node, fs::path>> folders_;  // none before the one that holds it
};

}  // namespace

Status read_file(const Kv& files, const std::string& path,
                 const std::function<Status(std::string_view piece)>& take) {
  HOLDFAST_ASSIGN(const Node node, FileTree(files).get(path));
  if (node.type != NodeType::kFile) {
    return Status(StatusCode::kConditionFalse, "/" + path + " is no file");
  }
  HOLDFAST_ASSIGN(auto reader, files.open(FileTree::content_key(node)));
  if (!reader) return Status(StatusCode::kCorruption, "the content of /" + path + " is missing");
  std::string piece(kPieceSize, '\0');
  while (true) {
    HOLDFAST_ASSIGN(const size_t count, reader->read(piece.data(), piece.size()));
    if (count == 0) return Status::ok();
    HOLDFAST_TRY(take({piece.data(), count}));
  }
}

Status write_file(Store& store, const Space& files, Node node,
                  const std::function<Status(NewContent& content)>& produce) {
  HOLDFAST_ASSIGN(Arrival arrival, arrival_of(files, std::move(node), produce));
  std::vector<Arrival> arrivals;
  arrivals.push_back(std::move(arrival));
  return put_all(store, files, arrivals);
}

Result<TransferReport> bring_in(Store& store, const Space& files, const std::string& source,
                                const std::string& path, const Progress& progress) {
  Importer importer(store, files, progress);
  HOLDFAST_TRY(importer.bring(source, path));
  return importer.finish();
}

Result<TransferReport> take_out(const Kv& files, const std::string& path, const std::string& target,
                                const Progress& progress) {
  const FileTree tree(files);
  HOLDFAST_ASSIGN(const Node top, tree.get(path));
  if (top.type != NodeType::kFolder) {
    Exporter exporter(files, progress, std::nullopt);
    HOLDFAST_TRY(exporter.take(top, target));
    return exporter.finish();
  }
  std::error_code error;
  if (fs::exists(target, error) && !fs::is_empty(target, error)) {
    return Status(StatusCode::kConditionFalse, "there is something already; name an empty folder")
        .with_path(target);
  }
  HOLDFAST_TRY(cli::make_directory(target));
  HOLDFAST_ASSIGN(cli::FileSystemSync disk, cli::FileSystemSync::open(target));
  Exporter exporter(files, progress, std::move(disk));
  HOLDFAST_TRY(exporter.take(top, target));
  HOLDFAST_ASSIGN(const auto nodes, tree.list(path, true));
  const size_t skipped = path.empty() ? 0 : path.size() + 1;
  for (const Node& node : nodes) {
    HOLDFAST_TRY(exporter.take(node, fs::path(target) / node.path.substr(skipped)));
  }
  return exporter.finish();
}

Result<uint64_t> remove_tree(Store& store, const Space& files, const std::string& path, bool deep,
                             const std::function<void(uint64_t commits)>& progress) {
  uint64_t commits = 0;
  for (bool is_gone = false; !is_gone;) {
    const auto remove = [&](Transaction& transaction) -> Status {
      HOLDFAST_ASSIGN(is_gone, FileTree(files.kv(transaction)).remove(path, deep));
      return Status::ok();
    };
    HOLDFAST_TRY(store.update(remove).status());
    progress(++commits);
  }
  return commits;
}

}  // namespace holdfast::files
