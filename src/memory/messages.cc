#include <algorithm>

#include "base/coding.h"
#include "base/ordered_key.h"
#include "holdfast/message.h"
#include "memory/access.h"
#include "memory/change_waiter.h"
#include "memory/fields.h"
#include "memory/keys.h"
#include "memory/text_check.h"

namespace holdfast {
namespace {

using memory::FieldReader;
using memory::FieldWriter;
using memory::KeyKind;

constexpr size_t kListMax = 10'000;
constexpr uint64_t kOwnVersion = ~uint64_t{0};
enum MessageField : uint32_t { kFrom = 1, kKind = 2, kBody = 3 };

std::string prefix_of(KeyKind kind, uint32_t space_id, std::string_view mailbox) {
  std::string prefix = memory::space_prefix(kind, space_id);
  append_ordered_string(prefix, mailbox);
  return prefix;
}

Status check_mailbox(std::string_view name) {
  return memory::check_name("a mailbox's name", name, kMailboxNameSizeMax);
}

Status check_message(const NewMessage& message) {
  HOLDFAST_TRY(check_mailbox(message.to));
  HOLDFAST_TRY(memory::check_text("a message's sender", message.from, kMessageTextSizeMax));
  HOLDFAST_TRY(memory::check_text("a message's kind", message.kind, kMessageTextSizeMax));
  if (message.body.size() <= kMessageBodySizeMax) return Status::ok();
  return Status(StatusCode::kTooLarge,
                "the message has " + std::to_string(message.body.size()) + " bytes; at most " +
                    std::to_string(kMessageBodySizeMax) +
                    " are allowed: store it as a value or an artifact and send its name");
}

std::string encode(const NewMessage& message) {
  FieldWriter fields;
  if (!message.from.empty()) fields.text(kFrom, message.from);
  if (!message.kind.empty()) fields.text(kKind, message.kind);
  return fields.text(kBody, message.body).bytes();
}

// `rest`: version and id.
Result<Message> decode(std::string_view mailbox, std::string_view rest, std::string_view value) {
  Message message;
  Uuid id;
  if (rest.size() != sizeof(uint64_t) + id.bytes.size() || value.size() < sizeof(int64_t)) {
    return memory::malformed("a message");
  }
  rest.remove_prefix(sizeof(uint64_t));
  std::copy(rest.begin(), rest.end(), reinterpret_cast<char*>(id.bytes.data()));
  HOLDFAST_ASSIGN(const FieldReader fields,
                  FieldReader::parse(value.substr(sizeof(int64_t)), "a message"));
  message.id = id.to_text();
  message.to = mailbox;
  message.from = fields.text_or_empty(kFrom);
  message.kind = fields.text_or_empty(kKind);
  message.body = fields.text_or_empty(kBody);
  message.sent_us = load_le<int64_t>(value.data());
  return message;
}

Result<uint64_t> counted(search::KeySource& source, uint32_t space_id, std::string_view mailbox) {
  HOLDFAST_ASSIGN(const auto bytes,
                  source.peek(prefix_of(KeyKind::kMessageCount, space_id, mailbox)));
  const int64_t number = bytes ? decode_number(*bytes).value_or(0) : 0;
  return static_cast<uint64_t>(std::max<int64_t>(number, 0));
}

// Keys of the oldest messages, without being remembered; own sends of the transaction left out.
Result<std::vector<std::string>> look(search::KeySource& source, const std::string& prefix,
                                      size_t limit) {
  std::vector<std::string> keys;
  HOLDFAST_TRY(
      source.peek_scan(search::prefix_range(prefix), [&](std::string_view key, std::string_view) {
        std::string_view rest = key.substr(prefix.size());
        if (take_ordered_u64(rest).value_or(0) == kOwnVersion) return false;
        keys.emplace_back(key);
        return keys.size() < limit;
      }));
  return keys;
}

}  // namespace

Messages::Messages(std::shared_ptr<memory::Access> access) : access_(std::move(access)) {}

Result<std::string> Messages::send(const NewMessage& message) const {
  HOLDFAST_TRY(check_message(message));
  const Uuid id = access_->next_stamp().id;
  HOLDFAST_TRY(access_->write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(const uint64_t count, counted(target, space_id, message.to));
    if (count >= kMailboxMessagesMax) {
      return Status(StatusCode::kTooLarge, "mailbox " + message.to + " holds " +
                                               std::to_string(count) +
                                               " messages; receive some, or clear it");
    }
    HOLDFAST_TRY(target.put_stamped(prefix_of(KeyKind::kMessage, space_id, message.to), id.view(),
                                    encode(message), {.has_time = true}));
    return target.add(prefix_of(KeyKind::kMessageCount, space_id, message.to), 1);
  }));
  return id.to_text();
}

Result<std::vector<Message>> Messages::peek(std::string_view mailbox, size_t limit) const {
  HOLDFAST_TRY(check_mailbox(mailbox));
  HOLDFAST_TRY(memory::check_limit(limit, kMessageReadMax));
  std::vector<Message> messages;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    const std::string prefix = prefix_of(KeyKind::kMessage, space_id, mailbox);
    Status damage;
    HOLDFAST_TRY(source.peek_scan(
        search::prefix_range(prefix), [&](std::string_view key, std::string_view value) {
          std::string_view rest = key.substr(prefix.size());
          if (take_ordered_u64(rest) == kOwnVersion) return false;
          auto message = decode(mailbox, key.substr(prefix.size()), value);
          damage = message.status();
          if (message) messages.push_back(std::move(*message));
          return message.is_ok() && messages.size() < limit;
        }));
    return damage;
  }));
  return messages;
}

Result<std::vector<Message>> Messages::receive(std::string_view mailbox, size_t limit,
                                               std::chrono::milliseconds wait) const {
  HOLDFAST_TRY(check_mailbox(mailbox));
  HOLDFAST_TRY(memory::check_limit(limit, kMessageReadMax));
  const int64_t give_up_us = access_->now_us() + static_cast<int64_t>(wait.count()) * 1000;
  memory::ChangeWaiter waiter(*access_);
  while (true) {
    // What comes behind the version of this look wakes the waiter.
    KeyRange range;
    uint64_t version = 0;
    bool is_empty = true;
    HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
      const std::string prefix = prefix_of(KeyKind::kMessage, space_id, mailbox);
      range = search::prefix_range(prefix);
      version = source.version();
      HOLDFAST_ASSIGN(const auto keys, look(source, prefix, 1));
      is_empty = keys.empty();
      return Status::ok();
    }));
    if (!is_empty) {
      HOLDFAST_ASSIGN(auto messages, receive_now(mailbox, limit));
      if (!messages.empty()) return messages;
    }
    const int64_t left_us = give_up_us - access_->now_us();
    if (left_us <= 0) return std::vector<Message>();
    HOLDFAST_ASSIGN(const bool may_change, waiter.wait(range, version, left_us));
    if (!may_change) return std::vector<Message>();
  }
}

Result<std::vector<Message>> Messages::receive_now(std::string_view mailbox, size_t limit) const {
  std::vector<Message> messages;
  HOLDFAST_TRY(access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    messages.clear();
    const std::string prefix = prefix_of(KeyKind::kMessage, space_id, mailbox);
    HOLDFAST_ASSIGN(const auto keys, look(target, prefix, limit));
    std::vector<std::string> received;
    for (const std::string& key : keys) {
      HOLDFAST_ASSIGN(const auto value, target.get(key));
      if (!value) continue;
      HOLDFAST_ASSIGN(Message message,
                      decode(mailbox, std::string_view(key).substr(prefix.size()), *value));
      messages.push_back(std::move(message));
      received.push_back(key);
    }
    for (const std::string& key : received) HOLDFAST_TRY(target.del(key));
    if (received.empty()) return Status::ok();
    return target.add(prefix_of(KeyKind::kMessageCount, space_id, mailbox),
                      -static_cast<int64_t>(received.size()));
  }));
  return messages;
}

Result<uint64_t> Messages::count(std::string_view mailbox) const {
  HOLDFAST_TRY(check_mailbox(mailbox));
  uint64_t count = 0;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(count, counted(source, space_id, mailbox));
    return Status::ok();
  }));
  return count;
}

Result<std::vector<Mailbox>> Messages::list(std::string_view after, size_t limit) const {
  HOLDFAST_TRY(memory::check_limit(limit, kListMax));
  std::vector<Mailbox> mailboxes;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    const std::string space = memory::space_prefix(KeyKind::kMessageCount, space_id);
    KeyRange range = search::prefix_range(space);
    if (!after.empty()) {
      range.begin = ordered_prefix_end(prefix_of(KeyKind::kMessageCount, space_id, after));
    }
    return source.scan(range, [&](std::string_view key, std::string_view value) {
      key.remove_prefix(space.size());
      const auto name = take_ordered_string(key);
      const int64_t count = decode_number(value).value_or(0);
      if (name && count > 0) mailboxes.push_back({*name, static_cast<uint64_t>(count)});
      return mailboxes.size() < limit;
    });
  }));
  return mailboxes;
}

Status Messages::clear(std::string_view mailbox) const {
  HOLDFAST_TRY(check_mailbox(mailbox));
  return access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    for (const KeyKind kind : {KeyKind::kMessage, KeyKind::kMessageCount}) {
      HOLDFAST_TRY(target.del_range(search::prefix_range(prefix_of(kind, space_id, mailbox))));
    }
    return Status::ok();
  });
}

}  // namespace holdfast
