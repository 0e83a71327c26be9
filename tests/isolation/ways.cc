#include "isolation/ways.h"

#include <gtest/gtest.h>

namespace holdfast::isolation {
namespace {

NewObservation observation_of(const std::string& name, const std::string& mark) {
  return {.content = "needle " + mark,
          .title = mark,
          .source = name,
          .kind = name,
          .session = name,
          .run = name,
          .tags = {name, "all"},
          .metadata = kSharedMetadata,
          .embedding = Embedding{"m", "1", {1, static_cast<float>(mark.size())}},
          .key = mark};
}

std::function<Status(const Space&)> removal_of(const std::string& id) {
  return [id](const Space& space) { return space.observations().remove(id); };
}

std::vector<Way> values() {
  return {
      {"values",
       [](const Space& space, const std::string& name, const std::string& mark) -> Kept {
         expect_ok(space.kv().put(name, "{\"is\":\"" + mark + "\"}"));
         return {[name](const Space& s) { return s.kv().del(name); }, "kv/" + name};
       }},
      {"values",
       [](const Space& space, const std::string& name, const std::string& mark) -> Kept {
         const std::string key = kHistory + name;
         expect_ok(space.kv().keep_history({}, kHistory));
         expect_ok(space.kv().put(key, past_mark()));
         expect_ok(space.kv().put(key, mark));
         return {[key](const Space& s) { return s.kv().del(key); }, "kv/" + key, false, true};
       }},
      {"large values",
       [](const Space& space, const std::string& name, const std::string& mark) -> Kept {
         const std::string key = "large/" + name;
         auto writer = space.kv().write();
         expect_ok(writer->append(mark + std::string(5'000, '.')));
         expect_ok(space.kv().put(key, *writer->finish()));
         return {[key](const Space& s) { return s.kv().del(key); }, "kv/" + key};
       }},
      {"counters",
       [](const Space& space, const std::string& name, const std::string& mark) -> Kept {
         const std::string counter = name + mark;
         expect_ok(space.kv().add(counter, 1));
         return {[counter](const Space& s) { return s.kv().remove_counter(counter); }};
       }},
      {"cache",
       [](const Space& space, const std::string& name, const std::string& mark) -> Kept {
         expect_ok(space.cache(name).put(name, mark, {.tags = {name}}).status());
         const auto undo = [name, by_tag = mark.size() % 2 == 0](const Space& s) {
           return by_tag ? s.cache(name).remove_tagged(name).status()
                         : s.cache(name).remove(name).status();
         };
         return {undo, "cache/" + name};
       }},
  };
}

std::vector<Way> observations() {
  return {
      {"observations",
       [](const Space& space, const std::string& name, const std::string& mark) -> Kept {
         const auto id = space.observations().add(observation_of(name, mark));
         EXPECT_TRUE(id) << id.status().to_string();
         return {removal_of(*id)};
       }},
      {"observations",
       [](const Space& space, const std::string& name, const std::string& mark) -> Kept {
         NewObservation before = observation_of(name, past_mark());
         before.key = mark;
         const auto id = space.observations().add(before);
         const auto edited = space.observations().edit(
             *id, {.content = "needle " + mark, .title = "changed " + mark});
         EXPECT_TRUE(edited) << edited.status().to_string();
         return {removal_of(*id)};
       }},
      {"forgotten",
       [](const Space& space, const std::string& name, const std::string& mark) -> Kept {
         const auto id = space.observations().add(observation_of(name, mark));
         expect_ok(space.observations().forget(*id));
         return {removal_of(*id)};
       }},
      {"superseded",
       [](const Space& space, const std::string& name, const std::string& mark) -> Kept {
         NewObservation old = observation_of(name, mark);
         old.valid_from_us = 1'000;
         const auto id = space.observations().add(old);
         const auto next = space.observations().supersede(
             *id, {.content = "the successor", .valid_from_us = 2'000});
         EXPECT_TRUE(next) << next.status().to_string();
         return {[id = *id, next = *next](const Space& s) {
           HOLDFAST_TRY(s.observations().remove(next));
           return s.observations().remove(id);
         }};
       }},
      {"records",
       [](const Space& space, const std::string& name, const std::string& mark) -> Kept {
         const auto record = space.records().add(
             {.title = mark, .fields = {{"text", mark}}, .tags = {name}, .key = "r" + mark});
         EXPECT_TRUE(record) << record.status().to_string();
         return {[id = record->id](const Space& s) { return s.records().remove(id); }};
       }},
  };
}

std::vector<Way> work() {
  return {
      {"runs",
       [](const Space& space, const std::string& name, const std::string& mark) -> Kept {
         const Runs runs = space.runs();
         const auto run =
             runs.start({.name = name, .key = mark, .input = "\"" + mark + "\"", .session = name});
         EXPECT_TRUE(run) << run.status().to_string();
         const auto begun = runs.begin(run->id, {.key = name, .input = "\"" + mark + "\""});
         expect_ok(runs.complete(*begun->lease, mark));
         expect_ok(runs.open_gate(run->id, {.name = name, .prompt = mark}).status());
         expect_ok(runs.decide_gate(run->id, name, true, mark));
         return {[id = run->id, mark](const Space& s) {
           HOLDFAST_TRY(s.runs().finish(id, mark));
           return s.runs().remove(id);
         }};
       }},
      {"jobs",
       [](const Space& space, const std::string& name, const std::string& mark) -> Kept {
         const auto job = space.queue(name).push({.payload = mark, .key = mark});
         return {[name, id = job->id](const Space& s) { return s.queue(name).remove(id); }};
       }},
      {"dead jobs",
       [](const Space& space, const std::string& name, const std::string& mark) -> Kept {
         const Queue queue = space.queue("dead " + name);
         expect_ok(queue.configure({.attempts_max = 1}));
         const auto pushed = queue.push({.payload = mark});
         expect_ok(queue.nack(queue.take()->front(), mark));
         return {[name, id = pushed->id](const Space& s) {
           return s.queue("dead " + name).remove(id);
         }};
       }},
      {"done jobs",
       [](const Space& space, const std::string& name, const std::string& mark) -> Kept {
         const Queue queue = space.queue("done " + name);
         const auto pushed = queue.push({.payload = mark});
         expect_ok(queue.ack(queue.take()->front(), mark));
         return {[name, id = pushed->id](const Space& s) {
           return s.queue("done " + name).remove(id);
         }};
       }},
      {"claims",
       [](const Space& space, const std::string& name, const std::string& mark) -> Kept {
         const auto claim = space.claims().take(name + mark, {.holder = mark, .purpose = mark});
         EXPECT_TRUE(claim) << claim.status().to_string();
         return {[claim = *claim](const Space& s) { return s.claims().release(claim); }};
       }},
      {"presence",
       [](const Space& space, const std::string& name, const std::string& mark) -> Kept {
         const auto id = space.presence().enter({.agent = mark, .run = name, .step = mark});
         return {[id = *id](const Space& s) { return s.presence().leave(id); }};
       }},
  };
}

std::vector<Way> contents() {
  return {
      {"artifacts",
       [](const Space& space, const std::string& name, const std::string& mark) -> Kept {
         const std::string title = plain(name);
         const size_t size = mark.size() % 2 == 0 ? 10 : kArtifactInlineMax + 1;
         const auto put = space.artifacts().as(mark).put(
             {.name = title, .metadata = kSharedMetadata, .aliases = {title}},
             mark + std::string(size, '.'));
         EXPECT_TRUE(put) << put.status().to_string();
         expect_ok(space.artifacts().sign(title, title, SigningKey{}, mark));
         return {[title](const Space& s) { return s.artifacts().remove(std::vector{title}); },
                 "artifact/" + title, true};
       }},
      {"definitions",
       [](const Space& space, const std::string& name, const std::string& mark) -> Kept {
         const std::string title = plain(name);
         const auto put = space.registry().put(
             {.kind = title, .name = title, .body = mark, .note = mark, .publish = true});
         EXPECT_TRUE(put) << put.status().to_string();
         expect_ok(space.registry().take(title, title).status());
         return {[title](const Space& s) { return s.registry().remove(title, title); },
                 "definition/" + title, true};
       }},
      {"links",
       [](const Space& space, const std::string& name, const std::string& mark) -> Kept {
         const std::string end = plain(name);
         expect_ok(space.links().put({end, end, mark, 1, mark}).status());
         return {[end, mark](const Space& s) {
           return mark.size() % 2 == 0 ? s.links().remove(end, end, mark)
                                       : s.links().remove_end(mark).status();
         }};
       }},
      {"events",
       [](const Space& space, const std::string& name, const std::string& mark) -> Kept {
         const EventStream stream = space.events().stream(name);
         expect_ok(stream.append({.type = name, .data = mark, .source = mark}).status());
         expect_ok(stream.consume(name, 1).status());
         return {[name](const Space& s) { return s.events().stream(name).remove(); },
                 "event/" + name, true};
       }},
  };
}

std::vector<Way> mail() {
  return {
      {"marks",
       [](const Space& space, const std::string& name, const std::string& mark) -> Kept {
         expect_ok(space.inbox(name).mark(name + mark, mark).status());
         return {[name, mark](const Space& s) { return s.inbox(name).unmark(name + mark); }};
       }},
      {"outbox",
       [](const Space& space, const std::string& name, const std::string& mark) -> Kept {
         expect_ok(space.outbox(name).add(mark, mark).status());
         return {[name](const Space& s) {
                   const auto done = [](const OutboxEntry&) { return Status::ok(); };
                   return s.outbox(name).relay(done).status();
                 },
                 "outbox/" + name, true};
       }},
      {"dead letters",
       [](const Space& space, const std::string& name, const std::string& mark) -> Kept {
         const Outbox outbox = space.outbox("dead " + name);
         const auto id = outbox.add(mark, mark);
         const auto fails = [&](const OutboxEntry&) {
           return Status(StatusCode::kIoError, "not " + mark);
         };
         expect_ok(outbox.relay(fails, {.attempts_max = 1}).status());
         return {
             [name, id = *id](const Space& s) { return s.outbox("dead " + name).remove_dead(id); }};
       }},
      {"messages",
       [](const Space& space, const std::string& name, const std::string& mark) -> Kept {
         expect_ok(space.messages().send({name, mark, mark, mark}).status());
         return {[name](const Space& s) { return s.messages().clear(name); }, "message/" + name,
                 true};
       }},
  };
}

}  // namespace

void expect_ok(const Status& status) {
  EXPECT_TRUE(status) << status.to_string();
}

std::string mark_of(int number) {
  std::string mark = "qz";
  for (const char digit : std::to_string(number)) mark += "bcdfghjkmp"[digit - '0'];
  return mark + "zq";
}

std::set<std::string> marks_in(std::string_view text) {
  std::set<std::string> marks;
  for (size_t at = text.find("qz"); at != text.npos; at = text.find("qz", at + 1)) {
    const size_t end = text.find_first_not_of("bcdfghjkmp", at + 2);
    if (end != text.npos && end > at + 2 && text.substr(end, 2) == "zq") {
      marks.insert(std::string(text.substr(at, end + 2 - at)));
    }
  }
  return marks;
}

std::string past_mark() {
  return mark_of(0);
}

const std::vector<std::string>& hostile_names() {
  static const std::vector<std::string> all = {
      "a", "aa", "a/b", "A", std::string("a\0", 2), std::string("a\0\x01", 3), "a\x01", "\xc3\xbf"};
  return all;
}

std::string plain(std::string name) {
  for (char& c : name) c = c == '\0' ? '0' : c;
  return name;
}

const std::vector<Way>& all_ways() {
  static const std::vector<Way> ways = [] {
    std::vector<Way> all;
    for (const auto& some : {values(), observations(), work(), contents(), mail()}) {
      all.insert(all.end(), some.begin(), some.end());
    }
    return all;
  }();
  return ways;
}

}  // namespace holdfast::isolation
