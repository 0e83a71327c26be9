#include <algorithm>
#include <cstring>

#include "blob/blobs_impl.h"
#include "blob/format.h"
#include "blob/frame_codec.h"

namespace holdfast {

class BlobReader::Impl {
 public:
  Impl(std::unique_ptr<os::File> file, std::string path, const BlobRef& ref)
      : file_(std::move(file)), path_(std::move(path)), ref_(ref) {}

  // Reads and verifies all but the frames.
  Status open(const std::array<char, 16>& store_id, uint64_t incarnation);
  const BlobRef& ref() const { return ref_; }
  Result<size_t> read(char* out, size_t size);
  Result<size_t> read_at(uint64_t offset, char* out, size_t size);

 private:
  static constexpr uint64_t kNone = ~uint64_t{0};

  Status damaged(const std::string& what, uint64_t offset) const;
  Status read_exactly(uint64_t offset, char* out, size_t size, const char* what);
  template <typename T>
  Status read_struct(uint64_t offset, T& out, const char* what);
  Status read_table(const blob::FileTrailer& trailer);
  uint64_t frame_content_size(uint64_t frame) const;
  // Reads a frame into `content_`, verified.
  Status load(uint64_t frame);
  Status unpack(uint64_t frame, uint64_t offset);

  const std::unique_ptr<os::File> file_;
  const std::string path_;
  const BlobRef ref_;
  uint64_t frame_size_ = 0;
  std::vector<blob::FrameEntry> table_;
  std::vector<uint64_t> offsets_;  // of each 64th frame
  uint64_t loaded_ = kNone;        // the frame that `content_` holds
  std::string content_;
  std::string stored_;
  blob::FrameDecompressor decompressor_;
  uint64_t position_ = 0;  // of read()
  blob::Sha256 digest_;    // of what read() returned
  Status failure_;         // of read(): it does not go on behind one

  static constexpr uint64_t kOffsetStep = 64;
};

Status BlobReader::Impl::damaged(const std::string& what, uint64_t offset) const {
  return Status(StatusCode::kCorruption, what +
                                             "; the content can only be written again, from "
                                             "where it came from, or taken from a copy")
      .with_path(path_)
      .with_offset(offset);
}

Status BlobReader::Impl::read_exactly(uint64_t offset, char* out, size_t size, const char* what) {
  HOLDFAST_ASSIGN(const size_t count, file_->read_at(offset, out, size));
  return count == size ? Status::ok()
                       : damaged(std::string(what) + " of a blob is cut off", offset);
}

template <typename T>
Status BlobReader::Impl::read_struct(uint64_t offset, T& out, const char* what) {
  T expected;
  HOLDFAST_TRY(read_exactly(offset, reinterpret_cast<char*>(&out), sizeof(T), what));
  if (out.magic != expected.magic || out.crc != blob::crc_of(out)) {
    return damaged(std::string(what) + " of a blob does not match its checksum", offset);
  }
  return Status::ok();
}

Status BlobReader::Impl::open(const std::array<char, 16>& store_id, uint64_t incarnation) {
  HOLDFAST_ASSIGN(const os::FileInfo info, file_->info());
  if (info.size_bytes < sizeof(blob::FileHeader) + sizeof(blob::FileTrailer)) {
    return damaged("the file of a blob is cut off", info.size_bytes);
  }
  blob::FileHeader header;
  HOLDFAST_TRY(read_struct(0, header, "the header"));
  if (header.format_version > blob::kBlobFormatVersion) {
    return Status(StatusCode::kUnsupported,
                  "the blob was written by a newer version of Holdfast; read it with that one")
        .with_path(path_);
  }
  if (header.incarnation != incarnation || header.store_id != store_id || header.frame_size == 0 ||
      header.frame_size > blob::kFrameSizeMax) {
    return damaged("the header is that of another blob", 0);
  }
  frame_size_ = header.frame_size;
  const uint64_t trailer_offset = info.size_bytes - sizeof(blob::FileTrailer);
  blob::FileTrailer trailer;
  HOLDFAST_TRY(read_struct(trailer_offset, trailer, "the trailer"));
  const uint64_t frames = ref_.size / frame_size_ + (ref_.size % frame_size_ != 0);
  if (trailer.content_size != ref_.size || trailer.hash != ref_.hash ||
      trailer.frame_count != frames ||
      trailer.frames_end + frames * sizeof(blob::FrameEntry) != trailer_offset) {
    return damaged("the trailer is that of another blob", trailer_offset);
  }
  return read_table(trailer);
}

Status BlobReader::Impl::read_table(const blob::FileTrailer& trailer) {
  table_.resize(trailer.frame_count);
  char* bytes = reinterpret_cast<char*>(table_.data());
  const size_t size = table_.size() * sizeof(blob::FrameEntry);
  HOLDFAST_TRY(read_exactly(trailer.frames_end, bytes, size, "the table"));
  if (crc32c({bytes, size}) != trailer.table_crc) {
    return damaged("the table of a blob does not match its checksum", trailer.frames_end);
  }
  uint64_t offset = sizeof(blob::FileHeader);
  for (uint64_t frame = 0; frame < table_.size(); ++frame) {
    if (frame % kOffsetStep == 0) offsets_.push_back(offset);
    if (table_[frame].stored_size > frame_content_size(frame)) {
      return damaged("the table of a blob is wrong", trailer.frames_end);
    }
    offset += table_[frame].stored_size;
  }
  if (offset == trailer.frames_end) return Status::ok();
  return damaged("the table of a blob is wrong", trailer.frames_end);
}

uint64_t BlobReader::Impl::frame_content_size(uint64_t frame) const {
  return std::min(frame_size_, ref_.size - frame * frame_size_);
}

Status BlobReader::Impl::load(uint64_t frame) {
  if (loaded_ == frame) return Status::ok();
  loaded_ = kNone;
  uint64_t offset = offsets_[frame / kOffsetStep];
  for (uint64_t i = frame - frame % kOffsetStep; i < frame; ++i) offset += table_[i].stored_size;
  stored_.resize(table_[frame].stored_size);
  HOLDFAST_TRY(read_exactly(offset, stored_.data(), stored_.size(), "a frame"));
  if (crc32c(stored_) != table_[frame].crc) {
    return damaged("a frame of a blob does not match its checksum", offset);
  }
  HOLDFAST_TRY(unpack(frame, offset));
  loaded_ = frame;
  return Status::ok();
}

Status BlobReader::Impl::unpack(uint64_t frame, uint64_t offset) {
  const uint64_t size = frame_content_size(frame);
  if (stored_.size() == size) {
    content_.swap(stored_);
    return Status::ok();
  }
  content_.resize(size);
  if (decompressor_.decompress(stored_, content_.data(), size)) return Status::ok();
  return damaged("a frame of a blob cannot be decompressed", offset);
}

Result<size_t> BlobReader::Impl::read_at(uint64_t offset, char* out, size_t size) {
  if (offset >= ref_.size) return size_t{0};
  size = static_cast<size_t>(std::min<uint64_t>(size, ref_.size - offset));
  for (size_t done = 0; done < size;) {
    const uint64_t frame = (offset + done) / frame_size_;
    const uint64_t skip = (offset + done) % frame_size_;
    HOLDFAST_TRY(load(frame));
    const size_t count = std::min<size_t>(size - done, content_.size() - skip);
    std::memcpy(out + done, content_.data() + skip, count);
    done += count;
  }
  return size;
}

Result<size_t> BlobReader::Impl::read(char* out, size_t size) {
  HOLDFAST_TRY(failure_);
  auto count = read_at(position_, out, size);
  if (!count) {
    failure_ = count.status();
    return failure_;
  }
  const bool was_at_end = position_ == ref_.size;
  digest_.update({out, *count});
  position_ += *count;
  if (position_ < ref_.size || was_at_end) return *count;
  if (digest_.finish() != ref_.hash) {
    failure_ = damaged("the content of a blob does not match its hash", 0);
    return failure_;
  }
  return *count;
}

BlobReader::BlobReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BlobReader::BlobReader(BlobReader&&) noexcept = default;
BlobReader& BlobReader::operator=(BlobReader&&) noexcept = default;
BlobReader::~BlobReader() = default;

const BlobRef& BlobReader::ref() const {
  return impl_->ref();
}
Result<size_t> BlobReader::read(char* out, size_t size) {
  return impl_->read(out, size);
}
Result<size_t> BlobReader::read_at(uint64_t offset, char* out, size_t size) {
  return impl_->read_at(offset, out, size);
}

namespace blob {

Result<BlobReader> make_reader(Blobs::Impl& owner, const BlobRef& ref, const Presence& presence) {
  const FileName name{ref.hash, presence.incarnation};
  const std::string path = owner.files.placed_path(name);
  HOLDFAST_ASSIGN(auto file, owner.files.find(name));
  if (file == nullptr) {
    return Status(StatusCode::kCorruption,
                  "the file of a blob is missing; bring it back from a copy of the store")
        .with_path(path);
  }
  auto reader = std::make_unique<BlobReader::Impl>(std::move(file), path, ref);
  HOLDFAST_TRY(reader->open(owner.store->context().store_id, presence.incarnation));
  return BlobReader(std::move(reader));
}

}  // namespace blob
}  // namespace holdfast
