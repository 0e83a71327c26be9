// Every way of reading a space, for the fuzz of isolation.
//
// For tests only.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <tuple>

#include "isolation/ways.h"

namespace holdfast::isolation {

// What the ways of reading have returned, by what they are for.
class Found {
 public:
  void add(const std::string& what, std::string_view text) {
    texts_[what].append(text).append("\n");
  }
  void add(const std::string& what, const Observation& one) {
    for (const auto* text :
         {&one.title, &one.source, &one.kind, &one.session, &one.run, &one.metadata, &one.key}) {
      add(what, text->value_or(""));
    }
    for (const std::string& tag : one.tags) add(what, tag);
    add(what, one.content);
  }
  template <typename Items>
  void add_all(const std::string& what, const Result<Items>& items) {
    ASSERT_TRUE(items) << what << ": " << items.status().to_string();
    for (const auto& item : *items) add(what, item);
  }
  const std::map<std::string, std::string>& texts() const { return texts_; }

 private:
  std::map<std::string, std::string> texts_;
};

// Each with what a handle is made for besides: nothing, a snapshot, or a transaction.
template <typename... View>
class Readings {
 public:
  Readings(const Space& space, View&... view) : space_(space), view_(view...) {}

  Found read_all() {
    read_values();
    read_observations();
    for (const std::string& name : hostile_names()) {
      read_lists(name);
      read_recalls(name);
      read_queue(name, "jobs");
      read_queue("dead " + name, "dead jobs");
      read_queue("done " + name, "done jobs");
      read_contents(plain(name));
      read_stream(name);
      read_mail(name);
      read_cache(name);
    }
    read_work();
    return std::move(found_);
  }

 private:
  template <typename Make>
  auto of(const Make& make) {
    return std::apply(make, view_);
  }
  void add_entries(const std::string& what, const Result<std::vector<KvEntry>>& entries) {
    ASSERT_TRUE(entries) << entries.status().to_string();
    for (const KvEntry& entry : *entries) {
      found_.add(what, entry.key);
      found_.add(what, entry.value);
    }
  }
  void read_values() {
    const Kv kv = of([&](auto&... view) { return space_.kv(view...); });
    add_entries("values", kv.list());
    add_entries("values", kv.list({.prefix = "a", .keys_only = true}));
    add_entries("values", kv.list({.begin = "a", .end = "h0"}));
    add_entries("counters", kv.counters());
    for (const std::string& name : hostile_names()) {
      const auto values = kv.get_all({name, kHistory + name});
      for (const auto& value : *values) {
        found_.add("values", value.value_or(""));
      }
      found_.add("values", kv.get_json(name, "/is")->value_or(""));
      auto reader = kv.open("large/" + name);
      ASSERT_TRUE(reader) << reader.status().to_string();
      std::string bytes(100, '\0');
      if (*reader) found_.add("large values", bytes.substr(0, *(*reader)->read(bytes.data(), 100)));
      const auto history = kv.history(kHistory + name);
      if (history.status().code() == StatusCode::kConditionFalse) continue;
      for (const KvVersion& version : *history) found_.add("history", version.value);
    }
  }

  Observations observations() {
    return of([&](auto&... view) { return space_.observations(view...); });
  }
  void read_observations() {
    const Observations all = observations();
    found_.add_all("listed", all.list({.limit = 1'000}));
    found_.add_all("listed", all.list({.limit = 1'000, .newest_first = false}));
    found_.add_all("listed", all.list({.limit = 1'000, .metadata = {{"shared", "1"}}}));
    found_.add_all("listed", all.list({.limit = 1'000, .where = "metadata.shared = 1"}));
    found_.add_all("listed", all.list({.limit = 1'000, .as_of_us = 1'500}));
    for (const Tier tier : {Tier::warm, Tier::cold}) {
      found_.add_all("listed", all.list({.limit = 1'000, .tier = tier}));
    }
    found_.add_all("forgotten", all.forgotten({.limit = 1'000}));
    const auto listed = all.list({.limit = 1'000});
    EXPECT_EQ(*all.count(), listed->size());
    for (const Observation& one : *listed) {
      found_.add("listed", *all.get(one.id));
      found_.add_all("history", all.history(one.id));
    }
    const Vectors vectors = of([&](auto&... view) { return space_.vectors(view...); });
    const auto spaces = vectors.list();
    if (spaces->empty()) return;
    const auto missing = vectors.missing(kMainVectorSpace);
    ASSERT_TRUE(missing) << missing.status().to_string();
    for (const std::string& id : *missing) EXPECT_TRUE(all.get(id)) << "a vector of another's";
  }
  void read_lists(const std::string& name) {
    const Observations all = observations();
    found_.add_all("listed", all.list({.limit = 1'000, .kind = name}));
    found_.add_all("listed", all.list({.limit = 1'000, .source = name}));
    found_.add_all("listed", all.list({.limit = 1'000, .session = name}));
    found_.add_all("listed", all.list({.limit = 1'000, .run = name}));
    found_.add_all("listed", all.list({.limit = 1'000, .tags = {name, "all"}}));
  }
  void recall(const std::string& what, const RecallQuery& query) {
    const auto hits = of([&](auto&... view) { return space_.recall(view..., query); });
    if (hits.status().code() == StatusCode::kNotFound) return;  // no vector space
    ASSERT_TRUE(hits) << hits.status().to_string();
    for (const RecallHit& hit : *hits) {
      found_.add(what, hit.observation);
      found_.add(what, hit.snippet);
      for (const ScoreTerm& term : hit.explanation) found_.add(what, term.term);
    }
    for (const RecallHit& hit : *hits) {
      const auto why =
          of([&](auto&... view) { return space_.why_not(view..., query, hit.observation.id); });
      ASSERT_TRUE(why) << why.status().to_string();
      EXPECT_EQ(why->reason, RecallReason::found) << why->message;
      break;
    }
  }
  void read_recalls(const std::string& name) {
    RecallQuery query{.text = "needle", .limit = 1'000, .explain = true, .link_weight = 0.3};
    recall("recalled", query);
    query.kind = name;
    recall("recalled", query);
    query.kind.reset();
    query.tags = {name};
    recall("recalled", query);
    recall("recalled", {.text = "qzb*", .limit = 1'000});
    query = {.limit = 1'000, .vector = RecallVector{.values = {1, 0}}};
    recall("recalled", query);
    query.text = "needle";
    recall("recalled", query);
    recall("recalled then", {.text = "needle", .limit = 1'000, .as_of_us = 1'500});
  }

  void read_queue(const std::string& name, const std::string& what) {
    const Queue queue = of([&](auto&... view) { return space_.queue(view..., name); });
    for (const JobState state :
         {JobState::ready, JobState::delayed, JobState::leased, JobState::dead, JobState::done}) {
      const auto jobs = queue.list({.state = state, .limit = 1'000});
      ASSERT_TRUE(jobs) << jobs.status().to_string();
      for (const JobInfo& one : *jobs) {
        const auto job = queue.get(one.job.id);
        found_.add(what, job->job.payload + " " + job->result + " " + job->job.last_error);
      }
    }
  }
  void read_contents(const std::string& name) {
    const Artifacts artifacts = of([&](auto&... view) { return space_.artifacts(view...); });
    const auto versions = artifacts.versions(name);
    if (versions) {
      for (const ArtifactVersion& one : *versions) {
        const std::string number = std::to_string(one.version);
        found_.add("artifacts", one.actor + " " + *artifacts.get(name, number));
        const auto signatures = artifacts.signatures(name, number);
        for (const auto& signed_by : *signatures) {
          found_.add("artifacts", signed_by.signer);
        }
        EXPECT_TRUE(artifacts.verify(name, number, {}));
        EXPECT_EQ(artifacts.find_id(one.id)->version, one.version);
      }
    }
    const auto queried = artifacts.query({.metadata = {{"shared", "1"}}});
    for (const ArtifactVersion& one : *queried) {
      found_.add("artifacts", *artifacts.get(one.name, std::to_string(one.version)));
    }
    const Registry registry = of([&](auto&... view) { return space_.registry(view...); });
    const auto definitions = registry.versions(name, name);
    if (!definitions) return;
    for (const Definition& one : *definitions) found_.add("definitions", one.body + " " + one.note);
    found_.add("definitions", registry.get(name, name)->body);
    EXPECT_EQ(registry.publications(name, name)->size(), definitions->size());
  }
  void read_stream(const std::string& name) {
    const Events events = of([&](auto&... view) { return space_.events(view...); });
    const auto page = events.stream(name).read();
    ASSERT_TRUE(page) << page.status().to_string();
    for (const Event& event : page->events) found_.add("events", event.data + event.source);
    EXPECT_EQ(events.stream(name).verify()->events, page->events.size());
  }
  void read_mail(const std::string& name) {
    const Inbox inbox = of([&](auto&... view) { return space_.inbox(view..., name); });
    const auto marks = inbox.list();
    for (const InboxMark& mark : *marks) found_.add("marks", mark.key + " " + mark.note);
    EXPECT_EQ(*inbox.count(), marks->size());
    const auto read = [&](const std::string& of_name, const std::string& what) {
      const Outbox outbox = of([&](auto&... view) { return space_.outbox(view..., of_name); });
      for (const auto& entries : {outbox.waiting(), outbox.dead()}) {
        for (const OutboxEntry& one : *entries) {
          found_.add(what, one.topic + " " + one.payload + " " + one.error);
        }
      }
    };
    read(name, "outbox");
    read("dead " + name, "dead letters");
    const Messages messages = of([&](auto&... view) { return space_.messages(view...); });
    const auto peeked = messages.peek(name);
    for (const Message& one : *peeked) {
      found_.add("messages", one.from + " " + one.kind + " " + one.body);
    }
  }
  void read_cache(const std::string& name) {
    const Cache cache = of([&](auto&... view) { return space_.cache(view..., name); });
    const auto entries = cache.list();
    for (const CacheEntry& entry : *entries) {
      found_.add("cache", cache.get(entry.key)->value_or(""));
      found_.add("cache", cache.find(entry.key, true)->value_or(CacheEntry{}).value);
    }
    for (const std::string& key : hostile_names())
      found_.add("cache", cache.get(key)->value_or(""));
  }

  void read_work() {
    const Runs runs = of([&](auto&... view) { return space_.runs(view...); });
    const auto all = runs.list({.limit = 1'000});
    for (const RunInfo& run : *all) read_run(runs, run.id);
    const Claims claims = of([&](auto&... view) { return space_.claims(view...); });
    const auto claimed = claims.list();
    for (const ClaimedResource& one : *claimed) {
      found_.add("claims", one.resource);
      const auto holders = claims.holders(one.resource);
      for (const ClaimHolder& holder : *holders) {
        found_.add("claims", holder.holder + " " + holder.purpose);
      }
    }
    const Presence presence = of([&](auto&... view) { return space_.presence(view...); });
    const auto present = presence.list();
    for (const Present& one : *present) found_.add("presence", one.occupation.agent);
    const Links links = of([&](auto&... view) { return space_.links(view...); });
    const auto listed = links.list();
    for (const Link& link : *listed) found_.add("links", link.to + " " + link.data);
    for (const std::string& name : hostile_names()) {
      const auto walked = links.walk(plain(name), {.depth_max = 3});
      for (const WalkedEnd& end : walked->ends) found_.add("links", end.end);
      const std::vector<Activation> seeds = {{plain(name), 1}};
      const auto spread = links.spread(seeds);
      for (const Activation& end : *spread) found_.add("links", end.end);
    }
    const Records records = of([&](auto&... view) { return space_.records(view...); });
    const auto learned = records.list({.limit = 1'000});
    for (const Record& record : *learned) {
      found_.add("records", records.get(record.id)->title + " " + record.fields.at("text"));
    }
  }
  void read_run(const Runs& runs, const std::string& id) {
    const auto run = runs.get(id);
    found_.add("runs", run->key.value_or("") + " " + run->input.value_or(""));
    const auto steps = runs.steps(id);
    for (const StepInfo& one : *steps) {
      const auto step = runs.step(id, one.key);
      found_.add("runs", step->input.value_or("") + " " + step->output.value_or(""));
    }
    const auto gates = runs.gates(id);
    for (const GateInfo& gate : *gates) found_.add("runs", gate.prompt + gate.decided_by);
    const auto timeline = runs.timeline(id);
    for (const RunEvent& event : *timeline) {
      found_.add("runs", event.by + " " + event.detail);
    }
  }

  const Space& space_;
  std::tuple<View&...> view_;
  Found found_;
};

}  // namespace holdfast::isolation
