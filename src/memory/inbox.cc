#include "holdfast/inbox.h"

#include <algorithm>

#include "base/ordered_key.h"
#include "memory/access.h"
#include "memory/fields.h"
#include "memory/keys.h"
#include "memory/text_check.h"

namespace holdfast {
namespace {

using memory::FieldReader;
using memory::FieldWriter;
using memory::KeyKind;

constexpr size_t kListMax = 10'000;
enum MarkField : uint32_t { kMarked = 1, kNote = 2 };

Status check_inbox(std::string_view name) {
  return memory::check_name("an inbox's name", name, kInboxNameSizeMax);
}

Status check_key(std::string_view key) {
  if (!key.empty() && key.size() <= kInboxKeySizeMax) return Status::ok();
  return Status(StatusCode::kInvalidArgument,
                "the key has " + std::to_string(key.size()) + " bytes; 1 to " +
                    std::to_string(kInboxKeySizeMax) + " are allowed: use its hash");
}

std::string prefix_of(KeyKind kind, uint32_t space_id, std::string_view name) {
  std::string prefix = memory::space_prefix(kind, space_id);
  append_ordered_string(prefix, name);
  return prefix;
}

Result<InboxMark> decode(std::string_view key, std::string_view bytes) {
  HOLDFAST_ASSIGN(const FieldReader fields, FieldReader::parse(bytes, "a mark of an inbox"));
  return InboxMark{std::string(key), fields.integer_or(kMarked, 0), fields.text_or_empty(kNote)};
}

Status write_mark(search::KeyTarget& target, uint32_t space_id, std::string_view name,
                  std::string_view key, std::string_view note, int64_t now_us) {
  FieldWriter fields;
  fields.integer(kMarked, now_us);
  if (!note.empty()) fields.text(kNote, note);
  HOLDFAST_TRY(
      target.put(prefix_of(KeyKind::kInboxMark, space_id, name).append(key), fields.bytes()));
  return target.add(prefix_of(KeyKind::kInboxCount, space_id, name), 1);
}

// Visits marks behind `after` in the order of their keys.
Status visit(search::KeySource& source, const std::string& all, std::string_view prefix,
             std::string_view after, const std::function<bool(InboxMark&&)>& visit_mark) {
  KeyRange range = search::prefix_range(std::string(all).append(prefix));
  if (!after.empty()) range.begin = std::max(range.begin, std::string(all).append(after) + '\0');
  if (range.begin >= range.end) return Status::ok();
  Status damage;
  HOLDFAST_TRY(source.scan(range, [&](std::string_view key, std::string_view value) {
    auto mark = decode(key.substr(all.size()), value);
    damage = mark.status();
    return mark.is_ok() && visit_mark(std::move(*mark));
  }));
  return damage;
}

}  // namespace

Inbox::Inbox(std::shared_ptr<memory::Access> access, std::string name)
    : access_(std::move(access)), name_(std::move(name)) {}

Result<bool> Inbox::mark(std::string_view key, std::string_view note) const {
  HOLDFAST_TRY(check_inbox(name_));
  HOLDFAST_TRY(check_key(key));
  if (note.size() > kInboxNoteSizeMax) {
    return Status(StatusCode::kTooLarge, "the note has " + std::to_string(note.size()) +
                                             " bytes; at most " +
                                             std::to_string(kInboxNoteSizeMax) + " are allowed");
  }
  bool is_new = false;
  HOLDFAST_TRY(access_->write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    const std::string row = prefix_of(KeyKind::kInboxMark, space_id, name_).append(key);
    HOLDFAST_ASSIGN(const auto before, target.get(row));
    is_new = !before.has_value();
    if (!is_new) return Status::ok();
    return write_mark(target, space_id, name_, key, note, access_->now_us());
  }));
  return is_new;
}

Result<std::vector<bool>> Inbox::mark_all(std::span<const std::string> keys) const {
  HOLDFAST_TRY(check_inbox(name_));
  for (const std::string& key : keys) HOLDFAST_TRY(check_key(key));
  std::vector<bool> are_new;
  if (keys.empty()) return are_new;
  HOLDFAST_TRY(access_->write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    are_new.clear();
    for (const std::string& key : keys) {
      const std::string row = prefix_of(KeyKind::kInboxMark, space_id, name_).append(key);
      HOLDFAST_ASSIGN(const auto before, target.get(row));
      are_new.push_back(!before.has_value());
      if (before) continue;
      HOLDFAST_TRY(write_mark(target, space_id, name_, key, {}, access_->now_us()));
    }
    return Status::ok();
  }));
  return are_new;
}

Result<std::optional<InboxMark>> Inbox::find(std::string_view key) const {
  HOLDFAST_TRY(check_inbox(name_));
  HOLDFAST_TRY(check_key(key));
  std::optional<InboxMark> mark;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(const auto bytes,
                    source.get(prefix_of(KeyKind::kInboxMark, space_id, name_).append(key)));
    if (!bytes) return Status::ok();
    HOLDFAST_ASSIGN(mark, decode(key, *bytes));
    return Status::ok();
  }));
  return mark;
}

Result<std::vector<InboxMark>> Inbox::list(std::string_view prefix, std::string_view after,
                                           size_t limit) const {
  HOLDFAST_TRY(check_inbox(name_));
  HOLDFAST_TRY(memory::check_limit(limit, kListMax));
  std::vector<InboxMark> marks;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) {
    return visit(source, prefix_of(KeyKind::kInboxMark, space_id, name_), prefix, after,
                 [&](InboxMark&& mark) {
                   marks.push_back(std::move(mark));
                   return marks.size() < limit;
                 });
  }));
  return marks;
}

Result<uint64_t> Inbox::count() const {
  HOLDFAST_TRY(check_inbox(name_));
  uint64_t count = 0;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(const auto bytes,
                    source.peek(prefix_of(KeyKind::kInboxCount, space_id, name_)));
    if (bytes)
      count = static_cast<uint64_t>(std::max<int64_t>(decode_number(*bytes).value_or(0), 0));
    return Status::ok();
  }));
  return count;
}

Status Inbox::unmark(std::string_view key) const {
  HOLDFAST_TRY(check_inbox(name_));
  HOLDFAST_TRY(check_key(key));
  bool found = false;
  HOLDFAST_TRY(access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    const std::string row = prefix_of(KeyKind::kInboxMark, space_id, name_).append(key);
    HOLDFAST_ASSIGN(const auto before, target.get(row));
    found = before.has_value();
    if (!found) return Status::ok();
    HOLDFAST_TRY(target.del(row));
    return target.add(prefix_of(KeyKind::kInboxCount, space_id, name_), -1);
  }));
  if (found) return Status::ok();
  return Status(StatusCode::kNotFound,
                "inbox " + name_ + " has no mark \"" + std::string(key.substr(0, 80)) + "\"");
}

Result<std::string> Inbox::purge(int64_t before_us, std::string_view after, size_t limit) const {
  HOLDFAST_TRY(check_inbox(name_));
  HOLDFAST_TRY(memory::check_limit(limit, kListMax));
  std::string last;
  HOLDFAST_TRY(access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    last.clear();
    size_t seen = 0;
    std::vector<std::string> old;
    const std::string all = prefix_of(KeyKind::kInboxMark, space_id, name_);
    HOLDFAST_TRY(visit(target, all, {}, after, [&](InboxMark&& mark) {
      if (mark.marked_us < before_us) old.push_back(mark.key);
      last = std::move(mark.key);
      return ++seen < limit;
    }));
    if (seen < limit) last.clear();
    for (const std::string& key : old) HOLDFAST_TRY(target.del(all + key));
    if (old.empty()) return Status::ok();
    return target.add(prefix_of(KeyKind::kInboxCount, space_id, name_),
                      -static_cast<int64_t>(old.size()));
  }));
  return last;
}

}  // namespace holdfast
