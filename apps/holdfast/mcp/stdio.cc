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
#include <thread>
#include <utility>

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

// The requests that wait for their turn, and the thread that takes them; shared with that thread,
// which may outlive serve_stdio.
struct Line {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Message> waiting;
  bool ended = false;     // nothing more comes
  bool finished = false;  // the thread has done all it will do
};

class Output {
 public:
  Output(std::ostream& out, Session& session) : out_(out), session_(session) {}

  bool send(const Json& message) {
    const std::lock_guard guard(mutex_);
    // Text of the store may be anything; what is not UTF-8 must not end the conversation.
    out_ << message.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n' << std::flush;
    if (!out_) session_.close();
    return static_cast<bool>(out_);
  }

 private:
  std::mutex mutex_;
  std::ostream& out_;
  Session& session_;
};

void work(const Server& server, Session& session, Line& line, const Send& send) {
  std::unique_lock lock(line.mutex);
  while (true) {
    line.changed.wait(lock, [&] { return line.ended || !line.waiting.empty(); });
    if (line.waiting.empty()) break;
    const Message message = std::move(line.waiting.front());
    line.waiting.pop_front();
    lock.unlock();
    if (const auto answer = server.handle(session, message, send)) (void)send(*answer);
    lock.lock();
  }
  line.finished = true;
  line.changed.notify_all();
}

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
  std::thread worker([&server, &session, line, send] { work(server, session, *line, send); });
  std::string text;
  for (bool too_long = false; !session.closed() && read_line(in, text, too_long);) {
    if (too_long) {
      const std::string limit = std::to_string(kMessageSizeMax >> 20);
      (void)send(response_of(nullptr, RpcError{kInvalidRequest, "the message is over " + limit +
                                                                    " MiB; send less at once"}));
      continue;
    }
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    auto parsed = parse_message(text);
    if (const BadMessage* bad = std::get_if<BadMessage>(&parsed)) {
      (void)send(response_of(bad->id, bad->error));
      continue;
    }
    Message& message = std::get<Message>(parsed);
    if (message.kind != Message::Kind::kRequest || message.method == "ping") {
      if (const auto answer = server.handle(session, message, send)) (void)send(*answer);
      continue;
    }
    session.begin(message.id);  // it may be cancelled while it waits
    const std::lock_guard guard(line->mutex);
    line->waiting.push_back(std::move(message));
    line->changed.notify_all();
  }
  std::unique_lock lock(line->mutex);
  line->ended = true;
  line->changed.notify_all();
  // What was sent before the end is done and answered; who only waits for others is told to stop.
  bool finished = line->changed.wait_for(lock, kLeaveTimeout, [&] { return line->finished; });
  if (!finished) {
    lock.unlock();
    session.close();
    lock.lock();
    finished = line->changed.wait_for(lock, kLeaveTimeout, [&] { return line->finished; });
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
