#include "memory/event_tail.h"

#include "memory/access.h"
#include "memory/change_waiter.h"
#include "memory/text_check.h"

namespace holdfast {
namespace memory {

Status read_page(search::KeySource& source, const EventRows& rows, Mark& mark,
                 const EventReadOptions& options, EventPage& page) {
  size_t bytes = 0;  // of what is kept: what is passed over takes no memory
  Status damage;
  HOLDFAST_TRY(rows.walk(source, mark, [&](const StoredEvent& stored) {
    if (options.before != 0 && stored.number >= options.before) return false;
    auto event = decode_event(stored, rows.stream());
    damage = event.status();
    if (!event) return false;
    mark = stored.mark();
    if (!options.type.empty() && event->type != options.type) return true;
    bytes += stored.bytes.size();
    page.events.push_back(std::move(*event));
    return page.events.size() < options.limit && bytes < kEventReadBytesMax;
  }));
  page.next = mark.number + 1;
  return damage;
}

}  // namespace memory

// Between two looks it sleeps until the stream's events change, as of the version of the look
// before: what was appended since wakes it at once.
class EventTail::Impl {
 public:
  Impl(std::shared_ptr<memory::Access> access, std::string name, memory::Mark mark)
      : access_(std::move(access)), name_(std::move(name)), mark_(mark) {}

  Result<EventPage> wait(std::chrono::milliseconds timeout, size_t limit) {
    HOLDFAST_TRY(memory::check_limit(limit, kEventReadMax));
    const int64_t give_up_us = access_->now_us() + static_cast<int64_t>(timeout.count()) * 1000;
    while (true) {
      HOLDFAST_ASSIGN(EventPage page, look(limit));
      const int64_t left_us = give_up_us - access_->now_us();
      if (!page.events.empty() || page.missed > 0 || left_us <= 0) return page;
      HOLDFAST_ASSIGN(const bool may_change, waiter_.wait(range_, version_, left_us));
      if (!may_change) return page;
    }
  }
  uint64_t next() const { return mark_.number + 1; }

 private:
  Result<EventPage> look(size_t limit) {
    EventPage page;
    page.next = next();
    HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
      const memory::EventRows rows(space_id, name_);
      range_ = rows.events();
      version_ = source.version();
      HOLDFAST_ASSIGN(const memory::Mark floor, rows.peek_floor(source));
      if (mark_.number < floor.number) {
        page.missed = floor.number - mark_.number;
        mark_ = floor;
      }
      return memory::read_page(source, rows, mark_, {.limit = limit}, page);
    }));
    return page;
  }

  const std::shared_ptr<memory::Access> access_;
  const std::string name_;
  memory::Mark mark_;  // of the last event that was returned
  KeyRange range_;
  uint64_t version_ = 0;
  memory::ChangeWaiter waiter_{*access_};
};

EventTail::EventTail(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EventTail::EventTail(EventTail&&) noexcept = default;
EventTail& EventTail::operator=(EventTail&&) noexcept = default;
EventTail::~EventTail() = default;

Result<EventPage> EventTail::wait(std::chrono::milliseconds timeout, size_t limit) {
  return impl_->wait(timeout, limit);
}
uint64_t EventTail::next() const {
  return impl_->next();
}

Result<EventTail> EventStream::tail(uint64_t from) const {
  HOLDFAST_TRY(memory::check_name("a stream's name", name_, kStreamNameSizeMax));
  memory::Mark mark;
  bool is_beyond = from > 1;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    const memory::EventRows rows(space_id, name_);
    if (from == 0) {
      HOLDFAST_ASSIGN(mark, rows.last(source));
      return Status::ok();
    }
    HOLDFAST_ASSIGN(mark, rows.find(source, from - 1));
    is_beyond = mark.number + 1 < from;
    return Status::ok();
  }));
  if (is_beyond && from > 0) {
    return Status(StatusCode::kInvalidArgument,
                  "stream " + name_ + " ends with event " + std::to_string(mark.number) +
                      "; follow it from at most " + std::to_string(mark.number + 1));
  }
  return EventTail(std::make_unique<EventTail::Impl>(access_, name_, mark));
}

}  // namespace holdfast
