#include "mcp/stdio.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace holdfast::mcp {
namespace {

// What is left to a running request when the client has gone.
constexpr std::chrono::seconds kLeaveTimeout{2};

// Reads up to the next newline. A line over kMessageSizeMax is passed over and comes back as true
// in `too_long`. False: the end.
bool read_line(std::istream& in, std::string& line, bool& too_long) {
  line.clear();
  too_long = false;
  for (int c = in.get(); c != std::istream::traits_type::eof(); c = in.get()) {
    if (c == '\n') return true;
    if (line.size() >= kMessageSizeMax) {
      too_long = true;
      line.clear();
    }
    if (!too_long) line.push_back(static_cast<char>(c));
  }
  return !line.empty() || too_long;
}

// What came in one line and wants answers.
struct Work {
  std::vector<ParsedMessage> messages = {};
  bool is_batch = false;
  size_t size = 0;  // bytes of the line
};

// The requests that wait for their turn, and the threads that take them; shared with those, which
// may outlive serve_stdio.
struct Line {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Work> waiting;
  size_t size = 0;       // bytes of those
  size_t aside = 0;      // threads of requests that wait for others
  bool ended = false;    // nothing more comes
  bool is_done = false;  // the thread that takes them has done all it will do

  // REQUIRES: mutex held.
  bool has_finished() const { return is_done && aside == 0; }
};

class Output {
 public:
  Output(std::ostream& out, Session& session) : out_(out), session_(session) {}

  bool send(const Json& message) {
    const std::lock_guard guard(mutex_);
    out_ << printed(message) << '\n' << std::flush;
    if (!out_) session_.close();
    return static_cast<bool>(out_);
  }

 private:
  std::mutex mutex_;
  std::ostream& out_;
  Session& session_;
};

void carry_out(const Server& server, Session& session, const Work& work, const Send& send) {
  const auto answer = work.is_batch
                          ? server.handle_batch(session, work.messages, send)
                          : server.handle(session, std::get<Message>(work.messages[0]), send);
  if (answer) (void)send(*answer);
}

void carry_out_line(const Server& server, Session& session, Line& line, const Send& send) {
  std::unique_lock lock(line.mutex);
  while (true) {
    line.changed.wait(lock, [&] { return line.ended || !line.waiting.empty(); });
    if (line.waiting.empty()) break;
    const Work work = std::move(line.waiting.front());
    line.waiting.pop_front();
    line.size -= work.size;
    lock.unlock();
    carry_out(server, session, work, send);
    lock.lock();
  }
  line.is_done = true;
  line.changed.notify_all();
}

// Reads what a client sends, and has it done.
class Reader {
 public:
  Reader(const Server& server, Session& session, std::shared_ptr<Line> line, Send send)
      : server_(server), session_(session), line_(std::move(line)), send_(std::move(send)) {}

  void read(std::istream& in) {
    std::string text;
    for (bool too_long = false; !session_.closed() && read_line(in, text, too_long);) {
      if (too_long) {
        const std::string limit = std::to_string(kMessageSizeMax >> 20);
        answer(nullptr, RpcError{kInvalidRequest,
                                 "the message is over " + limit + " MiB; send less at once"});
      } else if (text.find_first_not_of(" \t\r") != std::string::npos) {
        take(text);
      }
    }
  }

 private:
  void answer(const Json& id, const Reply& reply) { (void)send_(response_of(id, reply)); }

  void take(const std::string& text) {
    if (session_.takes_batches()) {
      if (auto batch = parse_batch(text)) return take_batch(std::move(*batch), text.size());
    }
    ParsedMessage parsed = parse_message(text);
    if (const BadMessage* bad = std::get_if<BadMessage>(&parsed))
      return answer(bad->id, bad->error);
    const Message& message = std::get<Message>(parsed);
    if (message.kind != Message::Kind::kRequest) return pass(message);
    if (!session_.begin(message.id)) return answer(message.id, id_in_use());
    if (message.method == "ping") return pass(message);
    Work work{.size = text.size()};
    work.messages.push_back(std::move(parsed));
    if (!take_aside(work)) take_in_line(std::move(work));
  }

  // Of a batch, what wants no answer is taken at once, too: a request may wait for it.
  void take_batch(std::vector<ParsedMessage> batch, size_t size) {
    Work work{.is_batch = true, .size = size};
    for (ParsedMessage& one : batch) {
      const Message* message = std::get_if<Message>(&one);
      if (message != nullptr && message->kind != Message::Kind::kRequest) {
        pass(*message);
      } else if (message != nullptr && !session_.begin(message->id)) {
        work.messages.emplace_back(BadMessage{message->id, id_in_use()});
      } else {
        work.messages.push_back(std::move(one));
      }
    }
    if (!work.messages.empty()) take_in_line(std::move(work));
  }

  // Without waiting for what came before.
  void pass(const Message& message) {
    if (const auto answer = server_.handle(session_, message, send_)) (void)send_(*answer);
  }

  void take_in_line(Work work) {
    {
      const std::lock_guard guard(line_->mutex);
      if (line_->waiting.size() < kWaitingMax && line_->size + work.size <= kWaitingSizeMax) {
        line_->size += work.size;
        line_->waiting.push_back(std::move(work));
        line_->changed.notify_all();
        return;
      }
    }
    for (const ParsedMessage& one : work.messages) {
      const Message* message = std::get_if<Message>(&one);
      if (message == nullptr) continue;
      session_.end(message->id);
      answer(message->id, RpcError{kTooBusy, "too many requests wait already; send less at once"});
    }
  }

  // False: it does not wait for others, or too many do.
  bool take_aside(Work& work) {
    if (!server_.may_wait(std::get<Message>(work.messages[0]))) return false;
    {
      const std::lock_guard guard(line_->mutex);
      if (line_->aside == kAsideMax) return false;
      ++line_->aside;
    }
    const auto kept = std::make_shared<Work>(std::move(work));
    const auto wait = [&server = server_, &session = session_, line = line_, send = send_, kept] {
      carry_out(server, session, *kept, send);
      const std::lock_guard guard(line->mutex);
      --line->aside;
      line->changed.notify_all();
    };
    try {
      std::thread(wait).detach();
    } catch (const std::system_error&) {  // no more threads
      const std::lock_guard guard(line_->mutex);
      --line_->aside;
      work = std::move(*kept);
      return false;
    }
    return true;
  }

  const Server& server_;
  Session& session_;
  const std::shared_ptr<Line> line_;
  const Send send_;
};

}  // namespace

ClientInput::int_type ClientInput::underflow() {
  while (true) {
    pollfd waiting[] = {{.fd = in_, .events = POLLIN, .revents = 0},
                        {.fd = out_, .events = 0, .revents = 0}};
    if (::poll(waiting, 2, -1) < 0) {
      if (errno == EINTR) continue;
      return traits_type::eof();
    }
    if (waiting[0].revents == 0) return traits_type::eof();  // it is the other one
    const ssize_t got = ::read(in_, buffer_.data(), buffer_.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return traits_type::eof();
    setg(buffer_.data(), buffer_.data(), buffer_.data() + got);
    return traits_type::to_int_type(buffer_.front());
  }
}

bool serve_stdio(const Server& server, Session& session, std::istream& in, std::ostream& out) {
  in.tie(nullptr);  // reading must not flush what another thread is writing
  const auto output = std::make_shared<Output>(out, session);
  const Send send = [output](const Json& message) { return output->send(message); };
  const auto line = std::make_shared<Line>();
  session.set_listener(send);
  std::thread worker(
      [&server, &session, line, send] { carry_out_line(server, session, *line, send); });
  Reader(server, session, line, send).read(in);
  std::unique_lock lock(line->mutex);
  line->ended = true;
  line->changed.notify_all();
  // What was sent before the end is done and answered; who only waits for others is told to stop.
  const auto has_finished = [&] { return line->has_finished(); };
  bool finished = line->changed.wait_for(lock, kLeaveTimeout, has_finished);
  if (!finished) {
    lock.unlock();
    session.close();
    lock.lock();
    finished = line->changed.wait_for(lock, kLeaveTimeout, has_finished);
  }
  lock.unlock();
  session.close();
  if (finished) {
    worker.join();
  } else {
    worker.detach();
  }
  return finished;
}

}  // namespace holdfast::mcp
