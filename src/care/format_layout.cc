// Every offset that docs/format.md draws, field by field: whoever moves one meets it here, and
// changes the document, or rather does not move it. Beside each struct only its landmarks stand.
#include <cstddef>

#include "blob/format.h"
#include "log/format.h"
#include "store/named.h"
#include "store/superblock.h"

namespace holdfast {
namespace {

#define AT(type, member, offset) \
  static_assert(offsetof(type, member) == (offset) && sizeof(type::member) != 0)

using log::SegmentHeader;
AT(SegmentHeader, magic, 0);
AT(SegmentHeader, format_version, 8);
AT(SegmentHeader, header_size, 12);
AT(SegmentHeader, store_id, 16);
AT(SegmentHeader, segment, 32);
AT(SegmentHeader, prev_end_lsn, 40);
AT(SegmentHeader, prev_segment, 48);
AT(SegmentHeader, start_version, 56);
AT(SegmentHeader, epoch, 64);
AT(SegmentHeader, prev_crc, 68);
AT(SegmentHeader, salt, 72);
AT(SegmentHeader, created_us, 80);
AT(SegmentHeader, capacity, 88);
AT(SegmentHeader, reserved, 92);
AT(SegmentHeader, crc, 508);

using log::RecordHeader;
AT(RecordHeader, header_crc, 0);
AT(RecordHeader, payload_crc, 4);
AT(RecordHeader, payload_size, 8);
AT(RecordHeader, type, 12);
AT(RecordHeader, flags, 14);
AT(RecordHeader, lsn, 16);
AT(RecordHeader, version, 24);
AT(RecordHeader, commit_time_us, 32);
AT(RecordHeader, durable_lsn, 40);
AT(RecordHeader, prev_header_crc, 48);
AT(RecordHeader, epoch, 52);
AT(RecordHeader, operation_count, 56);
AT(RecordHeader, pages_max, 60);

using store::Superblock;
AT(Superblock, magic, 0);
AT(Superblock, format_version, 8);
AT(Superblock, page_shift, 12);
AT(Superblock, store_id, 16);
AT(Superblock, created_us, 32);
AT(Superblock, segment_capacity_max, 40);
AT(Superblock, features_required, 48);
AT(Superblock, features_optional, 56);
AT(Superblock, reserved, 64);
AT(Superblock, crc, 252);

using store::Meta;
AT(Meta, magic, 0);
AT(Meta, number, 8);
AT(Meta, store_id, 16);
AT(Meta, version, 32);
AT(Meta, lsn, 40);
AT(Meta, commit_time_us, 48);
AT(Meta, prev_crc, 56);
AT(Meta, epoch, 60);
AT(Meta, root_pgno, 64);
AT(Meta, root_crc, 68);
AT(Meta, root_height, 72);
AT(Meta, root_flags, 76);
AT(Meta, file_pages, 80);
AT(Meta, written_us, 88);
AT(Meta, named_count, 96);
AT(Meta, reserved, 100);
AT(Meta, crc, 252);

using store::NamedValue;
AT(NamedValue, version, 0);
AT(NamedValue, lsn, 8);
AT(NamedValue, commit_time_us, 16);
AT(NamedValue, created_us, 24);
AT(NamedValue, root_pgno, 32);
AT(NamedValue, root_crc, 36);
AT(NamedValue, root_height, 40);
AT(NamedValue, root_flags, 44);
AT(NamedValue, prev_crc, 48);
AT(NamedValue, epoch, 52);
AT(NamedValue, reserved, 56);
AT(NamedValue, crc, 60);

using blob::FileHeader;
AT(FileHeader, magic, 0);
AT(FileHeader, format_version, 8);
AT(FileHeader, frame_size, 12);
AT(FileHeader, store_id, 16);
AT(FileHeader, incarnation, 32);
AT(FileHeader, created_us, 40);
AT(FileHeader, reserved, 48);
AT(FileHeader, crc, 60);

using blob::FrameEntry;
AT(FrameEntry, stored_size, 0);
AT(FrameEntry, crc, 4);

using blob::FileTrailer;
AT(FileTrailer, magic, 0);
AT(FileTrailer, content_size, 8);
AT(FileTrailer, frames_end, 16);
AT(FileTrailer, frame_count, 24);
AT(FileTrailer, hash, 32);
AT(FileTrailer, table_crc, 64);
AT(FileTrailer, reserved, 68);
AT(FileTrailer, crc, 76);

#undef AT

}  // namespace
}  // namespace holdfast
