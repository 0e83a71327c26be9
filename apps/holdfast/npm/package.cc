#include "npm/package.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <optional>

namespace holdfast::npm {
namespace {

// The header of a file in a tar file, a block; its content follows, filled up to whole blocks.
constexpr size_t kBlock = 512;
struct TarHeader {
  char name[100];
  char mode[8], uid[8], gid[8];
  char size[12];  // octal
  char mtime[12];
  char checksum[8];  // octal: the sum of the block's bytes, these taken as spaces
  char type;         // '0' or 0: a file
  char link[100];
  char magic[6];
  char version[2];
  char user[32], group[32], device_major[8], device_minor[8];
  char prefix[155];  // before the name, with a '/' between
  char zeros[12];
};
static_assert(sizeof(TarHeader) == kBlock);

Status damaged(const std::string& what) {
  return Status(StatusCode::kInvalidArgument, "this is no package of npm: " + what);
}

Result<std::string> inflate_all(std::string_view packed) {
  z_stream stream = {};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return damaged("zlib refuses");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string bytes;
  std::array<char, 64 * 1024> buffer;
  int code = Z_OK;
  while (code == Z_OK && bytes.size() <= kUnpackedSizeMax) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = buffer.size();
    code = inflate(&stream, Z_NO_FLUSH);
    bytes.append(buffer.data(), buffer.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (bytes.size() > kUnpackedSizeMax) return damaged("it is too large");
  if (code != Z_STREAM_END) return damaged("it is not packed by gzip, or cut off");
  return bytes;
}

std::string_view text_of(const char* bytes, size_t size) {
  return std::string_view(bytes, size).substr(0, std::string_view(bytes, size).find('\0'));
}

std::optional<uint64_t> octal_of(const char* bytes, size_t size) {
  uint64_t number = 0;
  bool has_digit = false;
  for (const char c : text_of(bytes, size)) {
    if (c == ' ') continue;
    if (c < '0' || c > '7') return std::nullopt;
    number = number * 8 + static_cast<uint64_t>(c - '0');
    has_digit = true;
  }
  return has_digit ? std::optional(number) : std::nullopt;
}

bool sum_fits(const TarHeader& header) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(&header);
  uint64_t sum = 0;
  for (size_t i = 0; i < kBlock; ++i) sum += bytes[i];
  for (const char c : header.checksum) sum += ' ' - static_cast<unsigned char>(c);
  return octal_of(header.checksum, sizeof(header.checksum)) == sum;
}

}  // namespace

Result<std::map<std::string, std::string, std::less<>>> unpack(std::string_view package,
                                                               std::string_view folder) {
  if (package.size() > kUnpackedSizeMax) return damaged("it is too large");
  HOLDFAST_ASSIGN(const std::string bytes, inflate_all(package));
  const std::string prefix = "package/" + std::string(folder) + "/";
  std::map<std::string, std::string, std::less<>> files;
  for (size_t at = 0; at + kBlock <= bytes.size();) {
    TarHeader header;
    std::copy_n(bytes.data() + at, kBlock, reinterpret_cast<char*>(&header));
    at += kBlock;
    if (header.name[0] == '\0') break;  // the end is blocks of zeros
    const auto size = octal_of(header.size, sizeof(header.size));
    if (!size || !sum_fits(header)) return damaged("its table is damaged");
    if (*size > bytes.size() - at) return damaged("it is cut off");
    std::string name(text_of(header.name, sizeof(header.name)));
    const std::string_view before = text_of(header.prefix, sizeof(header.prefix));
    if (!before.empty()) name = std::string(before) + "/" + name;
    const bool is_file = header.type == '0' || header.type == '\0';
    if (is_file && name.starts_with(prefix)) {
      files[name.substr(prefix.size())] = bytes.substr(at, *size);
    }
    at += std::min<uint64_t>((*size + kBlock - 1) / kBlock * kBlock, bytes.size() - at);
  }
  return files;
}

}  // namespace holdfast::npm
