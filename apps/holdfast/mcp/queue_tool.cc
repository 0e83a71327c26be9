#include <chrono>
#include <memory>
#include <utility>

#include "base/time_text.h"
#include "mcp/arguments.h"
#include "mcp/budget.h"
#include "mcp/held.h"
#include "mcp/work_tools.h"

namespace holdfast::mcp {
namespace {

using std::chrono::milliseconds;

Json json_of(const Job& job) {
  Json json = {{"job", job.id}, {"attempt", job.attempt}, {"priority", job.priority}};
  cli::set_bytes(json, "payload", job.payload);
  if (job.key) json["key"] = *job.key;
  if (!job.last_error.empty()) json["last_error"] = job.last_error;
  json["lease_expires"] = time_text(job.lease_expires_us);
  return json;
}

Result<Json> push(const Queue& queue, const Json& arguments) {
  HOLDFAST_TRY(needs(arguments, "payload"));
  NewJob job;
  job.payload = arguments["payload"].get<std::string>();
  job.priority = arguments.value("priority", 0);
  job.delay = seconds_of(arguments, "delay_seconds", 0);
  if (arguments.contains("key")) job.key = arguments["key"].get<std::string>();
  HOLDFAST_ASSIGN(const PushedJob pushed, queue.push(job));
  return structured_result({{"job", pushed.id}, {"existed", pushed.existed}});
}

struct LeasedJob {
  Queue queue;
  Job job;
};
using HeldJobs = std::shared_ptr<Held<LeasedJob>>;

// What nobody works at any more comes back.
void give_back_when_left(Peer& peer, const HeldJobs& held) {
  if (peer.owner() == nullptr) return;
  const auto give_back = [held, owner = peer.owner()] {
    for (const LeasedJob& leased : held->take_all(owner)) {
      (void)leased.queue.nack(leased.job, "the client that took it left", milliseconds(0));
    }
  };
  peer.session().at_close("jobs", give_back);
}

Result<Json> take(Peer& peer, const Queue& queue, const HeldJobs& held, const Json& arguments) {
  // One after the other: what would not be shown must not be taken.
  const size_t limit = arguments.value("limit", size_t{1});
  TakeOptions options;
  options.lease = seconds_of(arguments, "lease_seconds", 300);
  options.holder = arguments.value("holder", "");
  Patience patience(peer, arguments);
  Budget budget(arguments);
  Json taken = Json::array();
  for (bool has_room = true; has_room && taken.size() < limit;) {
    options.wait = taken.empty() ? patience.step() : milliseconds(0);
    const auto jobs = queue.take(options);
    if (!jobs && taken.empty()) return jobs.status();
    if (!jobs) break;  // those that were taken are theirs
    if (jobs->empty() && taken.empty() && patience.another()) continue;
    if (jobs->empty()) break;
    const Job& job = jobs->front();
    if (peer.cancelled()) {  // nobody would do it
      HOLDFAST_TRY(queue.nack(job, "the request that took it was cancelled", milliseconds(0)));
      return Status(StatusCode::kBusy, "the request was cancelled");
    }
    held->keep(peer.owner(), job.id, {queue, job}, job.lease_expires_us);
    give_back_when_left(peer, held);
    taken.push_back(json_of(job));
    has_room = budget.spend(taken.back());
  }
  return structured_result({{"jobs", std::move(taken)}});
}

Result<Json> stats(const Queue& queue) {
  HOLDFAST_ASSIGN(const QueueStats stats, queue.stats());
  return structured_result({{"ready", stats.ready},
                            {"delayed", stats.delayed},
                            {"leased", stats.leased},
                            {"dead", stats.dead},
                            {"done", stats.done}});
}

// ack, nack and extend: about a job that this client has taken.
Result<Json> settle(Peer& peer, const Queue& queue, Held<LeasedJob>& held, const Json& arguments) {
  HOLDFAST_TRY(needs(arguments, "job"));
  const auto action = arguments["action"].get<std::string>();
  const auto id = arguments["job"].get<std::string>();
  const auto leased = held.find(peer.owner(), id);
  if (!leased) {
    return Status(StatusCode::kNotFound,
                  "this client has not taken job " + cli::one_line(id, 60) +
                      "; a job comes back to the queue when the client that took it leaves");
  }
  if (action == "extend") {
    HOLDFAST_ASSIGN(const Job extended,
                    queue.extend(leased->job, seconds_of(arguments, "lease_seconds", 300)));
    held.keep(peer.owner(), id, {queue, extended}, extended.lease_expires_us);
    return structured_result(json_of(extended));
  }
  if (action == "ack") {
    std::optional<std::string> result;
    if (arguments.contains("result")) result = arguments["result"].get<std::string>();
    HOLDFAST_TRY(queue.ack(leased->job, result));
  } else {
    std::optional<milliseconds> delay;
    if (arguments.contains("delay_seconds")) delay = seconds_of(arguments, "delay_seconds", 0);
    HOLDFAST_TRY(queue.nack(leased->job, arguments.value("error", ""), delay));
  }
  held.drop(peer.owner(), id);
  return structured_result({{"job", id}});
}

Result<Json> run(Peer& peer, Memory& memory, const HeldJobs& held, const Json& arguments) {
  const auto action = arguments["action"].get<std::string>();
  HOLDFAST_ASSIGN(const Space space, memory.space());
  const Queue queue = space.queue(arguments["queue"].get<std::string>());
  if (action == "push") return push(queue, arguments);
  if (action == "take") return take(peer, queue, held, arguments);
  if (action == "stats") return stats(queue);
  return settle(peer, queue, *held, arguments);
}

}  // namespace

void add_queue_tool(Catalogue& catalogue, Memory& memory) {
  Tool tool{.name = "queue", .title = "Queue"};
  tool.description =
      "Hand work to whichever agent is free: push jobs; take one, do it, then ack it (with its "
      "result) or nack it (with the error; it comes back later). A job comes back by itself when "
      "its lease expires or the process of the agent that took it ends.";
  tool.effect = Effect::kChanges;
  const std::vector<std::string> actions = {"push", "take", "ack", "nack", "extend", "stats"};
  tool.input = object_schema({
      {"action", word_schema("What to do", actions), true},
      {"queue", text_schema("Name of the queue"), true},
      {"payload", text_schema("push: what the job is")},
      {"key", text_schema("push: while a job with this key is there, no second one is made")},
      {"priority", integer_schema("push: higher is sooner; 0 if not given", -100, 100)},
      {"delay_seconds", number_schema("push, nack: not before", 0, 31'536'000)},
      {"limit", integer_schema("take: at most so many jobs, and none when max_tokens are spent; 1 "
                               "if not given",
                               1, 100)},
      {"lease_seconds",
       number_schema("take, extend: yours for so long; 300 if not given", 0.001, 604'800)},
      {"wait_seconds", number_schema("take: wait so long for a job", 0, 3600)},
      {"holder", text_schema("take: who you are, for people")},
      {"job", text_schema("ack, nack, extend: the job that take gave")},
      {"result", text_schema("ack: what came of it; kept under the job's id")},
      {"error", text_schema("nack: what went wrong")},
      Budget::property(),
  });
  tool.output = object_schema({
      {"job", text_schema("push, ack, nack, extend: its id")},
      {"existed", flag_schema("push: a job with this key was there")},
      {"jobs", objects_schema("take: none if nothing is ready")},
      {"payload", text_schema("extend: what the job is")},
      {"payload_base64", text_schema("extend: if it is not text")},
      {"attempt", count_schema("extend: which one this is")},
      {"priority", count_schema("extend: as pushed")},
      {"key", text_schema("extend: as pushed")},
      {"last_error", text_schema("extend: of the attempt before")},
      {"lease_expires", text_schema("extend: when")},
      {"ready", count_schema("stats: jobs")},
      {"delayed", count_schema("stats: jobs")},
      {"leased", count_schema("stats: jobs")},
      {"dead", count_schema("stats: jobs")},
      {"done", count_schema("stats: jobs")},
  });
  auto held = std::make_shared<Held<LeasedJob>>();
  tool.run = [&memory, held](Peer& peer, const Json& arguments) {
    return run(peer, memory, held, arguments);
  };
  catalogue.tools.push_back(std::move(tool));
}

}  // namespace holdfast::mcp
