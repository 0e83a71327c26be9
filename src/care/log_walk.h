// LogWalk: all that lies in the segments of a log, in the order of the files: records that are
// whole, whatever became of what stands before them, and the places where there are none.
//
// Who: care/ only (dump, salvage). One thread at a time. Reads only.
// Invariants:
//   1. A record is shown only if it names its own place and both its checksums match; where the
//      segment's header is damaged, only the payload's can be verified, and `payload_only` says so.
//   2. What a later segment's header declares void is marked so.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "care/store_files.h"
#include "log/reader.h"

namespace holdfast::care {

struct SegmentView {
  uint64_t number = 0;
  std::string path;
  Status status;  // why it cannot be opened
  uint64_t bytes = 0;
  bool started = false;
  bool blank = false;                    // its header was never written
  bool leftover = false;                 // its header is that of an earlier use of the file
  bool cut = false;                      // shorter than when it was started
  log::SegmentHeader header;             // when started
  std::optional<log::Lsn> declared_end;  // where later segments say that it ends
};

struct RecordView {
  const log::RecordHeader& header;
  std::string_view payload;
  uint64_t size = 0;
  bool chained = false;       // continues the record before it, or the segment's header
  bool is_void = false;       // behind the declared end
  bool payload_only = false;  // without the segment's salt its header cannot be verified
};

// A stretch without records that is not all zeros; `last`: to the end of the segment.
struct GapView {
  uint64_t segment = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  bool begun = false;  // a record that names this very place stands at its beginning
  bool last = false;
  bool is_void = false;  // behind the declared end
};

class LogVisitor {
 public:
  virtual ~LogVisitor() = default;
  virtual Status segment(const SegmentView& view) = 0;
  virtual Status record(const RecordView& view) = 0;
  virtual Status gap(const GapView& view) = 0;
};

class LogWalk {
 public:
  explicit LogWalk(StoreFiles& files);
  // Segments from number `first` on. Errors: the visitor's, and Os's that are no damage.
  Status walk(uint64_t first, LogVisitor& visitor);

 private:
  void find_declared_ends();
  SegmentView view_of(uint64_t number, std::shared_ptr<log::Segment>& segment);
  Status walk_segment(const SegmentView& view, std::shared_ptr<log::Segment> segment,
                      LogVisitor& visitor);

  StoreFiles& files_;
  const std::array<char, 16> store_id_;
  std::map<uint64_t, log::Lsn> declared_ends_;  // by segment number
};

}  // namespace holdfast::care
