// WithinAccess: Access for handles that work inside of another's transaction, so that one kind is
// made of others and all of it is one commit.
//
// Who: memory/ only. Thread-safety: that of the target, within the work that was given it.
#pragma once

#include "memory/access.h"

namespace holdfast::memory {

class WithinAccess final : public Access {
 public:
  WithinAccess(Access& outer, search::KeyTarget& target, uint32_t space_id)
      : outer_(outer), target_(target), space_id_(space_id) {}

  Status read(const ReadWork& work) override { return work(target_, space_id_); }
  Status write(const WriteWork& work) override { return work(target_, space_id_); }
  Status write_existing(const WriteWork& work) override { return work(target_, space_id_); }
  BlobAccess* blobs() override { return outer_.blobs(); }
  Stamp next_stamp() override { return outer_.next_stamp(); }
  int64_t now_us() override { return outer_.now_us(); }
  bool pause() override { return false; }
  HandleId handle_id() override { return outer_.handle_id(); }
  bool handle_alive(const HandleId& id) override { return outer_.handle_alive(id); }
  std::string_view space_path() const override { return outer_.space_path(); }

 private:
  Access& outer_;
  search::KeyTarget& target_;
  const uint32_t space_id_;
};

}  // namespace holdfast::memory
