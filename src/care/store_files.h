// StoreFiles: what is left of a store, as far as it can be read. Nothing here fails because
// something else is damaged: each part says for itself whether it is there.
//
// Who: care/ only. One thread at a time.
// Invariants:
//   1. Nothing of the store is changed or locked; all files are opened through ReadOnlyOs.
//   2. What is not proven (a guessed page size) says so.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "care/read_only_os.h"
#include "log/segment.h"
#include "store/control.h"
#include "store/superblock.h"

namespace holdfast::care {

struct MetaSlot {
  std::optional<store::Meta> meta;
  bool blank = false;  // all zeros: never written
};

bool all_zero(std::string_view bytes);

class StoreFiles {
 public:
  // Errors: NotAStore (neither data nor log segments are there), Os's for the directory.
  static Result<std::unique_ptr<StoreFiles>> open(os::Os& os, const std::string& path);

  os::Os& os() { return os_; }
  const std::vector<Unreadable>& unreadable() const { return os_.unreadable(); }
  const std::string& path() const { return path_; }
  std::string data_path() const { return path_ + "/data"; }

  // --- The data file. nullptr when it cannot be opened.
  os::File* data() { return data_.get(); }
  const Status& data_status() const { return data_status_; }
  uint64_t data_bytes() const { return data_bytes_; }
  uint64_t page_count() const { return page_shift_ == 0 ? 0 : data_bytes_ >> page_shift_; }
  const std::optional<store::Superblock>& superblock() const { return superblock_; }
  const Status& superblock_status() const { return superblock_status_; }
  const std::array<MetaSlot, 2>& metas() const { return metas_; }
  // Valid metas, the newest first.
  std::vector<store::Meta> valid_metas() const;

  // 0: not known. From the superblock, else from a meta, else what fits most pages.
  uint32_t page_shift() const { return page_shift_; }
  uint32_t page_size() const { return page_shift_ == 0 ? 0 : 1u << page_shift_; }
  const std::optional<std::array<char, 16>>& store_id() const { return store_id_; }
  // Where page size and store id come from, for people: "superblock", "meta", "log", "guess".
  const std::string& format_origin() const { return format_origin_; }

  // The bytes of a page, fewer when the file ends in it. Errors: Os's.
  Result<std::string> read_page(uint64_t pgno);

  // --- The log.
  log::SegmentFiles& segments() { return *segments_; }
  const std::vector<uint64_t>& segment_numbers() const { return segment_numbers_; }
  const Status& log_status() const { return log_status_; }

  // --- The control block. nullptr when there is none of this build's layout.
  const store::ControlBlock* control() const { return control_; }
  const std::string& control_problem() const { return control_problem_; }
  bool control_of_this_boot() const { return control_of_this_boot_; }
  bool control_of_this_data() const { return control_of_this_data_; }
  // Believed by an opener: of this boot, of this data file.
  bool control_valid() const {
    return control_ != nullptr && control_of_this_boot_ && control_of_this_data_;
  }
  std::string_view region(const store::Region& region) const;

  // Whether the process in `slot` lives; nullopt when the kernel cannot tell.
  std::optional<bool> alive(uint32_t slot);
  // Whether any process has the store open.
  bool in_use();
  // "pid 4711, state S (sleeping)" of the process in `slot`, as it called itself.
  std::string describe_slot(uint32_t slot);

 private:
  StoreFiles(os::Os& os, std::string path) : os_(os), path_(std::move(path)) {}
  Status open_data();
  void find_format();
  bool format_of_metas();
  void format_of_log();
  void guess_page_size();
  void open_log();
  void open_control();
  std::string map_control();

  ReadOnlyOs os_;
  const std::string path_;
  std::unique_ptr<os::File> data_;
  Status data_status_;
  uint64_t data_bytes_ = 0;
  std::optional<store::Superblock> superblock_;
  Status superblock_status_;
  std::array<MetaSlot, 2> metas_;
  uint32_t page_shift_ = 0;
  std::optional<std::array<char, 16>> store_id_;
  std::string format_origin_;
  std::unique_ptr<log::SegmentFiles> segments_;
  std::vector<uint64_t> segment_numbers_;
  Status log_status_;
  std::unique_ptr<os::File> control_file_;
  std::unique_ptr<os::Mapping> control_map_;
  const store::ControlBlock* control_ = nullptr;
  std::string control_problem_;
  bool control_of_this_boot_ = false;
  bool control_of_this_data_ = false;
  std::unique_ptr<os::File> lock_file_;
};

}  // namespace holdfast::care
