#include "os/sim/disk.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "base/check.h"

namespace holdfast::sim {
namespace {

std::string parent_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string prefix_of(const std::string& directory) {
  return directory == "/" ? "/" : directory + "/";
}

// What files of one kind have in common: their name, or where they lie if it has a number in it.
std::string kind_of(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  return name.find_first_of("0123456789") == std::string::npos ? name : parent_of(path);
}

Status not_found(const std::string& path) {
  return Status(StatusCode::kNotFound, "no such file or directory").with_path(path);
}

}  // namespace

// Numbers of dead files are used again at once, as ext4 does: whoever takes an inode number for an
// identity shall be found out.
struct Disk::Inodes {
  std::set<uint64_t> used;
};

std::string plain_path(const std::string& path) {
  std::string plain;
  size_t begin = 0;
  while (begin < path.size()) {
    size_t end = path.find('/', begin);
    if (end == std::string::npos) end = path.size();
    const std::string part = path.substr(begin, end - begin);
    CHECK(part != "..");  // not modelled
    if (!part.empty() && part != ".") plain += "/" + part;
    begin = end + 1;
  }
  return plain.empty() ? "/" : plain;
}

Disk::Disk() : inodes_(std::make_shared<Inodes>()) {
  now_["/"] = durable_["/"] = Entry{};
}

Disk::Disk(const Disk& other)
    : now_(other.now_),
      durable_(other.durable_),
      pending_(other.pending_),
      inodes_(std::make_shared<Inodes>()) {
  std::unordered_map<const DiskFile*, std::shared_ptr<DiskFile>> copies;
  const auto copy = [&](Entry& entry) {
    if (entry.file == nullptr) return;
    std::shared_ptr<DiskFile>& file = copies[entry.file.get()];
    if (file == nullptr) file = owned(std::make_unique<DiskFile>(*entry.file));
    entry.file = file;
  };
  for (auto& [path, entry] : now_) copy(entry);
  for (auto& [path, entry] : durable_) copy(entry);
  for (Change& change : pending_) {
    for (NewEntry& made : change.entries) {
      if (made.entry) copy(*made.entry);
    }
  }
  CHECK(inodes_->used == other.inodes_->used);  // else a file without a name is open
}

Disk::~Disk() = default;

std::shared_ptr<DiskFile> Disk::find(const std::string& path) const {
  const auto found = now_.find(path);
  return found == now_.end() ? nullptr : found->second.file;
}

bool Disk::is_directory(const std::string& path) const {
  const auto found = now_.find(path);
  return found != now_.end() && found->second.file == nullptr;
}

Status Disk::require_parent(const std::string& path) const {
  return path != "/" && is_directory(parent_of(path)) ? Status::ok() : not_found(path);
}

uint64_t Disk::free_inode() const {
  uint64_t inode = 11;  // the first that ext4 gives to files
  while (inodes_->used.count(inode) != 0) ++inode;
  return inode;
}

std::shared_ptr<DiskFile> Disk::owned(std::unique_ptr<DiskFile> file) {
  inodes_->used.insert(file->inode());
  return std::shared_ptr<DiskFile>(file.release(), [inodes = inodes_](DiskFile* dead) {
    inodes->used.erase(dead->inode());
    delete dead;
  });
}

std::shared_ptr<DiskFile> Disk::create(const std::string& path) {
  CHECK(require_parent(path) && now_.count(path) == 0);
  std::shared_ptr<DiskFile> file = owned(std::make_unique<DiskFile>(free_inode(), kind_of(path)));
  change({{{path, Entry{file}}}});
  return file;
}

Status Disk::rename(const std::string& from, const std::string& to) {
  const auto file = find(from);
  if (file == nullptr) {
    return is_directory(from) ? rename_directory(from, to) : not_found(from);
  }
  HOLDFAST_TRY(require_parent(to));
  if (is_directory(to)) {
    return Status(StatusCode::kInvalidArgument, "the target is a directory").with_path(to);
  }
  if (from != to) change({{{from, std::nullopt}, {to, Entry{file}}}});
  return Status::ok();
}

Status Disk::rename_directory(const std::string& from, const std::string& to) {
  HOLDFAST_TRY(require_parent(to));
  if (now_.count(to) != 0 || to.starts_with(prefix_of(from))) {
    return Status(StatusCode::kInvalidArgument, "something is in the way of the directory")
        .with_path(to);
  }
  // What was changed below it and is not durable comes behind the move, under the new name.
  std::vector<Change> below;
  std::vector<Change> others;
  for (Change& pending : pending_) {
    const bool inside =
        std::any_of(pending.entries.begin(), pending.entries.end(),
                    [&](const NewEntry& made) { return made.path.starts_with(prefix_of(from)); });
    for (NewEntry& made : pending.entries) {
      if (inside) made.path = moved(made.path, from, to);
    }
    CHECK(!inside || !pending.move);  // not modelled
    (inside ? below : others).push_back(std::move(pending));
  }
  pending_ = std::move(others);
  change({{{from, std::nullopt}, {to, Entry{}}}, Move{from, to}});
  std::move(below.begin(), below.end(), std::back_inserter(pending_));
  return Status::ok();
}

Status Disk::remove(const std::string& path) {
  if (now_.count(path) == 0 || path == "/") return not_found(path);
  if (is_directory(path)) {
    const auto next = now_.lower_bound(prefix_of(path));
    if (next != now_.end() && next->first.starts_with(prefix_of(path))) {
      return Status(StatusCode::kInvalidArgument, "the directory is not empty").with_path(path);
    }
  }
  change({{{path, std::nullopt}}});
  return Status::ok();
}

Status Disk::make_directories(const std::string& path) {
  if (is_directory(path)) return Status::ok();
  if (now_.count(path) != 0) {
    return Status(StatusCode::kInvalidArgument, "a file is in the way of a directory")
        .with_path(path);
  }
  HOLDFAST_TRY(make_directories(parent_of(path)));
  change({{{path, Entry{}}}});
  return Status::ok();
}

Result<std::vector<std::string>> Disk::list(const std::string& path) const {
  for (std::string above = path; above != "/"; above = parent_of(above)) {
    if (find(above) == nullptr) continue;
    return Status(StatusCode::kInvalidArgument, "a file, not a directory").with_path(above);
  }
  if (!is_directory(path)) return not_found(path);
  const std::string prefix = prefix_of(path);
  std::vector<std::string> names;
  for (auto it = now_.lower_bound(prefix); it != now_.end(); ++it) {
    if (!it->first.starts_with(prefix)) break;
    const std::string name = it->first.substr(prefix.size());
    if (!name.empty() && name.find('/') == std::string::npos) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

void Disk::change(Change made) {
  apply(made, {}, now_);
  pending_.push_back(std::move(made));
}

std::string Disk::moved(const std::string& path, const std::string& from, const std::string& to) {
  const bool inside = path == from || path.starts_with(prefix_of(from));
  return inside ? to + path.substr(from.size()) : path;
}

void Disk::apply(const Change& change, const std::vector<Move>& unmade, Entries& entries) {
  const auto place = [&](std::string path) {
    for (auto move = unmade.rbegin(); move != unmade.rend(); ++move) {
      path = moved(path, move->to, move->from);
    }
    return path;
  };
  if (change.move) {
    const std::string from = place(change.move->from), to = place(change.move->to);
    Entries kept;
    for (auto& [path, entry] : entries) kept[moved(path, from, to)] = entry;
    entries = std::move(kept);
    return;
  }
  for (const NewEntry& made : change.entries) {
    const std::string& path = unmade.empty() ? made.path : place(made.path);
    if (made.entry) {
      entries[path] = *made.entry;
    } else {
      entries.erase(path);
    }
  }
}

void Disk::sync_directory(const std::string& path) {
  // A change that becomes durable takes the earlier ones of the same names along: else one of
  // those could come back after it.
  std::unordered_set<std::string> names;
  std::vector<bool> durable(pending_.size(), false);
  for (size_t i = pending_.size(); i-- > 0;) {
    for (const NewEntry& made : pending_[i].entries) {
      if (parent_of(made.path) == path || names.count(made.path) != 0) durable[i] = true;
    }
    if (!durable[i]) continue;
    for (const NewEntry& made : pending_[i].entries) names.insert(made.path);
  }
  std::vector<Change> left;
  std::vector<Move> unmade;
  for (size_t i = 0; i < pending_.size(); ++i) {
    if (durable[i]) {
      apply(pending_[i], unmade, durable_);
    } else {
      if (pending_[i].move) unmade.push_back(*pending_[i].move);
      left.push_back(std::move(pending_[i]));
    }
  }
  pending_ = std::move(left);
}

void Disk::cut_power(Random& random, const Damage& damage) {
  const bool ordered = damage.loss == Loss::kSuffix;
  size_t kept = ordered ? random.below(pending_.size() + 1) : pending_.size();
  std::vector<Move> unmade;
  for (size_t i = 0; i < kept; ++i) {
    const bool keep = ordered || damage.loss == Loss::kNothing ||
                      (damage.loss != Loss::kAll && random.chance(0.5));
    if (keep) {
      apply(pending_[i], unmade, durable_);
    } else if (pending_[i].move) {
      unmade.push_back(*pending_[i].move);
    }
  }
  pending_.clear();
  for (auto it = durable_.begin(); it != durable_.end();) {
    const auto parent = durable_.find(parent_of(it->first));
    const bool orphan =
        it->first != "/" && (parent == durable_.end() || parent->second.file != nullptr);
    it = orphan ? durable_.erase(it) : std::next(it);
  }
  now_ = durable_;
  std::unordered_set<DiskFile*> damaged;
  for (auto& [path, entry] : now_) {
    if (entry.file != nullptr && damaged.insert(entry.file.get()).second) {
      entry.file->cut_power(random, damage);
      entry.file->locks.clear();
      entry.file->error_seen = true;
    }
  }
}

void Disk::for_each_file(
    const std::function<void(const std::string& path, DiskFile&)>& visit) const {
  for (const auto& [path, entry] : now_) {
    if (entry.file != nullptr) visit(path, *entry.file);
  }
}

}  // namespace holdfast::sim
