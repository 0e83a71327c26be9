#include <unistd.h>

#include <span>

#include "base/time_text.h"
#include "cli/child.h"
#include "cli/dry_run.h"
#include "cli/input.h"
#include "cli/shown_time.h"
#include "cli/write_out.h"
#include "os/os.h"

namespace holdfast::cli {
namespace {

struct SendArguments {
  std::string to, from, kind, file;
  std::optional<std::string> body;
};

Status send(const Context& context, const SendArguments& arguments) {
  NewMessage message{arguments.to, arguments.from, arguments.kind, {}};
  HOLDFAST_ASSIGN(message.body, read_value(arguments.body, arguments.file));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kCreateForUser));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const std::string id, space.messages().send(message));
  if (context.output().json()) {
    context.output().print({{"id", id}});
  } else {
    context.output().line(id);
  }
  return store.close();
}

struct ReceiveArguments {
  std::string mailbox, wait = "0";
  size_t limit = 1;
  bool keep = false;
};

void print_messages(const Output& output, std::span<const Message> messages) {
  for (const Message& message : messages) {
    if (output.json()) {
      Json json = {{"id", message.id},
                   {"from", message.from},
                   {"kind", message.kind},
                   {"sent_us", message.sent_us}};
      set_bytes(json, "body", message.body);
      output.print(json);
      continue;
    }
    output.line(output.dim(time_text(message.sent_us)) + "  " +
                (message.from.empty() ? "" : output.bold(printable(message.from)) + "  ") +
                (message.kind.empty() ? "" : printable(message.kind) + "  ") +
                printable(message.body));
  }
}

// Sent again, in one commit.
Status put_back(Store& store, const Space& space, std::span<const Message> messages) {
  const auto send_all = [&](Transaction& transaction) -> Status {
    for (const Message& message : messages) {
      HOLDFAST_TRY(space.messages(transaction)
                       .send({message.to, message.from, message.kind, message.body})
                       .status());
    }
    return Status::ok();
  };
  return store.update(send_all).status();
}

Status receive(const Context& context, const ReceiveArguments& arguments) {
  HOLDFAST_ASSIGN(const auto wait, parse_duration(arguments.wait));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  const Messages messages = space.messages();
  HOLDFAST_ASSIGN(const auto received,
                  arguments.keep ? messages.peek(arguments.mailbox, arguments.limit)
                                 : messages.receive(arguments.mailbox, arguments.limit, wait));
  if (received.empty()) {
    return Status(StatusCode::kNotFound, "there is no message for " + arguments.mailbox);
  }
  // Printed before it is taken, a message would be printed by all who receive at this moment.
  Status written = write_out([&] { print_messages(context.output(), received); });
  if (!written && !arguments.keep) {
    HOLDFAST_TRY(put_back(store, space, received));
    written = Status(written.code(), std::string(written.message()) +
                                         "; what was received is in the mailbox again, as new");
  }
  HOLDFAST_TRY(written);
  return store.close();
}

Status list(const Context& context) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const auto mailboxes, space.messages().list());
  Table table({"mailbox", "messages"});
  for (const Mailbox& mailbox : mailboxes) {
    if (context.output().json()) {
      context.output().print({{"mailbox", mailbox.name}, {"messages", mailbox.messages}});
    } else {
      table.add({one_line(mailbox.name, 60), std::to_string(mailbox.messages)});
    }
  }
  if (!table.empty()) table.print(context.output());
  return Status::ok();
}

struct WhoArguments {
  bool all_spaces = false;
};

Status print_present(const Output& output, const Space& space, Table& table) {
  HOLDFAST_ASSIGN(const auto present, space.presence().list());
  for (const Present& who : present) {
    const Occupation& occupation = who.occupation;
    if (output.json()) {
      output.print({{"space", space.path()},
                    {"id", who.id},
                    {"agent", occupation.agent},
                    {"process", occupation.process},
                    {"run", occupation.run},
                    {"step", occupation.step},
                    {"activity", occupation.activity},
                    {"since_us", who.since_us},
                    {"changed_us", who.changed_us}});
      continue;
    }
    table.add({one_line(space.path(), 40), one_line(occupation.agent, 30),
               one_line(occupation.process, 20), one_line(occupation.run, 36),
               one_line(occupation.step, 30), shown_time(who.since_us),
               one_line(occupation.activity, 60)});
  }
  return Status::ok();
}

Status who(const Context& context, const WhoArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  Table table({"space", "agent", "process", "run", "step", "since", "activity"});
  if (arguments.all_spaces) {
    HOLDFAST_ASSIGN(Snapshot snapshot, store.snapshot());
    HOLDFAST_ASSIGN(const auto spaces, list_spaces(snapshot, {.limit = 100'000}));
    for (const SpaceSegments& segments : spaces) {
      HOLDFAST_ASSIGN(const Space space, store.space(segments));
      HOLDFAST_TRY(print_present(context.output(), space, table));
    }
  } else {
    HOLDFAST_ASSIGN(const Space space, context.open_space(store));
    HOLDFAST_TRY(print_present(context.output(), space, table));
  }
  if (!table.empty()) table.print(context.output());
  return Status::ok();
}

struct AtWorkArguments {
  Occupation occupation;
  std::vector<std::string> command;
};

Status at_work(const Context& context, const AtWorkArguments& arguments) {
  Occupation occupation = arguments.occupation;
  occupation.process = "pid " + std::to_string(::getpid());
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kCreateForUser));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const std::string id, space.presence().enter(occupation));
  HOLDFAST_ASSIGN(const ChildResult child, run_child(arguments.command, {}, /*capture=*/false));
  HOLDFAST_TRY(space.presence().leave(id));
  HOLDFAST_TRY(store.close());
  if (child.exit_code == 0) return Status::ok();
  return Status(StatusCode::kConditionFalse, one_line(arguments.command[0], 80) + " returned " +
                                                 std::to_string(child.exit_code));
}

struct MarkArguments {
  std::string inbox, key, note;
  std::string prefix, after;
  std::string age;
  size_t limit = 1000;
  bool dry_run = false;
};

Status mark(const Context& context, const MarkArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kCreateForUser));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const bool is_new,
                  space.inbox(arguments.inbox).mark(arguments.key, arguments.note));
  if (context.output().json()) context.output().print({{"new", is_new}});
  HOLDFAST_TRY(store.close());
  if (is_new) return Status::ok();
  return Status(StatusCode::kConditionFalse,
                "\"" + one_line(arguments.key, 80) + "\" was marked before");
}

Status list_marks(const Context& context, const MarkArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(
      const auto marks,
      space.inbox(arguments.inbox).list(arguments.prefix, arguments.after, arguments.limit));
  Table table({"key", "marked", "note"});
  for (const InboxMark& mark : marks) {
    if (context.output().json()) {
      Json json;
      set_bytes(json, "key", mark.key);
      json["marked"] = time_text(mark.marked_us);
      set_bytes(json, "note", mark.note);
      context.output().print(json);
      continue;
    }
    table.add({one_line(mark.key, 60), shown_time(mark.marked_us), one_line(mark.note, 60)});
  }
  if (!table.empty()) table.print(context.output());
  return Status::ok();
}

Status unmark(const Context& context, const MarkArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_TRY(space.inbox(arguments.inbox).unmark(arguments.key));
  return store.close();
}

// How many.
Result<uint64_t> purge_older(const Inbox& inbox, std::chrono::milliseconds age) {
  HOLDFAST_ASSIGN(const uint64_t before, inbox.count());
  const int64_t until_us =
      static_cast<int64_t>(os::posix_os().wall_time_us()) - std::chrono::microseconds(age).count();
  std::string after;
  do {
    HOLDFAST_ASSIGN(after, inbox.purge(until_us, after));
  } while (!after.empty());
  HOLDFAST_ASSIGN(const uint64_t left, inbox.count());
  return before > left ? before - left : 0;
}

Status purge_marks(const Context& context, const MarkArguments& arguments) {
  HOLDFAST_ASSIGN(const auto age, parse_duration(arguments.age));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const uint64_t purged,
                  removed_by(store, arguments.dry_run, [&](auto&... transaction) {
                    return purge_older(space.inbox(transaction..., arguments.inbox), age);
                  }));
  if (context.output().json()) {
    context.output().print({{"purged", purged}});
  } else {
    context.output().line(counted(purged, "mark") + " " +
                          (arguments.dry_run ? "would go" : "forgotten"));
  }
  return store.close();
}

struct OutboxArguments {
  std::string outbox, topic, file, wait = "0", id;
  std::optional<std::string> payload;
  std::vector<std::string> command;
  uint32_t attempts_max = RelayOptions().attempts_max;
  bool dead = false;
};

Status add(const Context& context, const OutboxArguments& arguments) {
  HOLDFAST_ASSIGN(const std::string payload, read_value(arguments.payload, arguments.file));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kCreateForUser));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const std::string id,
                  space.outbox(arguments.outbox).add(arguments.topic, payload));
  if (context.output().json()) {
    context.output().print({{"id", id}});
  } else {
    context.output().line(id);
  }
  return store.close();
}

Status relay(const Context& context, const OutboxArguments& arguments) {
  RelayOptions options;
  options.limit = kOutboxListMax;
  options.batch = 1;
  options.attempts_max = arguments.attempts_max;
  options.lease = std::chrono::hours(1);
  HOLDFAST_ASSIGN(options.wait, parse_duration(arguments.wait));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  const auto deliver = [&](const OutboxEntry& entry) -> Status {
    std::vector<std::string> words = arguments.command;
    words.push_back(entry.topic);
    words.push_back(entry.id);
    HOLDFAST_ASSIGN(const ChildResult child, run_child(words, entry.payload, /*capture=*/false));
    if (child.exit_code == 0) return Status::ok();
    return Status(StatusCode::kConditionFalse, "exit code " + std::to_string(child.exit_code));
  };
  HOLDFAST_ASSIGN(const RelayResult result, space.outbox(arguments.outbox).relay(deliver, options));
  if (context.output().json()) {
    context.output().print(
        {{"delivered", result.delivered}, {"failed", result.failed}, {"dead", result.dead}});
  } else {
    context.output().line(with_separators(result.delivered) + " delivered, " +
                          counted(result.failed, "attempt") + " failed, " +
                          with_separators(result.dead) + " became dead letters");
  }
  return store.close();
}

Status list_outbox(const Context& context, const OutboxArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  const Outbox outbox = space.outbox(arguments.outbox);
  HOLDFAST_ASSIGN(const auto entries, arguments.dead ? outbox.dead() : outbox.waiting());
  Table table({"id", "topic", "added", "attempts", "error"});
  for (const OutboxEntry& entry : entries) {
    if (context.output().json()) {
      Json json = {{"id", entry.id}, {"topic", entry.topic}};
      set_bytes(json, "payload", entry.payload);
      json["added_us"] = entry.added_us;
      json["attempts"] = entry.attempts;
      json["error"] = entry.error;
      context.output().print(json);
      continue;
    }
    table.add({entry.id, one_line(entry.topic, 40), shown_time(entry.added_us),
               std::to_string(entry.attempts), one_line(entry.error, 60)});
  }
  if (!table.empty()) table.print(context.output());
  return Status::ok();
}

Status requeue(const Context& context, const OutboxArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_TRY(space.outbox(arguments.outbox).requeue(arguments.id));
  return store.close();
}

void add_messages(Commands& commands) {
  CLI::App* family = commands.add_family(
      kGroupCoordination, "message", "Messages between agents, each received once",
      "holdfast message send bob \"please review\" --from alice\n"
      "  holdfast message receive bob --wait 1h");
  auto sent = arguments_of<SendArguments>();
  CLI::App* command = commands.add_to(family, "send", "Send a message",
                                      "holdfast message send bob \"please review\" --from alice",
                                      [=](const Context& context) { return send(context, *sent); });
  command->add_option("to", sent->to, "Name of the mailbox")->required();
  command->add_option("body", sent->body, "The message; - reads stdin");
  command->add_option("--file", sent->file, "Read it from this file");
  command->add_option("--from", sent->from, "Where an answer goes");
  command->add_option("--kind", sent->kind, "Such as question");
  auto received = arguments_of<ReceiveArguments>();
  command = commands.add_to(family, "receive", "Take the oldest messages out of a mailbox",
                            "holdfast message receive bob --wait 1h",
                            [=](const Context& context) { return receive(context, *received); });
  command->add_option("mailbox", received->mailbox, "Name of the mailbox")->required();
  command->add_option("--limit", received->limit, "At most so many")->capture_default_str();
  command->add_option("--wait", received->wait, "For one to come")->capture_default_str();
  command->add_flag("--keep", received->keep, "Leave them there");
  commands.add_to(family, "list", "List mailboxes that hold something", "holdfast message list",
                  list);
}

void add_who(Commands& commands) {
  auto asked = arguments_of<WhoArguments>();
  commands
      .add(kGroupCoordination, "who", "Show who is at work here, and on what", "holdfast who --all",
           [=](const Context& context) { return who(context, *asked); })
      ->add_flag("--all", asked->all_spaces, "In all spaces of the store");
  auto working = arguments_of<AtWorkArguments>();
  CLI::App* command =
      commands.add(kGroupCoordination, "at-work", "Run a command and be seen by `who` meanwhile",
                   "holdfast at-work coder --activity \"fixes the parser\" -- ./agent",
                   [=](const Context& context) { return at_work(context, *working); });
  command->add_option("agent", working->occupation.agent, "Who")->required();
  command->add_option("--run", working->occupation.run, "On which run");
  command->add_option("--step", working->occupation.step, "On which step");
  command->add_option("--activity", working->occupation.activity, "Doing what, for people");
  command->add_option("command", working->command, "The command and its arguments")->required();
}

void add_boxes(Commands& commands) {
  auto marked = arguments_of<MarkArguments>();
  CLI::App* inbox =
      commands.add_family(kGroupCoordination, "inbox", "Deal once with what may come twice",
                          "holdfast inbox mark webhooks \"$delivery\" && ./handle");
  CLI::App* command =
      commands.add_to(inbox, "mark", "Mark a key for ever; returns 1 when it was marked before",
                      "holdfast inbox mark webhooks \"$delivery\" && ./handle",
                      [=](const Context& context) { return mark(context, *marked); });
  command->add_option("inbox", marked->inbox, "Name of the inbox")->required();
  command->add_option("key", marked->key, "The key")->required();
  command->add_option("--note", marked->note, "Kept with the mark");

  auto shown = arguments_of<MarkArguments>();
  command = commands.add_to(inbox, "list", "List the keys that are marked",
                            "holdfast inbox list webhooks --prefix gh-",
                            [=](const Context& context) { return list_marks(context, *shown); });
  command->add_option("inbox", shown->inbox, "Name of the inbox")->required();
  command->add_option("--prefix", shown->prefix, "Only keys that begin so");
  command->add_option("--after", shown->after, "Only keys greater than this");
  command->add_option("--limit", shown->limit, "At most so many")->capture_default_str();
  auto unmarked = arguments_of<MarkArguments>();
  command = commands.add_to(inbox, "unmark", "Let a key be marked again",
                            "holdfast inbox unmark webhooks \"$delivery\"",
                            [=](const Context& context) { return unmark(context, *unmarked); });
  command->add_option("inbox", unmarked->inbox, "Name of the inbox")->required();
  command->add_option("key", unmarked->key, "The key")->required();
  auto purged = arguments_of<MarkArguments>();
  command = commands.add_to(inbox, "purge", "Forget marks that nobody will ask for any more",
                            "holdfast inbox purge webhooks --older-than 90d",
                            [=](const Context& context) { return purge_marks(context, *purged); });
  command->add_option("inbox", purged->inbox, "Name of the inbox")->required();
  command->add_option("--older-than", purged->age, "Such as 90d")->required();
  add_dry_run(command, purged->dry_run);

  CLI::App* outbox = commands.add_family(
      kGroupCoordination, "outbox", "Tell the world outside, at least once and in order",
      "holdfast outbox add mail hello --topic greeting\n  holdfast outbox relay mail -- ./send");
  auto added = arguments_of<OutboxArguments>();
  command = commands.add_to(outbox, "add", "Add an entry",
                            "holdfast outbox add mail hello --topic greeting",
                            [=](const Context& context) { return add(context, *added); });
  command->add_option("outbox", added->outbox, "Name of the outbox")->required();
  command->add_option("payload", added->payload, "The payload; - reads stdin");
  command->add_option("--file", added->file, "Read it from this file");
  command->add_option("--topic", added->topic, "What it is about");
  auto relayed = arguments_of<OutboxArguments>();
  command = commands.add_to(outbox, "relay",
                            "Run a command for each entry: payload on stdin, then topic and id",
                            "holdfast outbox relay mail --wait 24h -- ./send",
                            [=](const Context& context) { return relay(context, *relayed); });
  command->add_option("outbox", relayed->outbox, "Name of the outbox")->required();
  command->add_option("--wait", relayed->wait, "For entries to come")->capture_default_str();
  command->add_option("--attempts", relayed->attempts_max, "Then an entry is a dead letter")
      ->capture_default_str();
  command->add_option("command", relayed->command, "The command and its arguments")->required();
  auto listed = arguments_of<OutboxArguments>();
  command = commands.add_to(outbox, "list", "List entries that wait, or dead letters",
                            "holdfast outbox list mail --dead",
                            [=](const Context& context) { return list_outbox(context, *listed); });
  command->add_option("outbox", listed->outbox, "Name of the outbox")->required();
  command->add_flag("--dead", listed->dead, "Dead letters");
  auto requeued = arguments_of<OutboxArguments>();
  command = commands.add_to(outbox, "requeue", "Let a dead letter begin anew",
                            "holdfast outbox requeue mail \"$id\"",
                            [=](const Context& context) { return requeue(context, *requeued); });
  command->add_option("outbox", requeued->outbox, "Name of the outbox")->required();
  command->add_option("id", requeued->id, "The entry's id")->required();
}

}  // namespace

void add_message_commands(Commands& commands) {
  add_messages(commands);
  add_who(commands);
  add_boxes(commands);
}

}  // namespace holdfast::cli
