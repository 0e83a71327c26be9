#include "bench/engines/raw_log.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

namespace holdfast::bench {
namespace {

struct RecordHead {
  uint32_t key_size;  // 0 ends the log
  uint32_t value_size;
};

int open_file(const std::string& path, int flags) {
  const int fd = open(path.c_str(), flags | O_RDWR | O_CLOEXEC, 0644);
  require(fd >= 0, "cannot open " + path);
  return fd;
}

void write_all(int fd, std::string_view bytes, uint64_t offset) {
  const ssize_t written = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
  require(written == static_cast<ssize_t>(bytes.size()), "cannot write the raw log");
}

std::string log_path(const Setup& setup) {
  return setup.directory + "/log";
}
std::string control_path(const Setup& setup) {
  return setup.directory + "/control";
}

void* map_file(int fd, size_t size, int protection) {
  void* memory = mmap(nullptr, size, protection, MAP_SHARED, fd, 0);
  require(memory != MAP_FAILED, "cannot map a file of the raw log");
  return memory;
}

// The key of a counter ends with its number in hexadecimal digits.
size_t counter_of(std::string_view key) {
  const std::string digits(key.substr(key.size() - 2));
  return std::strtoul(digits.c_str(), nullptr, 16) % RawLog::kCounters;
}

}  // namespace

void RobustLock::initialize() {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  require(pthread_mutex_init(&mutex_, &attributes) == 0, "cannot make a shared lock");
  pthread_mutexattr_destroy(&attributes);
}

void RobustLock::lock() {
  const int error = pthread_mutex_lock(&mutex_);
  if (error == EOWNERDEAD) pthread_mutex_consistent(&mutex_);
  require(error == 0 || error == EOWNERDEAD, "cannot take a shared lock");
}

bool RobustLock::try_lock() {
  const int error = pthread_mutex_trylock(&mutex_);
  if (error == EOWNERDEAD) pthread_mutex_consistent(&mutex_);
  return error == 0 || error == EOWNERDEAD;
}

void RobustLock::unlock() {
  pthread_mutex_unlock(&mutex_);
}

void RawLog::create(const Setup& setup) {
  const int log = open_file(log_path(setup), O_CREAT | O_EXCL);
  const std::string zeros(1 << 20, '\0');
  for (uint64_t done = 0; done < setup.log_bytes; done += zeros.size()) write_all(log, zeros, done);
  require(fsync(log) == 0, "cannot sync the raw log");
  close(log);
  const int file = open_file(control_path(setup), O_CREAT | O_EXCL);
  require(ftruncate(file, sizeof(Control)) == 0, "cannot make the control file");
  auto* control = new (map_file(file, sizeof(Control), PROT_READ | PROT_WRITE)) Control();
  control->append_lock.initialize();
  control->sync_lock.initialize();
  munmap(control, sizeof(Control));
  close(file);
}

RawLog::RawLog(const Setup& setup) {
  fd_ = open_file(log_path(setup), 0);
  const int file = open_file(control_path(setup), 0);
  control_ = static_cast<Control*>(map_file(file, sizeof(Control), PROT_READ | PROT_WRITE));
  close(file);
}

RawLog::~RawLog() {
  munmap(control_, sizeof(Control));
  close(fd_);
}

uint64_t RawLog::append(std::string_view records) {
  const uint64_t end = control_->end.load(std::memory_order_relaxed);
  write_all(fd_, records, end);
  control_->end.store(end + records.size());
  return end + records.size();
}

void RawLog::sync() {
  require(fdatasync(fd_) == 0, "cannot sync the raw log");
}

RawLogSession::RawLogSession(const Setup& setup) : setup_(setup), log_(setup) {}

RawLogSession::~RawLogSession() {
  if (!mapped_.empty()) munmap(const_cast<char*>(mapped_.data()), mapped_.size());
}

void RawLogSession::add_record(std::string_view key, std::string_view value) {
  const RecordHead head{static_cast<uint32_t>(key.size()), static_cast<uint32_t>(value.size())};
  records_.append(reinterpret_cast<const char*>(&head), sizeof(head));
  records_.append(key);
  records_.append(value);
}

uint64_t RawLogSession::append_records(std::optional<size_t> counter) {
  RawLog::Control& control = log_.control();
  control.append_lock.lock();
  if (counter) {
    const uint64_t next = ++control.counters[*counter];
    std::memcpy(records_.data() + records_.size() - sizeof(next), &next, sizeof(next));
  }
  const uint64_t end = log_.append(records_);
  control.append_lock.unlock();
  return end;
}

void RawLogSession::put(std::string_view key, std::string_view value) {
  records_.clear();
  add_record(key, value);
  commit(std::nullopt);
}

void RawLogSession::load(std::span<const Row> rows, bool) {
  records_.clear();
  for (const Row& row : rows) add_record(row.key.view(), row.value.view());
  commit(std::nullopt);
}

// The two reads are left out: while it writes, a floor has nothing to read from.
void RawLogSession::agent(const AgentTransaction& transaction) {
  records_.clear();
  add_record(transaction.observation_key, transaction.observation);
  for (std::string_view key : transaction.index_keys) add_record(key, transaction.index_value);
  add_record(transaction.counter_key, std::string_view("\0\0\0\0\0\0\0\0", sizeof(uint64_t)));
  commit(counter_of(transaction.counter_key));
}

void RawLogSession::index() {
  if (!mapped_.empty()) return;
  const uint64_t end = log_.control().end;
  if (end == 0) return;
  const int fd = open_file(log_path(setup_), 0);
  mapped_ = {static_cast<const char*>(map_file(fd, end, PROT_READ)), end};
  close(fd);
  for (uint64_t offset = 0; offset < end;) {
    RecordHead head;
    std::memcpy(&head, mapped_.data() + offset, sizeof(head));
    require(head.key_size != 0, "the raw log ends early");
    offset += sizeof(head);
    const std::string_view key = mapped_.substr(offset, head.key_size);
    table_[key] = mapped_.substr(offset + head.key_size, head.value_size);
    offset += head.key_size + head.value_size;
  }
  sorted_.assign(table_.begin(), table_.end());
  std::sort(sorted_.begin(), sorted_.end());
}

bool RawLogSession::get(std::string_view key, std::string& value) {
  index();
  const auto found = table_.find(key);
  if (found == table_.end()) return false;
  value.assign(found->second);
  return true;
}

Scanned RawLogSession::scan(std::string_view begin, size_t count) {
  index();
  Scanned scanned;
  auto at = std::lower_bound(sorted_.begin(), sorted_.end(), begin,
                             [](const auto& row, std::string_view key) { return row.first < key; });
  for (; at != sorted_.end() && scanned.rows < count; ++at) {
    ++scanned.rows;
    scanned.value_bytes += at->second.size();
    scanned.last_key.assign(at->first);
  }
  return scanned;
}

}  // namespace holdfast::bench
