// Messages between agents: a mailbox for each name, read in the order of sending. A message stays
// until it is received; received in a transaction it goes with what that did, exactly once.
//
// Sending never conflicts. Several who receive from one mailbox get different messages.
//
// Thread-safety and errors: as of Kv (holdfast/kv.h). Names are UTF-8.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"

namespace holdfast {

namespace memory {
class Access;
}

constexpr size_t kMailboxNameSizeMax = 200;      // bytes, at least 1
constexpr size_t kMessageBodySizeMax = 900'000;  // bytes; any bytes
constexpr size_t kMessageTextSizeMax = 1000;     // bytes of sender and of kind
constexpr size_t kMessageReadMax = 1000;         // at once
constexpr uint64_t kMailboxMessagesMax = 100'000;

struct NewMessage {
  std::string to = {};    // a mailbox: the name of an agent, say
  std::string from = {};  // where an answer goes
  std::string kind = {};  // such as "question"
  std::string body = {};
};

struct Message {
  std::string id = {};  // UUIDv7
  std::string to = {};
  std::string from = {};
  std::string kind = {};
  std::string body = {};
  int64_t sent_us = 0;  // the commit's time
};

struct Mailbox {
  std::string name = {};
  uint64_t messages = 0;
};

class Messages {
 public:
  explicit Messages(std::shared_ptr<memory::Access> access);  // see Space::messages

  // The message's id. Errors: InvalidArgument, TooLarge (the body; the mailbox is full).
  Result<std::string> send(const NewMessage& message) const;
  // The oldest messages of a mailbox, which stay.
  Result<std::vector<Message>> peek(std::string_view mailbox, size_t limit = 100) const;
  // The oldest messages of a mailbox, which leave it; none when there is none after `wait` (in a
  // transaction it never waits).
  Result<std::vector<Message>> receive(
      std::string_view mailbox, size_t limit = 1,
      std::chrono::milliseconds wait = std::chrono::milliseconds(0)) const;
  Result<uint64_t> count(std::string_view mailbox) const;
  // Mailboxes that hold something, in the order of their names, behind `after`.
  Result<std::vector<Mailbox>> list(std::string_view after = {}, size_t limit = 1000) const;
  // Removes a mailbox with its messages.
  Status clear(std::string_view mailbox) const;

 private:
  Result<std::vector<Message>> receive_now(std::string_view mailbox, size_t limit) const;
  std::shared_ptr<memory::Access> access_;
};

}  // namespace holdfast
