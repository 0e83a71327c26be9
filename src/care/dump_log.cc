// dump_log: segments, records and the places where there are none.
#include <string>

#include "care/dump_format.h"
#include "care/log_walk.h"
#include "log/record.h"

namespace holdfast::care {
namespace {

const char* name_of(log::OperationKind kind) {
  switch (kind) {
    case log::OperationKind::kPut:
      return "put";
    case log::OperationKind::kDelete:
      return "delete";
    case log::OperationKind::kPutStamped:
      return "put stamped";
    case log::OperationKind::kAdd:
      return "add";
    case log::OperationKind::kMax:
      return "raise";
    case log::OperationKind::kDeleteRange:
      return "delete range";
  }
  return "unknown";
}

std::string state_of(const SegmentView& view) {
  if (!view.status) return "unreadable";
  if (view.started) return view.cut ? "cut" : "started";
  return view.blank || view.leftover ? "prepared" : "damaged";
}

class LogDump final : public LogVisitor {
 public:
  LogDump(const LogDumpOptions& options, const RowSink& sink) : options_(options), sink_(sink) {}

  Status segment(const SegmentView& view) override {
    if (log::make_lsn(view.number, 0) >= options_.to_lsn) return Status::ok();
    Row row("segment");
    row.add("segment", view.number).add("path", view.path).add("state", state_of(view));
    if (!view.status) return sink_(row.add("problem", view.status.to_string()));
    row.add("bytes", view.bytes);
    if (!view.started) {
      if (state_of(view) == "damaged") row.add("problem", "its header is damaged");
      return sink_(row);
    }
    const log::SegmentHeader& header = view.header;
    row.add("capacity", header.capacity).add("epoch", header.epoch);
    row.add("start_version", header.start_version).add("prev_segment", header.prev_segment);
    add_lsn(row, "prev_end_lsn", header.prev_end_lsn);
    row.add("prev_crc", hexadecimal(header.prev_crc, 8)).add("salt", hexadecimal(header.salt, 16));
    add_time(row, "created", header.created_us);
    if (view.declared_end) add_lsn(row, "declared_end_lsn", *view.declared_end);
    return sink_(row);
  }

  Status record(const RecordView& view) override {
    const log::RecordHeader& header = view.header;
    if (header.lsn < options_.from_lsn || header.lsn >= options_.to_lsn) return Status::ok();
    Row row("record");
    add_lsn(row, "lsn", header.lsn);
    const bool commit = header.type == static_cast<uint16_t>(log::RecordType::kCommit);
    row.add("kind", commit ? "commit" : "note").add("version", header.version);
    add_time(row, "time", header.commit_time_us);
    row.add("epoch", header.epoch).add("bytes", view.size);
    row.add("operations", header.operation_count).add("pages_max", header.pages_max);
    add_lsn(row, "durable_lsn", header.durable_lsn);
    row.add("crc", hexadecimal(header.header_crc, 8));
    row.add("prev_crc", hexadecimal(header.prev_header_crc, 8)).add("chained", view.chained);
    if (view.is_void) row.add("void", true);
    if (view.payload_only) row.add("header_verified", false);
    log::PayloadReader payload(view.payload);
    if (commit) row.add("actor", key_text(payload.actor()));
    HOLDFAST_TRY(sink_(row));
    return options_.keys ? operations(header.lsn, payload) : Status::ok();
  }

  Status gap(const GapView& view) override {
    const log::Lsn lsn = log::make_lsn(view.segment, view.offset);
    if (lsn + view.bytes <= options_.from_lsn || lsn >= options_.to_lsn) return Status::ok();
    Row row(view.last && !view.begun ? "leftover" : "gap");
    add_lsn(row, "lsn", lsn);
    row.add("bytes", view.bytes);
    if (view.last && !view.begun) {
      row.add("problem", "none: bytes of an earlier use of the file, or of a write cut short");
    } else if (view.is_void) {
      row.add("problem", "none: a later segment declares that history ends before");
    } else if (view.last) {
      row.add("problem", "a record was begun here and is not whole");
    } else {
      row.add("problem", "damaged: no record can be read here, and intact ones follow");
    }
    return sink_(row);
  }

 private:
  Status operations(log::Lsn lsn, log::PayloadReader& payload) {
    while (const auto operation = payload.next()) {
      Row row("operation");
      row.add("lsn", lsn).add("operation", name_of(operation->kind));
      if (operation->kind == log::OperationKind::kDeleteRange) {
        row.add("begin", key_text(operation->key)).add("end", key_text(operation->value));
      } else if (is_number_change(operation->kind)) {
        row.add("key", key_text(operation->key)).add("operand", std::to_string(operation->operand));
      } else {
        row.add("key", key_text(operation->key)).add("value_bytes", operation->value.size());
      }
      HOLDFAST_TRY(sink_(row));
    }
    if (payload.status()) return Status::ok();
    return sink_(Row("problem").add("lsn", lsn).add("problem", payload.status().to_string()));
  }

  static bool is_number_change(log::OperationKind kind) {
    return kind == log::OperationKind::kAdd || kind == log::OperationKind::kMax;
  }

  const LogDumpOptions& options_;
  const RowSink& sink_;
};

}  // namespace

Status dump_log(os::Os& os, const std::string& path, const LogDumpOptions& options,
                const RowSink& sink) {
  HOLDFAST_ASSIGN(const auto files, StoreFiles::open(os, path));
  if (!files->log_status()) {
    return sink(Row("problem").add("problem", files->log_status().to_string()));
  }
  LogDump dump(options, sink);
  return LogWalk(*files).walk(log::lsn_segment(options.from_lsn), dump);
}

}  // namespace holdfast::care
