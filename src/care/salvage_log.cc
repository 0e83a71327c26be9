#include "care/salvage_log.h"

#include <algorithm>

#include "care/salvage_tree.h"
#include "log/record.h"

namespace holdfast::care {
namespace {

std::string lsn_text(StoreFiles& files, log::Lsn lsn) {
  return files.segments().path(log::lsn_segment(lsn)) + " at offset " +
         std::to_string(log::lsn_offset(lsn));
}

class Survey final : public LogVisitor {
 public:
  LogSurvey result;

  Status segment(const SegmentView& view) override {
    if (!view.started) return Status::ok();
    if (!result.started) {
      result.started = true;
      result.first_start_version = view.header.start_version;
      result.complete = view.header.prev_segment == 0 && view.header.start_version == 0;
    }
    result.version_any = std::max(result.version_any, view.header.start_version);
    return Status::ok();
  }
  Status record(const RecordView& view) override {
    result.version_any = std::max(result.version_any, view.header.version);
    result.time_max_us = std::max(result.time_max_us, view.header.commit_time_us);
    if (view.is_void) return Status::ok();
    result.version_max = std::max(result.version_max, view.header.version);
    result.durable_max = std::max(result.durable_max, view.header.durable_lsn);
    return Status::ok();
  }
  Status gap(const GapView&) override { return Status::ok(); }
};

}  // namespace

Result<LogSurvey> survey_log(StoreFiles& files) {
  Survey survey;
  HOLDFAST_TRY(LogWalk(files).walk(0, survey));
  return survey.result;
}

// Torn or rotten, as log/scan.h tells them apart: a torn end ends history, behind rot it goes on.
void SalvageLog::break_chain(log::Lsn place, const std::string& what, bool may_be_torn) {
  if (ended_) return;
  if (may_be_torn && survey_.durable_max <= place) {
    ended_ = true;
    return;
  }
  add_damage(report_, "log: " + lsn_text(files_, place) + ": " + what);
  if (!beyond_damage_) {
    add_doubt(report_, "the log cannot be followed at " + lsn_text(files_, place) + " (" + what +
                           "): commits after version " + std::to_string(version_) +
                           " may be missing; what follows was taken from records that prove "
                           "themselves");
  }
  beyond_damage_ = true;
}

Status SalvageLog::segment(const SegmentView& view) {
  if (view.leftover || view.blank) return Status::ok();
  place_ = log::make_lsn(view.number, log::kSegmentHeaderSize);
  if (!view.started) {
    const std::string what =
        view.status ? "the header of the segment is damaged" : view.status.to_string();
    if (survey_.durable_max >= place_) break_chain(log::make_lsn(view.number, 0), what);
    return Status::ok();
  }
  const log::SegmentHeader& header = view.header;
  if (view.declared_end && log::lsn_offset(*view.declared_end) == 0) return Status::ok();  // void
  // What is missing does not matter up to the version that is known.
  const bool linked = (end_ && header.prev_end_lsn == *end_ && header.prev_crc == chain_) ||
                      header.start_version <= version_;
  if (!linked && end_ && connected_) {
    break_chain(*end_, "segment " + std::to_string(view.number) + " does not continue it");
  }
  if (header.start_version <= base_) connected_ = true;
  if (!connected_ && !beyond_damage_) {
    break_chain(log::make_lsn(view.number, 0), "the segments before this one are missing", false);
  }
  chain_ = header.prev_crc;
  end_ = place_;
  return Status::ok();
}

// Whether no commit can be missing before this one.
bool SalvageLog::follows(const log::RecordHeader& header) const {
  const bool commit = header.type == static_cast<uint16_t>(log::RecordType::kCommit);
  return header.version == version_ + (commit ? 1 : 0);
}

Status SalvageLog::record(const RecordView& view) {
  const log::RecordHeader& header = view.header;
  if (view.is_void || ended_) {
    if (header.version > base_) ++report_.log_records_skipped;
    return Status::ok();
  }
  if (header.version <= base_) {
    connected_ = true;  // what came before does not matter
  } else if (!view.chained && connected_ && !follows(header)) {
    break_chain(end_.value_or(header.lsn), "no record can be read there");
    if (ended_) {
      ++report_.log_records_skipped;
      return Status::ok();
    }
  }
  end_ = header.lsn + view.size;
  chain_ = header.header_crc;
  if (header.version <= base_) return Status::ok();
  version_ = std::max(version_, header.version);
  if (header.type != static_cast<uint16_t>(log::RecordType::kCommit)) return Status::ok();
  if (view.payload_only) beyond_damage_ = true;
  ++report_.log_records_applied;
  if (beyond_damage_) ++report_.log_records_beyond_damage;
  return apply(view);
}

Status SalvageLog::apply(const RecordView& view) {
  log::PayloadReader payload(view.payload);
  while (const auto operation = payload.next()) {
    HOLDFAST_TRY(apply(*operation, view.header));
  }
  if (!payload.status()) {
    add_doubt(report_, "the record at " + lsn_text(files_, view.header.lsn) +
                           " cannot be taken apart: " + std::string(payload.status().message()));
  }
  return Status::ok();
}

Status SalvageLog::apply(const log::Operation& operation, const log::RecordHeader& header) {
  using Kind = log::OperationKind;
  if (operation.kind == Kind::kDeleteRange) {
    KeySpan range{std::string(operation.key), std::nullopt};
    if (!operation.value.empty()) range.upper = operation.value;
    for (const KeySpan& span : spans_.behind(header.version, range)) {
      HOLDFAST_TRY(target_.del_range(span.lower, span.upper.value_or("")));
    }
    return Status::ok();
  }
  const std::string key = log::written_key(operation, header.version);
  const auto base = spans_.at(key);
  if (base && *base >= header.version) return Status::ok();
  switch (operation.kind) {
    case Kind::kPutStamped: {
      std::string stamped(operation.key), value(operation.value);
      log::write_stamp(operation.stamp, header.version, header.commit_time_us, stamped.data(),
                       value.data());
      return target_.put(key, value);
    }
    case Kind::kPut:
      return target_.put(key, operation.value);
    case Kind::kAdd:
    case Kind::kMax:
      if (!base) {
        // Changing what is not known would invent a number that never was.
        add_doubt(report_, "the number under key \"" + key_text(key) +
                               "\" lies in a damaged range: its change by version " +
                               std::to_string(header.version) + " was left out");
        return Status::ok();
      }
      return target_.change_number(operation.kind, key, operation.operand);
    case Kind::kDelete:
    case Kind::kDeleteRange:
      break;
  }
  return target_.del(key);
}

// The next record tells whether something was lost there.
Status SalvageLog::gap(const GapView&) {
  return Status::ok();
}

Status SalvageLog::replay(uint64_t base) {
  base_ = base;
  version_ = base;
  HOLDFAST_TRY(LogWalk(files_).walk(0, *this));
  report_.version = version_;
  const log::Lsn end = end_.value_or(0);
  if (!ended_ && survey_.durable_max > end) {
    break_chain(end, "the log ends here, but was durable beyond");
  }
  if (!survey_.started) {
    add_doubt(report_, "no log segment is readable: commits after version " + std::to_string(base) +
                           " may be missing");
  }
  return Status::ok();
}

}  // namespace holdfast::care
