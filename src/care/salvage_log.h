// SalvageLog: follows the log from the salvaged tree on, as far as it is provable, and beyond
// damage by the records that prove themselves.
//
// Who: care/salvage. One thread at a time.
// Invariants:
//   1. A record is applied to a key only if it is newer than what the key's tree knew.
//   2. What recovery would discard as a torn end is not applied.
#pragma once

#include <optional>

#include "care/log_walk.h"
#include "care/salvage_target.h"
#include "care/span_map.h"
#include "holdfast/care.h"

namespace holdfast::care {

// What a first pass over the log finds.
struct LogSurvey {
  uint64_t version_max = 0;  // of records that are not void
  uint64_t version_any = 0;  // of all records and headers, void or not
  uint64_t time_max_us = 0;
  uint64_t first_start_version = 0;  // of the first started segment
  bool started = false;              // a segment with an intact header is there
  bool complete = false;             // it begins with the store's very first commit
  log::Lsn durable_max = 0;          // the farthest that a record claims to be durable
};
Result<LogSurvey> survey_log(StoreFiles& files);

class SalvageLog final : public LogVisitor {
 public:
  SalvageLog(StoreFiles& files, const LogSurvey& survey, SalvageTarget& target,
             const SpanMap& spans, SalvageReport& report)
      : files_(files), survey_(survey), target_(target), spans_(spans), report_(report) {}

  // `base`: the oldest version that a span stands at.
  Status replay(uint64_t base);

  Status segment(const SegmentView& view) override;
  Status record(const RecordView& view) override;
  Status gap(const GapView& view) override;

 private:
  void break_chain(log::Lsn place, const std::string& what, bool may_be_torn = true);
  bool follows(const log::RecordHeader& header) const;
  Status apply(const RecordView& view);
  Status apply(const log::Operation& operation, const log::RecordHeader& header);

  StoreFiles& files_;
  const LogSurvey& survey_;
  SalvageTarget& target_;
  const SpanMap& spans_;
  SalvageReport& report_;
  uint64_t base_ = 0;
  uint64_t version_ = 0;    // of the last record that was accepted, at least base_
  bool connected_ = false;  // what was read so far reaches back to base_
  bool beyond_damage_ = false;
  bool ended_ = false;           // at a torn end
  std::optional<log::Lsn> end_;  // behind the last accepted record
  uint32_t chain_ = 0;
  log::Lsn place_ = 0;  // where reading is
};

}  // namespace holdfast::care
