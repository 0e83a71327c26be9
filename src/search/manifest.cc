#include "search/manifest.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/coding.h"
#include "search/text_record.h"

namespace holdfast::search {
namespace {

void append_big_endian(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

void append_segment(std::string& out, const SegmentInfo& segment) {
  append_varint(out, segment.id);
  append_varint(out, segment.documents);
  append_varint(out, segment.dead);
  append_varint(out, segment.length);
  out.append(view_of(segment.first)).append(view_of(segment.last));
}

// Takes numbers and ids from the front; remembers whether all were there.
class Taker {
 public:
  explicit Taker(std::string_view bytes) : bytes_(bytes) {}

  uint64_t number(uint64_t most) {
    const auto value = take_varint(bytes_);
    if (!value || *value > most) ok_ = false;
    return ok_ ? *value : 0;
  }
  uint32_t number32() { return static_cast<uint32_t>(number(UINT32_MAX)); }
  DocumentId id() {
    if (bytes_.size() < kDocumentIdSize) ok_ = false;
    if (!ok_) return {};
    const DocumentId id = document_id(bytes_.substr(0, kDocumentIdSize));
    bytes_.remove_prefix(kDocumentIdSize);
    return id;
  }
  std::string text() {
    const auto text = take_string(bytes_);
    if (!text) ok_ = false;
    return std::string(text.value_or(""));
  }
  SegmentInfo segment() {
    SegmentInfo segment;
    segment.id = number32();
    segment.documents = number32();
    segment.dead = number32();
    segment.length = number(UINT64_MAX);
    segment.first = id();
    segment.last = id();
    if (segment.dead > segment.documents) ok_ = false;
    return segment;
  }
  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

constexpr uint64_t kSegmentsMax = 10'000;

}  // namespace

DocumentId document_id(std::string_view bytes) {
  CHECK(bytes.size() == kDocumentIdSize);
  DocumentId id;
  std::memcpy(id.data(), bytes.data(), kDocumentIdSize);  // a copy by bytes costs ten times that
  return id;
}

namespace {

Status other_format(uint8_t format, uint8_t known) {
  return Status(StatusCode::kUnsupported,
                "the search index has format " + std::to_string(format) + ", this program reads " +
                    std::to_string(known) +
                    "; run `holdfast reindex`, or use the program that made it");
}

}  // namespace

Status malformed_record(std::string_view record) {
  const bool is_other = !record.empty() && static_cast<uint8_t>(record[0]) != kTextFormat;
  return is_other ? other_format(static_cast<uint8_t>(record[0]), kTextFormat)
                  : malformed_index("a text record");
}

Status malformed_index(std::string_view what) {
  return Status(StatusCode::kCorruption,
                "the search index is malformed: " + std::string(what) +
                    "; run `holdfast check`, and `holdfast reindex` to make it anew");
}

std::string encode_manifest(const Manifest& manifest) {
  std::string out(1, static_cast<char>(kIndexFormat));
  append_varint(out, manifest.next_segment);
  append_varint(out, manifest.segments.size());
  for (const SegmentInfo& segment : manifest.segments) append_segment(out, segment);
  append_varint(out, manifest.merge ? manifest.merge->inputs.size() : 0);
  if (manifest.merge) {
    for (const uint32_t input : manifest.merge->inputs) append_varint(out, input);
    append_segment(out, manifest.merge->output);
    append_varint(out, manifest.merge->ids_written);
    append_string(out, manifest.merge->after_term);
  }
  append_varint(out, manifest.rebuild ? 1 : 0);
  if (manifest.rebuild) out.append(view_of(manifest.rebuild->done_up_to));
  return out;
}

Result<Manifest> decode_manifest(std::string_view bytes) {
  if (!bytes.empty() && static_cast<uint8_t>(bytes[0]) != kIndexFormat) {
    return other_format(static_cast<uint8_t>(bytes[0]), kIndexFormat);
  }
  Taker take(bytes.substr(std::min<size_t>(bytes.size(), 1)));
  Manifest manifest;
  manifest.next_segment = take.number32();
  const uint64_t count = take.number(kSegmentsMax);
  for (uint64_t i = 0; i < count && take.ok(); ++i) manifest.segments.push_back(take.segment());
  const uint64_t inputs = take.number(kSegmentsMax);
  if (inputs > 0) {
    MergeInfo& merge = manifest.merge.emplace();
    for (uint64_t i = 0; i < inputs && take.ok(); ++i) merge.inputs.push_back(take.number32());
    merge.output = take.segment();
    merge.ids_written = take.number32();
    merge.after_term = take.text();
  }
  if (take.number(1) == 1) manifest.rebuild = RebuildInfo{take.id()};
  if (!take.at_end()) return malformed_index("its manifest");
  return manifest;
}

std::string IndexKeys::under(char kind, std::string_view rest) const {
  return std::string(prefix_).append(1, kind).append(rest);
}

std::string IndexKeys::segment(uint32_t id) const {
  std::string key = under('s', {});
  append_big_endian(key, id);
  return key;
}

std::string IndexKeys::numbered(uint32_t segment, char kind, uint32_t number) const {
  std::string key = this->segment(segment) + kind;
  append_big_endian(key, number);
  return key;
}

std::string IndexKeys::ids(uint32_t segment, uint32_t block) const {
  return numbered(segment, 'i', block);
}
std::string IndexKeys::dead_bits(uint32_t segment, uint32_t chunk) const {
  return numbered(segment, 'k', chunk);
}
std::string IndexKeys::dead_counts(uint32_t segment, uint32_t bucket) const {
  return numbered(segment, 'n', bucket);
}

std::string IndexKeys::term(uint32_t segment, std::string_view term, uint32_t ordinal) const {
  std::string key;
  key.reserve(prefix_.size() + 2 + sizeof(segment) + term.size() + 1 + sizeof(ordinal));
  key.append(prefix_).append(1, 's');
  append_big_endian(key, segment);
  key.append(1, 't').append(term).append(1, '\0');
  append_big_endian(key, ordinal);
  return key;
}

}  // namespace holdfast::search
