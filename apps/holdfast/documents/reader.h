// Reads one file into a document: unpacks gzip, finds out what it is, makes it UTF-8, cuts it into
// sections. Who: ingest. Every function may be called from any thread.
#pragma once

#include <string>
#include <string_view>

#include "documents/section.h"
#include "holdfast/status.h"

namespace holdfast::documents {

enum class Skip : uint8_t {
  kNone,
  kBinary,    // not text
  kMarkup,    // HTML, XML, JSON and the like: their tags would be read as words
  kEncoding,  // neither UTF-8 nor surely Latin-1
  kAlias,     // a manual page that only points to another
  kEmpty,
  kTooLarge,  // over kDocumentBytesMax, unpacked
  kDamaged,   // gzip that does not unpack
};
constexpr size_t kSkipCount = 8;
std::string_view skip_name(Skip skip);

constexpr size_t kDocumentBytesMax = 32u << 20;

struct ReadOutcome {
  Document document;  // without sections when skipped
  Skip skip = Skip::kNone;
  bool converted_from_latin1 = false;
};

// The bytes of a file. Errors: NotFound, PermissionDenied, IoError, TooLarge.
Result<std::string> load_file(const std::string& path);

// `path` tells the title and, by its ending, the format of `bytes`.
ReadOutcome read_document(const std::string& path, std::string bytes);

}  // namespace holdfast::documents
