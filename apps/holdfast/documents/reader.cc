#include "documents/reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "base/utf8.h"
#include "documents/encoding.h"
#include "documents/roff.h"
#include "documents/text_splitter.h"
#include "process/system_error.h"

namespace holdfast::documents {
namespace {

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

struct Unpacked {
  std::string bytes;
  Skip skip = Skip::kNone;
};

// All members of a gzip file.
Unpacked unpack(const std::string& packed) {
  Unpacked result;
  z_stream stream = {};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return {"", Skip::kDamaged};
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::array<char, 64 * 1024> buffer;
  int code = Z_OK;
  while (result.skip == Skip::kNone) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = buffer.size();
    code = inflate(&stream, Z_NO_FLUSH);
    if (code != Z_OK && code != Z_STREAM_END) result.skip = Skip::kDamaged;
    result.bytes.append(buffer.data(), buffer.size() - stream.avail_out);
    if (result.bytes.size() > kDocumentBytesMax) result.skip = Skip::kTooLarge;
    if (code == Z_STREAM_END) {
      if (stream.avail_in == 0 || inflateReset(&stream) != Z_OK) break;
    }
  }
  inflateEnd(&stream);
  return result;
}

// The last two parts of the path, for a name such as README says nothing alone.
std::string title_of_path(std::string_view path) {
  if (ends_with(path, ".gz")) path.remove_suffix(3);
  size_t last = path.rfind('/');
  if (last == std::string_view::npos || last == 0) return std::string(path.substr(last + 1));
  size_t before = path.rfind('/', last - 1);
  return std::string(path.substr(before == std::string_view::npos ? 0 : before + 1));
}

// "ls.1", "printf.3p", "open.2": the ending of a manual page.
bool has_manual_ending(std::string_view name) {
  size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot + 1 >= name.size()) return false;
  char section = name[dot + 1];
  return (section >= '1' && section <= '9') || section == 'n' || section == 'l';
}

bool is_markup(std::string_view name, std::string_view text) {
  for (const char* ending :
       {".html", ".htm", ".xhtml", ".xml", ".svg", ".css", ".docbook", ".json"}) {
    if (ends_with(name, ending)) return true;
  }
  size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return false;
  std::string_view head = text.substr(begin, 14);
  return head == "<!DOCTYPE html" || head.substr(0, 5) == "<html" || head.substr(0, 5) == "<?xml" ||
         head.substr(0, 5) == "<HTML" || head == "<!DOCTYPE HTML";
}

// Zero-width byte order mark and form feeds are no words.
void clean(std::string& text) {
  if (text.compare(0, 3, "\xEF\xBB\xBF") == 0) text.erase(0, 3);
  for (char& c : text) {
    if (c == '\f' || c == '\v') c = '\n';
  }
}

// Overstrikes of formatted pages: "x\bx" is a bold x, "_\bx" an underlined one.
void remove_overstrikes(std::string& text) {
  if (text.find('\b') == std::string::npos) return;
  std::string plain;
  for (char c : text) {
    if (c != '\b') {
      plain += c;
    } else if (!plain.empty()) {
      while (plain.size() > 1 && (static_cast<unsigned char>(plain.back()) & 0xC0) == 0x80) {
        plain.pop_back();
      }
      plain.pop_back();
    }
  }
  text = std::move(plain);
}

void split(std::string_view name, const std::string& text, ReadOutcome& outcome) {
  Document& document = outcome.document;
  if (ends_with(name, ".md") || ends_with(name, ".markdown")) {
    document.sections = split_markdown(text);
  } else if (ends_with(name, ".jsonl") || ends_with(name, ".ndjson")) {
    document.sections = split_json_lines(text);
  } else if (has_manual_ending(name) && looks_like_roff(text)) {
    RoffDocument page = read_roff(text);
    if (!page.title.empty()) document.title = page.title;
    document.sections = std::move(page.sections);
    if (!page.alias.empty() && document.sections.empty()) outcome.skip = Skip::kAlias;
  } else {
    document.sections = split_text(text);
  }
  if (document.sections.empty() && outcome.skip == Skip::kNone) outcome.skip = Skip::kEmpty;
}

ReadOutcome skipped(Skip skip) {
  ReadOutcome outcome;
  outcome.skip = skip;
  return outcome;
}

}  // namespace

std::string_view skip_name(Skip skip) {
  constexpr std::string_view kNames[kSkipCount] = {"read",  "binary", "markup",    "encoding",
                                                   "alias", "empty",  "too large", "damaged gzip"};
  return kNames[static_cast<size_t>(skip)];
}

Result<std::string> load_file(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return process::system_error("open", path);
  struct stat info = {};
  std::string bytes;
  Status status;
  if (::fstat(fd, &info) != 0) {
    status = process::system_error("fstat", path);
  } else if (!S_ISREG(info.st_mode)) {
    status = Status(StatusCode::kInvalidArgument, "not a regular file").with_path(path);
  } else if (info.st_size > static_cast<off_t>(kDocumentBytesMax)) {
    status = Status(StatusCode::kTooLarge, "larger than 32 MiB").with_path(path);
  }
  std::array<char, 64 * 1024> buffer;
  while (status) {
    ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) status = process::system_error("read", path);
    if (count <= 0) break;
    bytes.append(buffer.data(), static_cast<size_t>(count));
  }
  ::close(fd);
  if (!status) return status;
  return bytes;
}

ReadOutcome read_document(const std::string& path, std::string bytes) {
  std::string_view name = path;
  if (bytes.compare(0, 2, "\x1F\x8B") == 0) {
    Unpacked unpacked = unpack(bytes);
    if (unpacked.skip != Skip::kNone) return skipped(unpacked.skip);
    bytes = std::move(unpacked.bytes);
    if (ends_with(name, ".gz")) name.remove_suffix(3);
  }
  if (bytes.empty()) return skipped(Skip::kEmpty);
  if (looks_binary(bytes)) return skipped(Skip::kBinary);
  ReadOutcome outcome;
  if (!utf8_valid(bytes)) {
    std::optional<std::string> converted = latin1_to_utf8(bytes);
    if (!converted) return skipped(Skip::kEncoding);
    bytes = std::move(*converted);
    outcome.converted_from_latin1 = true;
  }
  if (is_markup(name, bytes)) return skipped(Skip::kMarkup);
  clean(bytes);
  remove_overstrikes(bytes);
  outcome.document.title = title_of_path(path);
  split(name, bytes, outcome);
  return outcome;
}

}  // namespace holdfast::documents
