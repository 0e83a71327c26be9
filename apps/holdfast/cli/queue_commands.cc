#include <span>

#include "base/time_text.h"
#include "cli/child.h"
#include "cli/commands.h"
#include "cli/dry_run.h"
#include "cli/input.h"
#include "cli/shown_time.h"
#include "cli/write_out.h"

namespace holdfast::cli {
namespace {

const std::map<std::string, JobState> kStates = {{"ready", JobState::ready},
                                                 {"delayed", JobState::delayed},
                                                 {"leased", JobState::leased},
                                                 {"dead", JobState::dead},
                                                 {"done", JobState::done}};

std::string state_name(JobState state) {
  for (const auto& [name, value] : kStates) {
    if (value == state) return name;
  }
  return "?";
}

// What the commands of one queue take.
struct QueueArguments {
  std::string queue;
  std::string id, lease_id, text;
  std::string lease = "60s", wait = "0", delay, holder, before, after;
  std::vector<std::string> command;
  size_t limit = 1;
  JobState state = JobState::ready;
  bool dry_run = false;
};

// The store, and a queue of the space that is meant.
struct Opened {
  Store store;
  Space space;
  Queue queue;
};

Result<Opened> open_queue(const Context& context, const std::string& name, IfAbsent if_absent) {
  HOLDFAST_ASSIGN(Store store, context.open_store(if_absent));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  Queue queue = space.queue(name);
  return Opened{std::move(store), std::move(space), std::move(queue)};
}

Job named_job(const QueueArguments& arguments) {
  Job job;
  job.id = arguments.id;
  job.lease_id = arguments.lease_id;
  return job;
}

Json json_of(const Job& job) {
  Json json = {{"id", job.id}, {"lease", job.lease_id}};
  set_bytes(json, "payload", job.payload);
  if (job.key) json["key"] = *job.key;
  json["priority"] = job.priority;
  json["attempt"] = job.attempt;
  if (!job.last_error.empty()) set_bytes(json, "last_error", job.last_error);
  json["lease_expires_us"] = job.lease_expires_us;
  json["pushed_us"] = job.pushed_us;
  return json;
}

struct PushArguments {
  std::string queue, file, key;
  std::optional<std::string> payload;
  int priority = 0;
  std::string delay = "0";
};

Status push(const Context& context, const PushArguments& arguments) {
  NewJob job;
  HOLDFAST_ASSIGN(job.payload, read_value(arguments.payload, arguments.file));
  job.priority = arguments.priority;
  HOLDFAST_ASSIGN(job.delay, parse_duration(arguments.delay));
  job.key = optional_text(arguments.key);
  HOLDFAST_ASSIGN(Opened opened, open_queue(context, arguments.queue, IfAbsent::kCreateForUser));
  HOLDFAST_ASSIGN(const PushedJob pushed, opened.queue.push(job));
  if (context.output().json()) {
    context.output().print({{"id", pushed.id}, {"existed", pushed.existed}});
  } else {
    context.output().line(pushed.id + (pushed.existed ? "  (was there already)" : ""));
  }
  return opened.store.close();
}

void print_jobs(const Output& output, std::span<const Job> jobs) {
  for (const Job& job : jobs) {
    if (output.json()) {
      output.print(json_of(job));
    } else {
      output.line(job.id + "  " + job.lease_id + "  " + printable(job.payload));
    }
  }
}

Status take(const Context& context, const QueueArguments& arguments) {
  TakeOptions options;
  options.limit = arguments.limit;
  options.bound_to_handle = false;  // the lease outlives this process
  options.holder = arguments.holder;
  HOLDFAST_ASSIGN(options.lease, parse_duration(arguments.lease));
  HOLDFAST_ASSIGN(options.wait, parse_duration(arguments.wait));
  HOLDFAST_ASSIGN(Opened opened, open_queue(context, arguments.queue, IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(const auto jobs, opened.queue.take(options));
  if (jobs.empty()) {
    return Status(StatusCode::kNotFound, "queue " + arguments.queue + " has no job that is ready");
  }
  const Status written = write_out([&] { print_jobs(context.output(), jobs); });
  if (!written) {  // nobody knows the leases
    for (const Job& job : jobs) {
      HOLDFAST_TRY(opened.queue.nack(job, "whoever took it could not print it",
                                     std::chrono::milliseconds(0)));
    }
  }
  HOLDFAST_TRY(written);
  return opened.store.close();
}

Status ack(const Context& context, const QueueArguments& arguments) {
  HOLDFAST_ASSIGN(Opened opened, open_queue(context, arguments.queue, IfAbsent::kRefuse));
  const auto result = optional_text(arguments.text);
  HOLDFAST_TRY(opened.queue.ack(named_job(arguments),
                                result ? std::optional<std::string_view>(*result) : std::nullopt));
  return opened.store.close();
}

Status nack(const Context& context, const QueueArguments& arguments) {
  std::optional<std::chrono::milliseconds> delay;
  if (!arguments.delay.empty()) {
    HOLDFAST_ASSIGN(delay, parse_duration(arguments.delay));
  }
  HOLDFAST_ASSIGN(Opened opened, open_queue(context, arguments.queue, IfAbsent::kRefuse));
  HOLDFAST_TRY(opened.queue.nack(named_job(arguments), arguments.text, delay));
  return opened.store.close();
}

Status extend(const Context& context, const QueueArguments& arguments) {
  HOLDFAST_ASSIGN(const auto lease, parse_duration(arguments.lease));
  HOLDFAST_ASSIGN(Opened opened, open_queue(context, arguments.queue, IfAbsent::kRefuse));
  HOLDFAST_TRY(opened.queue.extend(named_job(arguments), lease).status());
  return opened.store.close();
}

// What became of the jobs that a worker took.
struct Worked {
  uint64_t done = 0;
  uint64_t failed = 0;
  uint64_t lost = 0;  // to others, who do them again
};

void print_worked(const Output& output, const Worked& worked) {
  if (output.json()) {
    output.print({{"done", worked.done}, {"failed", worked.failed}, {"lost", worked.lost}});
    return;
  }
  const std::string lost =
      worked.lost == 0 ? "" : ", " + with_separators(worked.lost) + " lost to others";
  output.line(with_separators(worked.done) + " done, " + counted(worked.failed, "attempt") +
              " failed" + lost);
}

// Does jobs by a command until there is none (for `wait`): its stdin is the payload, its stdout the
// result, its exit code says how it went.
Status work(const Context& context, const QueueArguments& arguments) {
  TakeOptions options;
  options.holder = arguments.holder;
  HOLDFAST_ASSIGN(options.lease, parse_duration(arguments.lease));
  HOLDFAST_ASSIGN(options.wait, parse_duration(arguments.wait));
  HOLDFAST_ASSIGN(Opened opened, open_queue(context, arguments.queue, IfAbsent::kRefuse));
  Worked worked;
  while (true) {
    HOLDFAST_ASSIGN(const auto jobs, opened.queue.take(options));
    if (jobs.empty()) break;
    const Job& job = jobs.front();
    HOLDFAST_ASSIGN(const ChildResult child,
                    run_child(arguments.command, job.payload, /*capture=*/true));
    const bool is_done = child.exit_code == 0;
    const Status status =
        is_done ? opened.queue.ack(job, child.output)
                : opened.queue.nack(job, "exit code " + std::to_string(child.exit_code));
    // A lease that ended meanwhile: somebody else does the job.
    const bool is_lost = status.code() == StatusCode::kFenced;
    if (!status && !is_lost) return status;
    if (is_lost) print_error(status);
    ++(is_lost ? worked.lost : is_done ? worked.done : worked.failed);
  }
  print_worked(context.output(), worked);
  HOLDFAST_TRY(opened.store.close());
  if (worked.lost == 0) return Status::ok();
  return Status(StatusCode::kFenced, counted(worked.lost, "lease") +
                                         " ended before the work did; allow more time: --lease");
}

Status show(const Context& context, const QueueArguments& arguments) {
  HOLDFAST_ASSIGN(Opened opened, open_queue(context, arguments.queue, IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(const JobInfo info, opened.queue.get(arguments.id));
  if (context.output().json()) {
    Json json = json_of(info.job);
    json["state"] = state_name(info.state);
    json["due_us"] = info.due_us;
    if (!info.result.empty()) set_bytes(json, "result", info.result);
    context.output().print(json);
    return Status::ok();
  }
  Facts facts;
  facts.add("id", info.job.id);
  facts.add("state", state_name(info.state));
  facts.add("pushed", time_text(info.job.pushed_us));
  facts.add("attempt", std::to_string(info.job.attempt));
  if (info.due_us != 0) facts.add("due", time_text(info.due_us));
  if (!info.holder.empty()) facts.add("holder", printable(info.holder));
  if (!info.job.last_error.empty()) facts.add("error", printable(info.job.last_error));
  facts.add("payload", printable(info.job.payload));
  if (!info.result.empty()) facts.add("result", printable(info.result));
  facts.print(context.output());
  return Status::ok();
}

Status list(const Context& context, const QueueArguments& arguments) {
  HOLDFAST_ASSIGN(Opened opened, open_queue(context, arguments.queue, IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(const auto jobs, opened.queue.list({.state = arguments.state,
                                                      .after = arguments.after,
                                                      .limit = arguments.limit}));
  Table table({"id", "priority", "attempt", "pushed", "due", "holder", "error"});
  for (const JobInfo& info : jobs) {
    if (context.output().json()) {
      context.output().print({{"id", info.job.id},
                              {"state", state_name(info.state)},
                              {"priority", info.job.priority},
                              {"attempt", info.job.attempt},
                              {"pushed_us", info.job.pushed_us},
                              {"due_us", info.due_us},
                              {"holder", info.holder},
                              {"error", info.job.last_error}});
      continue;
    }
    table.add({info.job.id, std::to_string(info.job.priority), std::to_string(info.job.attempt),
               shown_time(info.job.pushed_us), info.due_us == 0 ? "-" : shown_time(info.due_us),
               one_line(info.holder, 30), one_line(info.job.last_error, 60)});
  }
  if (!table.empty()) table.print(context.output());
  return Status::ok();
}

Status stats(const Context& context, const QueueArguments& arguments) {
  HOLDFAST_ASSIGN(Opened opened, open_queue(context, arguments.queue, IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(const QueueStats stats, opened.queue.stats());
  if (context.output().json()) {
    context.output().print({{"ready", stats.ready},
                            {"delayed", stats.delayed},
                            {"leased", stats.leased},
                            {"dead", stats.dead},
                            {"done", stats.done}});
    return Status::ok();
  }
  Facts facts;
  facts.add("ready", with_separators(stats.ready));
  facts.add("delayed", with_separators(stats.delayed));
  facts.add("leased", with_separators(stats.leased));
  facts.add("dead", with_separators(stats.dead));
  facts.add("done", with_separators(stats.done));
  facts.print(context.output());
  return Status::ok();
}

Status requeue(const Context& context, const QueueArguments& arguments) {
  HOLDFAST_ASSIGN(Opened opened, open_queue(context, arguments.queue, IfAbsent::kRefuse));
  HOLDFAST_TRY(opened.queue.requeue(arguments.id));
  return opened.store.close();
}

Status remove(const Context& context, const QueueArguments& arguments) {
  HOLDFAST_ASSIGN(Opened opened, open_queue(context, arguments.queue, IfAbsent::kRefuse));
  if (arguments.dry_run) {
    HOLDFAST_ASSIGN(Transaction transaction, opened.store.begin());  // never committed
    HOLDFAST_TRY(opened.space.queue(transaction, arguments.queue).remove(arguments.id));
    return show(context, arguments);
  }
  HOLDFAST_TRY(opened.queue.remove(arguments.id));
  return opened.store.close();
}

// A command of one queue; `needs` says what else it takes: i an id, l a lease.
CLI::App* add_simple(Commands& commands, CLI::App* family, const std::string& name,
                     const std::string& purpose, const std::string& example,
                     const std::shared_ptr<QueueArguments>& arguments, std::string_view needs,
                     Status (*action)(const Context&, const QueueArguments&)) {
  CLI::App* command =
      commands.add_to(family, name, purpose, "holdfast queue " + example,
                      [=](const Context& context) { return action(context, *arguments); });
  command->add_option("queue", arguments->queue, "Name of the queue")->required();
  if (needs.find('i') != std::string_view::npos) {
    command->add_option("id", arguments->id, "The job's id")->required();
  }
  if (needs.find('l') != std::string_view::npos) {
    command->add_option("lease", arguments->lease_id, "The lease that `queue take` printed")
        ->required();
  }
  return command;
}

void add_push(Commands& commands, CLI::App* family) {
  auto arguments = arguments_of<PushArguments>();
  CLI::App* command =
      commands.add_to(family, "push", "Push a job", "holdfast queue push builds \"make all\"",
                      [=](const Context& context) { return push(context, *arguments); });
  command->add_option("queue", arguments->queue, "Name of the queue")->required();
  command->add_option("payload", arguments->payload, "What to do; - reads stdin");
  command->add_option("--file", arguments->file, "Read the payload from this file");
  command->add_option("--priority", arguments->priority, "-100 to 100, higher is sooner");
  command->add_option("--delay", arguments->delay, "Not before, such as 15m");
  command->add_option("--key", arguments->key, "While a job with it is there, push no other");
}

void add_taking(Commands& commands, CLI::App* family) {
  auto taken = arguments_of<QueueArguments>();
  CLI::App* command = add_simple(commands, family, "take", "Take jobs under a lease",
                                 "take builds --lease 10m --json", taken, "", take);
  command->add_option("--lease", taken->lease, "How long")->capture_default_str();
  command->add_option("--wait", taken->wait, "For a job to come")->capture_default_str();
  command->add_option("--limit", taken->limit, "At most so many")->capture_default_str();
  command->add_option("--holder", taken->holder, "Who takes it, for people");
  auto acked = arguments_of<QueueArguments>();
  add_simple(commands, family, "ack", "A job is done: it leaves the queue",
             "ack builds \"$id\" \"$lease\"", acked, "il", ack)
      ->add_option("--result", acked->text, "Kept under the job's id");
  auto nacked = arguments_of<QueueArguments>();
  command = add_simple(commands, family, "nack", "A job failed: it comes back later",
                       "nack builds \"$id\" \"$lease\" --error \"no network\"", nacked, "il", nack);
  command->add_option("--error", nacked->text, "Why");
  command->add_option("--delay", nacked->delay, "When; else as the queue is configured");
  auto extended = arguments_of<QueueArguments>();
  add_simple(commands, family, "extend", "Prolong a lease",
             "extend builds \"$id\" \"$lease\" --for 10m", extended, "il", extend)
      ->add_option("--for", extended->lease, "From now on")
      ->capture_default_str();
  auto worked = arguments_of<QueueArguments>();
  command = add_simple(commands, family, "work", "Do jobs by a command: stdin is the payload",
                       "work builds --wait 1h -- sh", worked, "", work);
  command->add_option("--lease", worked->lease, "How long one job may take")->capture_default_str();
  command->add_option("--wait", worked->wait, "For jobs to come")->capture_default_str();
  command->add_option("--holder", worked->holder, "Who works, for people");
  command->add_option("command", worked->command, "The command and its arguments")->required();
}

void add_looking(Commands& commands, CLI::App* family) {
  auto listed = arguments_of<QueueArguments>();
  listed->limit = 100;
  CLI::App* command = add_simple(commands, family, "list", "List jobs of one state",
                                 "list builds --state dead", listed, "", list);
  command->add_option("--state", listed->state, "ready, delayed, leased, dead or done")
      ->transform(CLI::CheckedTransformer(kStates));
  command->add_option("--after", listed->after, "Behind this job");
  command->add_option("--limit", listed->limit, "At most so many")->capture_default_str();
  auto dead = arguments_of<QueueArguments>();
  dead->limit = 100;
  dead->state = JobState::dead;
  add_simple(commands, family, "dead", "List dead letters", "dead builds", dead, "", list);
  add_simple(commands, family, "show", "Show a job, and its result", "show builds \"$id\"",
             arguments_of<QueueArguments>(), "i", show);
  add_simple(commands, family, "stats", "Count jobs by state", "stats builds",
             arguments_of<QueueArguments>(), "", stats);
  add_simple(commands, family, "requeue", "Let a dead letter begin anew", "requeue builds \"$id\"",
             arguments_of<QueueArguments>(), "i", requeue);
  auto removed = arguments_of<QueueArguments>();
  add_dry_run(add_simple(commands, family, "remove", "Remove a job that is not leased",
                         "remove builds \"$id\"", removed, "i", remove),
              removed->dry_run);
}

struct ConfigureArguments {
  std::string queue;
  std::string backoff_first = "1s", backoff_max = "10m";
  QueueOptions options;
};

Status configure(const Context& context, const ConfigureArguments& arguments) {
  QueueOptions options = arguments.options;
  HOLDFAST_ASSIGN(options.backoff_first, parse_duration(arguments.backoff_first));
  HOLDFAST_ASSIGN(options.backoff_max, parse_duration(arguments.backoff_max));
  HOLDFAST_ASSIGN(Opened opened, open_queue(context, arguments.queue, IfAbsent::kCreateForUser));
  HOLDFAST_TRY(opened.queue.configure(options));
  return opened.store.close();
}

}  // namespace

void add_queue_commands(Commands& commands) {
  CLI::App* family = commands.add_family(
      kGroupCoordination, "queue", "Jobs that many processes push and take, each done once",
      "holdfast queue push builds \"make all\"\n  holdfast queue work builds --wait 1h -- sh");
  add_push(commands, family);
  add_taking(commands, family);
  add_looking(commands, family);
  auto arguments = arguments_of<ConfigureArguments>();
  CLI::App* command =
      commands.add_to(family, "configure", "Set attempts, backoff and depth",
                      "holdfast queue configure builds --attempts 3 --backoff 10s",
                      [=](const Context& context) { return configure(context, *arguments); });
  command->add_option("queue", arguments->queue, "Name of the queue")->required();
  command->add_option("--attempts", arguments->options.attempts_max, "Then a job is dead")
      ->capture_default_str();
  command->add_option("--backoff", arguments->backoff_first, "After the first failure; doubled")
      ->capture_default_str();
  command->add_option("--backoff-max", arguments->backoff_max, "At most")->capture_default_str();
  command->add_option("--depth", arguments->options.depth_max, "Jobs at most")
      ->capture_default_str();
}

}  // namespace holdfast::cli
