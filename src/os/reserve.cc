#include "os/reserve.h"

#include <sys/mman.h>

#include "base/check.h"

namespace holdfast::os {

void* reserve_zeroed(size_t bytes) {
  CHECK(bytes > 0);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

void release_reserved(void* memory, size_t bytes) {
  if (memory != nullptr) CHECK(::munmap(memory, bytes) == 0);
}

LargeBytes::LargeBytes(size_t size) : size_(size) {
  constexpr size_t kMappedMin = 2u << 20;
  if (size >= kMappedMin) data_ = static_cast<char*>(reserve_zeroed(size));
  is_mapped_ = data_ != nullptr;
  if (!is_mapped_) {
    data_ = new char[size];
  } else {
    (void)::madvise(data_, size, MADV_HUGEPAGE);  // a hint
  }
}

LargeBytes& LargeBytes::operator=(LargeBytes&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(is_mapped_, other.is_mapped_);
  return *this;
}

LargeBytes::~LargeBytes() {
  if (is_mapped_) {
    release_reserved(data_, size_);
  } else {
    delete[] data_;
  }
}

namespace {

class PrivateMapping final : public Mapping {
 public:
  PrivateMapping(char* data, size_t size) {
    data_ = data;
    size_ = size;
  }
  ~PrivateMapping() override { release_reserved(data_, size_); }
};

}  // namespace

Result<std::unique_ptr<Mapping>> map_private(size_t bytes) {
  char* const memory = static_cast<char*>(reserve_zeroed(bytes));
  if (memory == nullptr) {
    return Status(StatusCode::kIoError, "no address space is left for " + std::to_string(bytes) +
                                            " bytes of memory; raise its limit (ulimit -v)");
  }
  return std::unique_ptr<Mapping>(std::make_unique<PrivateMapping>(memory, bytes));
}

}  // namespace holdfast::os
