#include <gtest/gtest.h>

#include <map>
#include <random>

#include "base/coding.h"
#include "holdfast/event.h"
#include "memory/event_rows.h"
#include "memory/map_access.h"

namespace holdfast::memory {
namespace {

using std::chrono::milliseconds;

class EventsTest : public testing::Test {
 protected:
  Events events(const SpaceSegments& segments = {"a"}) {
    return Events(std::make_shared<MapAccess>(keys_, clock_, segments));
  }
  EventStream stream(std::string_view name = "log") { return events().stream(name); }
  void append(int count, const std::string& text = "event") {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(stream().append({.type = "t", .data = text + std::to_string(++appended_)}));
    }
  }
  EventPage read(const EventReadOptions& options = {}) {
    auto page = stream().read(options);
    EXPECT_TRUE(page) << page.status().to_string();
    return page ? std::move(*page) : EventPage{};
  }
  EventPage consume(size_t limit = 1000) {
    auto page = stream().consume("c", limit);
    EXPECT_TRUE(page) << page.status().to_string();
    return page ? std::move(*page) : EventPage{};
  }
  // A map has no commits, so its events have no commit's time: this gives one of them the clock's.
  void stamp_times() {
    for (auto& [key, value] : keys_.entries) {
      if (key.substr(0, 2) == std::string_view("\x08\x10", 2) && load_le<int64_t>(&value[0]) == 0) {
        store_le(value.data(), clock_.now_us);
      }
    }
  }

  search::MapKeyspace keys_;
  MapClock clock_;
  int appended_ = 0;
};

TEST_F(EventsTest, NumbersHaveNoGaps) {
  append(700);
  uint64_t expected = 0;
  for (EventReadOptions options{.limit = 100};;) {
    const EventPage page = read(options);
    if (page.events.empty()) break;
    for (const Event& event : page.events) {
      EXPECT_EQ(event.number, ++expected);
      EXPECT_EQ(event.data, "event" + std::to_string(expected));
    }
    options.from = page.next;
  }
  EXPECT_EQ(expected, 700u);
  EXPECT_EQ(stream().info()->next, 701u);
}

TEST_F(EventsTest, AnyNumberCanBeReadFrom) {
  append(600);
  for (const uint64_t from : {1u, 2u, 255u, 256u, 257u, 258u, 512u, 513u, 600u}) {
    const EventPage page = read({.from = from, .limit = 1});
    ASSERT_EQ(page.events.size(), 1u);
    EXPECT_EQ(page.events[0].number, from);
    EXPECT_EQ(page.events[0].data, "event" + std::to_string(from));
  }
  EXPECT_TRUE(read({.from = 601}).events.empty());
  EXPECT_EQ(stream().read({.from = 602}).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(EventsTest, SeveralAreAppendedInTheirOrder) {
  const std::vector<NewEvent> many = {{.data = "1"}, {.data = "2"}, {.data = "3"}};
  const auto ids = stream().append_all(many);
  ASSERT_TRUE(ids);
  const EventPage page = read();
  ASSERT_EQ(page.events.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(page.events[i].data, many[i].data);
    EXPECT_EQ(page.events[i].id, (*ids)[i]);
  }
}

TEST_F(EventsTest, EverythingOfAnEventComesBack) {
  const std::string data("\0\xff binary", 9);
  ASSERT_TRUE(stream().append({.type = "tool.called", .data = data, .source = "agent-7"}));
  const Event event = read().events.at(0);
  EXPECT_EQ(event.type, "tool.called");
  EXPECT_EQ(event.data, data);
  EXPECT_EQ(event.source, "agent-7");
  EXPECT_EQ(*stream().first_of(event.version), 1u);
  EXPECT_EQ(stream().first_of(event.version + 1).status().code(), StatusCode::kNotFound);
}

TEST_F(EventsTest, ATypeFiltersAndTheCursorPassesTheRest) {
  for (const char* type : {"a", "b", "a", "b"}) ASSERT_TRUE(stream().append({.type = type}));
  const EventPage page = read({.type = "b"});
  ASSERT_EQ(page.events.size(), 2u);
  EXPECT_EQ(page.events[1].number, 4u);
  EXPECT_EQ(page.next, 5u);
}

TEST_F(EventsTest, TheLimitIsOfEventsOfTheType) {
  append(1000);
  ASSERT_TRUE(stream().append({.type = "error", .data = "late"}));
  append(3);
  const EventPage page = read({.limit = 1, .type = "error"});
  ASSERT_EQ(page.events.size(), 1u);
  EXPECT_EQ(page.events[0].data, "late");
  EXPECT_EQ(page.next, 1002u);
  const EventPage rest = read({.from = page.next, .limit = 1, .type = "error"});
  EXPECT_TRUE(rest.events.empty());
  EXPECT_EQ(rest.next, 1005u);
}

TEST_F(EventsTest, ReadingEndsBeforeANumber) {
  append(10);
  const EventPage page = read({.from = 3, .before = 6});
  ASSERT_EQ(page.events.size(), 3u);
  EXPECT_EQ(page.events[2].number, 5u);
  EXPECT_EQ(page.next, 6u);
  EXPECT_TRUE(read({.from = 6, .before = 6}).events.empty());
}

TEST_F(EventsTest, AConsumerReadsEachEventOnce) {
  append(5);
  EXPECT_EQ(consume(3).events.size(), 3u);
  EXPECT_EQ(consume(3).events.at(0).number, 4u);
  const int writes = keys_.writes;
  EXPECT_TRUE(consume().events.empty());
  EXPECT_EQ(keys_.writes, writes);
  append(1);
  EXPECT_EQ(consume().events.at(0).number, 6u);
  const auto consumers = stream().consumers();
  ASSERT_EQ(consumers->size(), 1u);
  EXPECT_EQ(consumers->front().name, "c");
  EXPECT_EQ(consumers->front().next, 7u);
  ASSERT_TRUE(stream().seek("c", 2));
  EXPECT_EQ(stream().consumers()->front().behind, 5u);
  EXPECT_EQ(consume().events.at(0).number, 2u);
  EXPECT_EQ(stream().seek("c", 8).code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(stream().seek("c", 7));
  EXPECT_TRUE(stream().remove_consumer("c"));
  EXPECT_EQ(stream().remove_consumer("c").code(), StatusCode::kNotFound);
  EXPECT_EQ(consume().events.at(0).number, 1u);
}

TEST_F(EventsTest, RetentionByCountKeepsNumbersAndChain) {
  append(1000);
  ASSERT_TRUE(stream().retain({.count = 300}));
  uint64_t trimmed = 0;
  while (const uint64_t step = *stream().trim(150)) {
    EXPECT_LE(step, 150u);
    trimmed += step;
    ASSERT_TRUE(stream().verify());
  }
  EXPECT_EQ(trimmed, 700u);
  EXPECT_EQ(stream().info()->first, 701u);
  const EventPage page = read();
  EXPECT_EQ(page.missed, 700u);
  EXPECT_EQ(page.events.front().number, 701u);
  EXPECT_EQ(page.events.front().data, "event701");
  EXPECT_EQ(stream().verify()->events, 300u);
}

TEST_F(EventsTest, RetentionByAgeLetsGoOfWhatIsOlder) {
  append(10);
  stamp_times();
  clock_.now_us += 1'000'000;
  append(5);
  stamp_times();
  ASSERT_TRUE(stream().retain({.age = milliseconds(1000)}));
  EXPECT_EQ(*stream().trim(), 0u);
  clock_.now_us += 1;
  EXPECT_EQ(*stream().trim(), 10u);
  EXPECT_EQ(*stream().trim(), 0u);
  EXPECT_EQ(stream().info()->first, 11u);
}

TEST_F(EventsTest, WhatAConsumerHasNotReadIsKeptUnlessToldOtherwise) {
  append(20);
  consume(5);
  ASSERT_TRUE(stream().retain({.count = 1}));
  EXPECT_EQ(*stream().trim(), 5u);
  ASSERT_TRUE(stream().retain({.count = 1, .keep_unread = false}));
  EXPECT_EQ(*stream().trim(), 14u);
  const EventPage page = consume();
  EXPECT_EQ(page.missed, 14u);
  EXPECT_EQ(page.events.size(), 1u);
  EXPECT_EQ(consume().missed, 0u);
}

TEST_F(EventsTest, AppendingTrimsByItself) {
  ASSERT_TRUE(stream().retain({.count = 100}));
  append(3000);
  const auto info = stream().info();
  EXPECT_LT(info->next - info->first, 400u);
  EXPECT_EQ(info->next, 3001u);
  EXPECT_TRUE(stream().verify());
}

TEST_F(EventsTest, VerifyFindsAChangedEvent) {
  append(1000);
  ASSERT_GE(stream().info()->sealed, 768u);
  const auto intact = stream().verify();
  ASSERT_TRUE(intact) << intact.status().to_string();
  EXPECT_EQ(intact->events, 1000u);
  EXPECT_GE(intact->seals, 3u);
  const auto before = keys_.entries;
  const auto nth = [&](size_t n) {
    return std::next(keys_.entries.lower_bound(std::string("\x08\x10", 2)),
                     static_cast<ptrdiff_t>(n));
  };
  const auto is_found = [&] {
    const auto verified = stream().verify();
    const bool found = verified.status().code() == StatusCode::kCorruption;
    keys_.entries = before;
    return found;
  };
  nth(400)->second.back() ^= 1;  // changed
  EXPECT_TRUE(is_found());
  keys_.entries.erase(nth(400));  // removed
  EXPECT_TRUE(is_found());
  std::string key = nth(400)->first;  // added
  key.back() ^= 1;
  keys_.entries.emplace(key, nth(400)->second);
  EXPECT_TRUE(is_found());
  std::swap(nth(400)->second, nth(401)->second);  // reordered
  EXPECT_TRUE(is_found());
  keys_.entries.erase(nth(400), nth(1000));  // cut off
  EXPECT_TRUE(is_found());
  EXPECT_TRUE(stream().verify());
}

TEST_F(EventsTest, ASealKeptElsewhereShowsThatTheEndWasCutOff) {
  append(10);
  const auto seal = stream().seal();
  ASSERT_TRUE(seal);
  EXPECT_EQ(seal->number, 10u);
  append(5);
  EXPECT_TRUE(stream().verify(*seal));
  EXPECT_EQ(stream().verify(StreamSeal{10, std::string(64, '0')}).status().code(),
            StatusCode::kCorruption);
  EXPECT_EQ(stream().verify(StreamSeal{16, seal->hash}).status().code(), StatusCode::kCorruption);
  ASSERT_TRUE(stream().retain({.count = 1}));
  ASSERT_TRUE(stream().trim());
  EXPECT_EQ(stream().verify(*seal).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(EventsTest, ATrimDoesNotRemoveWhatDoesNotMatchItsSeal) {
  append(600);
  ASSERT_TRUE(stream().retain({.count = 10}));
  keys_.entries.lower_bound(std::string("\x08\x10", 2))->second.back() ^= 1;
  const auto before = keys_.entries;
  EXPECT_EQ(stream().trim().status().code(), StatusCode::kCorruption);
  EXPECT_EQ(keys_.entries, before);
}

TEST_F(EventsTest, ATailBeginsWhereItIsToldAndWaits) {
  append(3);
  auto behind = stream().tail();
  auto from = stream().tail(2);
  ASSERT_TRUE(behind && from);
  EXPECT_EQ(from->wait(milliseconds(0))->events.size(), 2u);
  EXPECT_TRUE(behind->wait(milliseconds(20))->events.empty());
  int pauses = 0;
  clock_.on_pause = [&] {
    if (++pauses == 3) append(1);
  };
  const auto page = behind->wait(milliseconds(1000));
  ASSERT_EQ(page->events.size(), 1u);
  EXPECT_EQ(page->events[0].number, 4u);
  EXPECT_EQ(pauses, 3);
  EXPECT_EQ(stream().tail(6).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(EventsTest, NothingIsLeftOfARemovedStream) {
  ASSERT_TRUE(stream("other").append({}));
  const auto before = keys_.entries;
  append(600);
  consume();
  ASSERT_TRUE(stream().retain({.count = 10}));
  ASSERT_TRUE(stream().trim());
  ASSERT_TRUE(stream().remove());
  EXPECT_EQ(keys_.entries, before);
  append(1);
  EXPECT_EQ(read().events.at(0).number, 1u);
}

TEST_F(EventsTest, StreamsAndSpacesAreApart) {
  for (const char* name : {"a", "ab", "b"}) ASSERT_TRUE(stream(name).append({.data = name}));
  ASSERT_TRUE(events({"b"}).stream("a").append({.data = "foreign"}));
  EXPECT_EQ(stream("a").read()->events.size(), 1u);
  EXPECT_TRUE(stream(std::string("a\0", 2)).read()->events.empty());
  const auto list = events().list();
  ASSERT_EQ(list->size(), 3u);
  EXPECT_EQ((*list)[1].name, "ab");
  EXPECT_EQ(events().list("a", 1)->at(0).name, "ab");
  EXPECT_TRUE(events({"c"}).list()->empty());
}

TEST_F(EventsTest, BadInputIsRefusedAndChangesNothing) {
  const auto before = keys_.entries;
  EXPECT_EQ(stream("").append({}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(stream(std::string(201, 'x')).append({}).status().code(), StatusCode::kTooLarge);
  EXPECT_EQ(stream().append({.type = "\xff"}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(stream().append({.data = std::string(kEventDataSizeMax + 1, 'x')}).status().code(),
            StatusCode::kTooLarge);
  EXPECT_EQ(stream().read({.limit = 0}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(stream().consume("", 1).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(stream().retain({.age = milliseconds(-1)}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(stream().trim(0).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(stream().seal().status().code(), StatusCode::kNotFound);
  EXPECT_EQ(keys_.entries, before);
}

// Against a plain model: a vector of texts, how many of them are gone, and one cursor a consumer.
class EventsModelTest : public EventsTest, public testing::WithParamInterface<uint32_t> {
 protected:
  size_t below(size_t end) { return random_() % end; }

  void append_some() {
    std::vector<NewEvent> batch(1 + below(40));
    for (NewEvent& event : batch) {
      event.data = std::to_string(model_.size());
      model_.push_back(event.data);
    }
    ASSERT_TRUE(stream().append_all(batch));
    const size_t before = gone_;
    gone_ = stream().info()->first - 1;  // appending may have trimmed, within what is allowed
    if (gone_ > before) {
      EXPECT_LE(gone_, may_go());
    }
  }
  void read_some() {
    const size_t from = 1 + below(model_.size() + 1);
    const EventPage page = read({.from = from, .limit = 1 + below(50)});
    EXPECT_EQ(page.missed, gone_ >= from ? gone_ + 1 - from : 0);
    size_t number = std::max(from, gone_ + 1);
    for (const Event& event : page.events) {
      EXPECT_EQ(event.number, number);
      EXPECT_EQ(event.data, model_.at(number - 1));
      ++number;
    }
    EXPECT_EQ(page.next, number);
  }
  void consume_some() {
    const std::string consumer(1, static_cast<char>('a' + below(3)));
    const auto page = stream().consume(consumer, 1 + below(60));
    ASSERT_TRUE(page);
    size_t& cursor = cursors_.try_emplace(consumer, gone_).first->second;
    EXPECT_EQ(page->missed, gone_ > cursor ? gone_ - cursor : 0);
    cursor = std::max(cursor, gone_);
    for (const Event& event : page->events) EXPECT_EQ(event.data, model_.at(cursor++));
    if (page->events.empty()) {
      EXPECT_EQ(cursor, model_.size());
    }
    if (cursor == 0) cursors_.erase(consumer);  // nothing consumed: not made
  }
  void change_retention() {
    retention_ = {.count = below(200), .keep_unread = below(2) == 0};
    ASSERT_TRUE(stream().retain(retention_));
  }
  size_t may_go() const {
    const bool too_many = retention_.count > 0 && model_.size() > retention_.count;
    size_t number = too_many ? model_.size() - retention_.count : 0;
    if (!retention_.keep_unread) return number;
    for (const auto& [name, cursor] : cursors_) number = std::min(number, cursor);
    return number;
  }
  void trim_some() {
    const size_t limit = 1 + below(100);
    const size_t expected = may_go() > gone_ ? std::min(limit, may_go() - gone_) : 0;
    EXPECT_EQ(*stream().trim(limit), expected);
    gone_ += expected;
  }

  std::mt19937 random_{GetParam()};
  std::vector<std::string> model_;
  size_t gone_ = 0;
  std::map<std::string, size_t> cursors_;
  StreamRetention retention_;
};

TEST_P(EventsModelTest, BehavesAsAVector) {
  for (int step = 0; step < 400; ++step) {
    switch (below(6)) {
      case 0:
        read_some();
        break;
      case 1:
        consume_some();
        break;
      case 2:
        change_retention();
        break;
      case 3:
        trim_some();
        break;
      default:
        append_some();
        break;
    }
    const auto verified = stream().verify();
    ASSERT_TRUE(verified) << verified.status().to_string();
    EXPECT_EQ(verified->events, model_.size() - gone_);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, EventsModelTest, testing::Range(1u, 21u));

}  // namespace
}  // namespace holdfast::memory
