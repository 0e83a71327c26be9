#include "base/check.h"
#include "blob/blobs_impl.h"
#include "blob/format.h"
#include "blob/frame_codec.h"

namespace holdfast {

// The file is removed by the destructor as long as it is held, that is, until finish() succeeds.
class BlobWriter::Impl {
 public:
  Impl(std::shared_ptr<Blobs::Impl> owner, blob::HeldFile held)
      : owner_(std::move(owner)), held_(std::move(held)) {
    frame_.reserve(blob::kFrameSize);
  }
  ~Impl() { discard(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Status write_header();
  Status append(std::string_view bytes);
  Result<NewBlob> finish();
  uint64_t size() const { return size_; }

 private:
  // Keeps the first error, and lets go of the file.
  Status fail(Status status);
  void discard();
  Status write(std::string_view bytes);
  Status write_frame();
  Status write_end(const blob::Hash& hash);
  Status publish(const blob::Hash& hash);

  const std::shared_ptr<Blobs::Impl> owner_;
  blob::HeldFile held_;
  Status failure_;
  blob::Sha256 digest_;
  blob::FrameCompressor compressor_;
  std::string frame_;  // content that is not a whole frame yet
  std::vector<blob::FrameEntry> table_;
  uint64_t size_ = 0;      // of the content
  uint64_t position_ = 0;  // in the file
};

Status BlobWriter::Impl::fail(Status status) {
  failure_ = std::move(status);
  discard();
  return failure_;
}

void BlobWriter::Impl::discard() {
  if (held_.file == nullptr) return;
  if (owner_->store->usable().code() != StatusCode::kForked) (void)owner_->files.remove(held_.name);
  held_.file.reset();
}

Status BlobWriter::Impl::write(std::string_view bytes) {
  HOLDFAST_TRY(held_.file->write_at(position_, bytes));
  position_ += bytes.size();
  return Status::ok();
}

Status BlobWriter::Impl::write_header() {
  const store::Context& context = owner_->store->context();
  blob::FileHeader header;
  header.store_id = context.store_id;
  header.incarnation = held_.name.incarnation;
  header.created_us = context.os.wall_time_us();
  header.crc = blob::crc_of(header);
  return write(blob::bytes_of(header));
}

Status BlobWriter::Impl::write_frame() {
  digest_.update(frame_);
  const std::string_view stored = compressor_.compress(frame_);
  table_.push_back({static_cast<uint32_t>(stored.size()), crc32c(stored)});
  HOLDFAST_TRY(write(stored));
  frame_.clear();
  return Status::ok();
}

Status BlobWriter::Impl::append(std::string_view bytes) {
  HOLDFAST_TRY(failure_);
  HOLDFAST_TRY(owner_->store->usable());
  if (bytes.size() > kBlobSizeMax - size_) {
    return fail(Status(StatusCode::kTooLarge, "a blob may have " + std::to_string(kBlobSizeMax) +
                                                  " bytes; store the content as several"));
  }
  size_ += bytes.size();
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, blob::kFrameSize - frame_.size());
    frame_.append(piece);
    bytes.remove_prefix(piece.size());
    if (frame_.size() < blob::kFrameSize) break;
    if (Status status = write_frame(); !status) return fail(std::move(status));
  }
  return Status::ok();
}

Status BlobWriter::Impl::write_end(const blob::Hash& hash) {
  const std::string_view table(reinterpret_cast<const char*>(table_.data()),
                               table_.size() * sizeof(blob::FrameEntry));
  blob::FileTrailer trailer;
  trailer.content_size = size_;
  trailer.frames_end = position_;
  trailer.frame_count = table_.size();
  trailer.hash = hash;
  trailer.table_crc = crc32c(table);
  trailer.crc = blob::crc_of(trailer);
  HOLDFAST_TRY(write(table));
  return write(blob::bytes_of(trailer));
}

Status BlobWriter::Impl::publish(const blob::Hash& hash) {
  HOLDFAST_TRY(write_end(hash));
  HOLDFAST_TRY(held_.file->sync_data());
  held_.name.hash = hash;
  return owner_->files.publish(held_);
}

Result<NewBlob> BlobWriter::Impl::finish() {
  HOLDFAST_TRY(failure_);
  HOLDFAST_TRY(owner_->store->usable());
  CHECK(held_.file != nullptr);
  if (!frame_.empty()) {
    if (Status status = write_frame(); !status) return fail(std::move(status));
  }
  const blob::Hash hash = digest_.finish();
  if (Status status = publish(hash); !status) return fail(std::move(status));
  const BlobRef ref{hash, size_};
  return NewBlob(std::make_shared<NewBlob::Impl>(owner_, std::move(held_), ref, position_));
}

BlobWriter::BlobWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BlobWriter::BlobWriter(BlobWriter&&) noexcept = default;
BlobWriter& BlobWriter::operator=(BlobWriter&&) noexcept = default;
BlobWriter::~BlobWriter() = default;

Status BlobWriter::append(std::string_view bytes) {
  return impl_->append(bytes);
}
uint64_t BlobWriter::size() const {
  return impl_->size();
}
Result<NewBlob> BlobWriter::finish() {
  return impl_->finish();
}

NewBlob::NewBlob(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

const BlobRef& NewBlob::ref() const {
  return impl_->ref;
}

NewBlob::Impl::~Impl() {
  if (!owner->store->usable()) return;
  if (!offered) {
    (void)owner->files.remove(held.name);
    return;
  }
  auto snapshot = owner->store->durable_snapshot();
  if (!snapshot) return;
  const auto found = blob::find_presence(*snapshot, held.name.hash);
  if (!found || !*found || (*found)->incarnation != held.name.incarnation) return;
  (void)owner->files.place(held.name);
}

namespace blob {

Result<BlobWriter> make_writer(std::shared_ptr<Blobs::Impl> owner) {
  HOLDFAST_ASSIGN(HeldFile held, owner->files.create());
  auto writer = std::make_unique<BlobWriter::Impl>(std::move(owner), std::move(held));
  HOLDFAST_TRY(writer->write_header());
  return BlobWriter(std::move(writer));
}

}  // namespace blob
}  // namespace holdfast
