#include <charconv>
#include <cstdio>
#include <span>
#include <vector>

#include "base/time_text.h"
#include "cli/dry_run.h"
#include "cli/input.h"
#include "cli/store_place.h"
#include "cli/write_out.h"

namespace holdfast::cli {
namespace {

// What the commands of one stream take.
struct StreamArguments {
  std::string stream;
  std::string consumer;
  size_t limit = 1000;
  uint64_t number = 0;
  bool dry_run = false;
};

// The store, and a stream of the space that is meant.
struct Opened {
  Store store;
  Space space;
  EventStream stream;
};

Result<Opened> open_stream(const Context& context, const std::string& name, IfAbsent if_absent) {
  HOLDFAST_ASSIGN(Store store, context.open_store(if_absent));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  EventStream stream = space.events().stream(name);
  return Opened{std::move(store), std::move(space), std::move(stream)};
}

void print_page(const Output& output, const EventPage& page) {
  if (page.missed > 0 && output.json()) {
    output.print({{"missed", page.missed}});
  } else if (page.missed > 0) {
    std::fprintf(stderr, "holdfast: %s events are no longer kept\n",
                 with_separators(page.missed).c_str());
  }
  for (const Event& event : page.events) {
    if (output.json()) {
      Json json = {{"number", event.number},   {"id", event.id},     {"version", event.version},
                   {"time_us", event.time_us}, {"type", event.type}, {"source", event.source}};
      set_bytes(json, "data", event.data);
      output.print(json);
      continue;
    }
    output.line(output.bold(std::to_string(event.number)) + "  " +
                output.dim(time_text(event.time_us)) + "  " +
                (event.type.empty() ? "" : printable(event.type) + "  ") + printable(event.data));
  }
}

struct AppendArguments {
  std::string stream, type, source, file;
  std::optional<std::string> data;
};

Status append(const Context& context, const AppendArguments& arguments) {
  NewEvent event{.type = arguments.type, .data = {}, .source = arguments.source};
  HOLDFAST_ASSIGN(event.data, read_value(arguments.data, arguments.file));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kCreateForUser));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  std::string id;
  HOLDFAST_ASSIGN(const uint64_t version, store.update([&](Transaction& txn) -> Status {
    HOLDFAST_ASSIGN(id, space.events(txn).stream(arguments.stream).append(event));
    return Status::ok();
  }));
  HOLDFAST_ASSIGN(const uint64_t number, space.events().stream(arguments.stream).first_of(version));
  if (context.output().json()) {
    context.output().print({{"number", number}, {"id", id}, {"version", version}});
  } else {
    context.output().line(std::to_string(number));
  }
  return store.close();
}

struct ReadArguments {
  std::string stream;
  EventReadOptions options;
};

Status read(const Context& context, const ReadArguments& arguments) {
  HOLDFAST_ASSIGN(Opened opened, open_stream(context, arguments.stream, IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(const EventPage page, opened.stream.read(arguments.options));
  print_page(context.output(), page);
  return Status::ok();
}

struct TailArguments {
  std::string stream;
  uint64_t from = 0;
  double seconds = 0;
};

Status tail(const Context& context, const TailArguments& arguments) {
  HOLDFAST_ASSIGN(Opened opened, open_stream(context, arguments.stream, IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(EventTail tail, opened.stream.tail(arguments.from));
  const StoreWait wait(opened.store, arguments.seconds);
  while (true) {
    HOLDFAST_ASSIGN(const std::chrono::milliseconds time, wait.next());
    HOLDFAST_ASSIGN(const EventPage page, tail.wait(time));
    print_page(context.output(), page);
    // A line is there when it has happened, whoever reads.
    if (std::fflush(stdout) != 0) return Status(StatusCode::kIoError, "cannot write to stdout");
    if (page.events.empty() && wait.is_over()) return Status::ok();
  }
}

Status consume(const Context& context, const StreamArguments& arguments) {
  HOLDFAST_ASSIGN(Opened opened, open_stream(context, arguments.stream, IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(const EventPage page, opened.stream.consume(arguments.consumer, arguments.limit));
  if (page.events.empty() && page.missed == 0) {
    return Status(StatusCode::kNotFound,
                  "stream " + arguments.stream + " has nothing new for " + arguments.consumer);
  }
  const Status written = write_out([&] { print_page(context.output(), page); });
  if (!written && !page.events.empty()) {
    HOLDFAST_TRY(opened.stream.seek(arguments.consumer, page.events.front().number));
  }
  HOLDFAST_TRY(written);
  return opened.store.close();
}

void print_consumers(const Output& output, std::span<const ConsumerInfo> consumers) {
  Table table({"consumer", "next", "behind", "moved"});
  for (const ConsumerInfo& consumer : consumers) {
    if (output.json()) {
      output.print({{"consumer", consumer.name},
                    {"next", consumer.next},
                    {"behind", consumer.behind},
                    {"moved_us", consumer.moved_us}});
      continue;
    }
    table.add({one_line(consumer.name, 60), std::to_string(consumer.next),
               std::to_string(consumer.behind), time_text(consumer.moved_us)});
  }
  if (!table.empty()) table.print(output);
}

Status consumers(const Context& context, const StreamArguments& arguments) {
  HOLDFAST_ASSIGN(Opened opened, open_stream(context, arguments.stream, IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(const auto consumers, opened.stream.consumers());
  print_consumers(context.output(), consumers);
  return Status::ok();
}

Status seek(const Context& context, const StreamArguments& arguments) {
  HOLDFAST_ASSIGN(Opened opened, open_stream(context, arguments.stream, IfAbsent::kRefuse));
  HOLDFAST_TRY(opened.stream.seek(arguments.consumer, arguments.number));
  return opened.store.close();
}

Status remove_consumer(const Context& context, const StreamArguments& arguments) {
  HOLDFAST_ASSIGN(Opened opened, open_stream(context, arguments.stream, IfAbsent::kRefuse));
  if (arguments.dry_run) {
    HOLDFAST_ASSIGN(Transaction transaction, opened.store.begin());  // never committed
    const EventStream stream = opened.space.events(transaction).stream(arguments.stream);
    HOLDFAST_ASSIGN(auto consumers, stream.consumers());
    HOLDFAST_TRY(stream.remove_consumer(arguments.consumer));
    std::erase_if(consumers, [&](const auto& one) { return one.name != arguments.consumer; });
    print_consumers(context.output(), consumers);
    return Status::ok();
  }
  HOLDFAST_TRY(opened.stream.remove_consumer(arguments.consumer));
  return opened.store.close();
}

Status list(const Context& context) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const auto streams, space.events().list());
  Table table({"stream", "first", "next", "sealed", "consumers"});
  for (const StreamInfo& info : streams) {
    if (context.output().json()) {
      context.output().print({{"stream", info.name},
                              {"first", info.first},
                              {"next", info.next},
                              {"sealed", info.sealed},
                              {"consumers", info.consumers}});
      continue;
    }
    table.add({one_line(info.name, 60), std::to_string(info.first), std::to_string(info.next),
               std::to_string(info.sealed), std::to_string(info.consumers)});
  }
  if (!table.empty()) table.print(context.output());
  return Status::ok();
}

Status seal(const Context& context, const StreamArguments& arguments) {
  HOLDFAST_ASSIGN(Opened opened, open_stream(context, arguments.stream, IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(const StreamSeal seal, opened.stream.seal());
  if (context.output().json()) {
    context.output().print({{"number", seal.number}, {"hash", seal.hash}});
  } else {
    context.output().line(std::to_string(seal.number) + ":" + seal.hash);
  }
  return opened.store.close();
}

struct VerifyArguments {
  std::string stream;
  std::string expected;
};

Result<std::optional<StreamSeal>> parse_seal(const std::string& text) {
  if (text.empty()) return std::optional<StreamSeal>();
  StreamSeal seal;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seal.number);
  if (error != std::errc() || *end != ':') {
    return Status(StatusCode::kInvalidArgument,
                  "\"" + text + "\" is not a seal; write NUMBER:HASH as `event seal` prints it");
  }
  seal.hash = end + 1;
  return std::optional<StreamSeal>(std::move(seal));
}

Status verify(const Context& context, const VerifyArguments& arguments) {
  HOLDFAST_ASSIGN(const auto expected, parse_seal(arguments.expected));
  HOLDFAST_ASSIGN(Opened opened, open_stream(context, arguments.stream, IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(const StreamVerification result, opened.stream.verify(expected));
  if (result.head.number == 0) {
    return Status(StatusCode::kNotFound, "stream " + arguments.stream + " never had an event");
  }
  if (context.output().json()) {
    context.output().print({{"events", result.events},
                            {"seals", result.seals},
                            {"number", result.head.number},
                            {"hash", result.head.hash}});
    return Status::ok();
  }
  context.output().line(counted(result.events, "event") +
                        (result.events == 1 ? " matches " : " match ") +
                        counted(result.seals, "seal") + "; the head is " +
                        std::to_string(result.head.number) + ":" + result.head.hash);
  return Status::ok();
}

struct RetainArguments {
  std::string stream;
  std::string age = "0";
  uint64_t count = 0;
  bool unread_too = false;
  bool dry_run = false;
};

// How many.
Result<uint64_t> trim_all(const EventStream& stream) {
  uint64_t trimmed = 0;
  while (true) {
    HOLDFAST_ASSIGN(const uint64_t step, stream.trim(kEventTrimMax));
    if (step == 0) return trimmed;
    trimmed += step;
  }
}

void print_trimmed(const Output& output, uint64_t trimmed, bool dry_run) {
  if (output.json()) {
    output.print({{"trimmed", trimmed}});
  } else {
    output.line(counted(trimmed, "event") + " " + (dry_run ? "would go" : "let go of"));
  }
}

Status retain(const Context& context, const RetainArguments& arguments) {
  StreamRetention retention;
  HOLDFAST_ASSIGN(retention.age, parse_duration(arguments.age));
  retention.count = arguments.count;
  retention.keep_unread = !arguments.unread_too;
  HOLDFAST_ASSIGN(Opened opened, open_stream(context, arguments.stream, IfAbsent::kRefuse));
  if (arguments.dry_run) {
    HOLDFAST_ASSIGN(Transaction transaction, opened.store.begin());  // never committed
    const EventStream stream = opened.space.events(transaction).stream(arguments.stream);
    HOLDFAST_TRY(stream.retain(retention));
    HOLDFAST_ASSIGN(const uint64_t trimmed, trim_all(stream));
    print_trimmed(context.output(), trimmed, true);
    return Status::ok();
  }
  HOLDFAST_TRY(opened.stream.retain(retention));
  return opened.store.close();
}

Status trim(const Context& context, const StreamArguments& arguments) {
  HOLDFAST_ASSIGN(Opened opened, open_stream(context, arguments.stream, IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(const uint64_t trimmed,
                  removed_by(opened.store, arguments.dry_run, [&](auto&... transaction) {
                    return trim_all(opened.space.events(transaction...).stream(arguments.stream));
                  }));
  print_trimmed(context.output(), trimmed, arguments.dry_run);
  return opened.store.close();
}

Status remove(const Context& context, const StreamArguments& arguments) {
  HOLDFAST_ASSIGN(Opened opened, open_stream(context, arguments.stream, IfAbsent::kRefuse));
  if (arguments.dry_run) {
    HOLDFAST_ASSIGN(const StreamInfo info, opened.stream.info());
    const uint64_t events = info.next - info.first;
    if (context.output().json()) {
      context.output().print({{"events", events}, {"consumers", info.consumers}});
    } else {
      context.output().line(counted(events, "event") + " and " +
                            counted(info.consumers, "consumer") + " would go");
    }
    return Status::ok();
  }
  HOLDFAST_TRY(opened.stream.remove());
  return opened.store.close();
}

void add_append_and_read(Commands& commands, CLI::App* family) {
  auto appended = arguments_of<AppendArguments>();
  CLI::App* command =
      commands.add_to(family, "append", "Append an event; prints its number",
                      "holdfast event append builds \"main is green\" --type build.passed",
                      [appended](const Context& context) { return append(context, *appended); });
  command->add_option("stream", appended->stream, "Name of the stream")->required();
  command->add_option("data", appended->data, "The event's data; - reads stdin");
  command->add_option("--file", appended->file, "Read the data from this file");
  command->add_option("--type", appended->type, "Such as build.passed");
  command->add_option("--source", appended->source, "Who or what it comes from");

  auto read_arguments = arguments_of<ReadArguments>();
  command = commands.add_to(
      family, "read", "Print events in their order", "holdfast event read builds --from 100",
      [read_arguments](const Context& context) { return read(context, *read_arguments); });
  command->add_option("stream", read_arguments->stream, "Name of the stream")->required();
  command->add_option("--from", read_arguments->options.from, "The first number")
      ->capture_default_str();
  command->add_option("--limit", read_arguments->options.limit, "At most so many")
      ->capture_default_str();
  command->add_option("--type", read_arguments->options.type, "Only events of this type");

  auto tail_arguments = arguments_of<TailArguments>();
  command = commands.add_to(
      family, "tail", "Print events as they come, until interrupted", "holdfast event tail builds",
      [tail_arguments](const Context& context) { return tail(context, *tail_arguments); });
  command->add_option("stream", tail_arguments->stream, "Name of the stream")->required();
  command->add_option("--from", tail_arguments->from,
                      "Begin with this number (else with new ones)");
  as_duration(command->add_option("--for", tail_arguments->seconds, "End after so long"))
      ->check(above_zero());
}

// A command of one stream.
CLI::App* add_simple(Commands& commands, CLI::App* family, const std::string& name,
                     const std::string& purpose, const std::string& example,
                     const std::shared_ptr<StreamArguments>& arguments,
                     Status (*action)(const Context&, const StreamArguments&)) {
  CLI::App* command =
      commands.add_to(family, name, purpose, "holdfast event " + example,
                      [=](const Context& context) { return action(context, *arguments); });
  command->add_option("stream", arguments->stream, "Name of the stream")->required();
  return command;
}

void add_consumers(Commands& commands, CLI::App* family) {
  auto arguments = arguments_of<StreamArguments>();
  CLI::App* command =
      add_simple(commands, family, "consume", "Print what a consumer has not read, and move it on",
                 "consume builds deployer --limit 10", arguments, consume);
  command->add_option("consumer", arguments->consumer, "Name of the consumer")->required();
  command->add_option("--limit", arguments->limit, "At most so many")->capture_default_str();
  add_simple(commands, family, "consumers", "List who reads a stream, and how far they are",
             "consumers builds", arguments_of<StreamArguments>(), consumers);
  arguments = arguments_of<StreamArguments>();
  command = add_simple(commands, family, "seek", "Let a consumer read on from another number",
                       "seek builds deployer 100", arguments, seek);
  command->add_option("consumer", arguments->consumer, "Name of the consumer")->required();
  command->add_option("number", arguments->number, "The number it reads next")->required();
  arguments = arguments_of<StreamArguments>();
  command = add_simple(commands, family, "remove-consumer",
                       "Remove a consumer, so that nothing is kept for it any more",
                       "remove-consumer builds deployer", arguments, remove_consumer);
  command->add_option("consumer", arguments->consumer, "Name of the consumer")->required();
  add_dry_run(command, arguments->dry_run);
}

void add_upkeep(Commands& commands, CLI::App* family) {
  add_simple(commands, family, "seal", "Seal the hash chain up to the last event; prints the seal",
             "seal builds > builds.seal", arguments_of<StreamArguments>(), seal);
  auto verified = arguments_of<VerifyArguments>();
  CLI::App* command =
      commands.add_to(family, "verify", "Compute the hash chain and compare it with every seal",
                      "holdfast event verify builds --expect \"$(cat builds.seal)\"",
                      [verified](const Context& context) { return verify(context, *verified); });
  command->add_option("stream", verified->stream, "Name of the stream")->required();
  command->add_option("--expect", verified->expected, "A seal that was kept elsewhere")
      ->type_name("NUMBER:HASH");
  auto retained = arguments_of<RetainArguments>();
  command =
      commands.add_to(family, "retain", "Say how long and how many events are kept",
                      "holdfast event retain builds --age 30d --count 1000000",
                      [retained](const Context& context) { return retain(context, *retained); });
  command->add_option("stream", retained->stream, "Name of the stream")->required();
  command->add_option("--age", retained->age, "Such as 12h or 30d; 0: no limit")
      ->capture_default_str();
  command->add_option("--count", retained->count, "0: no limit")->capture_default_str();
  command->add_flag("--unread-too", retained->unread_too,
                    "Let go also of what a consumer has not read");
  add_dry_run(command, retained->dry_run);
  auto trimmed = arguments_of<StreamArguments>();
  command = add_simple(commands, family, "trim", "Let go now of what need not be kept",
                       "trim builds --dry-run", trimmed, trim);
  add_dry_run(command, trimmed->dry_run);
  auto removed = arguments_of<StreamArguments>();
  command = add_simple(commands, family, "remove", "Remove a stream with all of its events",
                       "remove builds --dry-run", removed, remove);
  add_dry_run(command, removed->dry_run);
}

}  // namespace

void add_event_commands(Commands& commands) {
  CLI::App* family = commands.add_family(
      kGroupEvents, "event", "Streams of events: append, read, follow, consume, verify",
      "holdfast event append builds \"main is green\" --type build.passed\n"
      "  holdfast event tail builds");
  add_append_and_read(commands, family);
  add_consumers(commands, family);
  add_upkeep(commands, family);
  commands.add_to(family, "list", "List the streams of the space", "holdfast event list", list);
}

}  // namespace holdfast::cli
