#include "documents/reader.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "documents/encoding.h"

namespace holdfast::documents {
namespace {

std::string gzip(std::string_view text) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

TEST(Reader, GzipIsUnpackedWithAllItsMembers) {
  ReadOutcome outcome = read_document("/doc/bash/README.gz", gzip("one\n\n") + gzip("two\n"));
  ASSERT_EQ(outcome.document.sections.size(), 1u);
  EXPECT_EQ(outcome.document.sections[0].text, "one\n\ntwo");
  EXPECT_EQ(outcome.document.title, "bash/README");
}

TEST(Reader, TruncatedGzipIsSkippedAsDamaged) {
  std::string packed = gzip(std::string(5000, 'x') + "end");
  packed.resize(packed.size() - 12);
  EXPECT_EQ(read_document("a.gz", packed).skip, Skip::kDamaged);
}

TEST(Reader, ManualPagesAreRead) {
  ReadOutcome outcome = read_document("/man/man1/x.1.gz", gzip(".TH X 1\n.SH NAME\nx - y\n"));
  EXPECT_EQ(outcome.document.title, "x(1)");
  ASSERT_EQ(outcome.document.sections.size(), 1u);
  EXPECT_EQ(outcome.document.sections[0].heading, "NAME");
}

TEST(Reader, WhatIsNoTextIsSkipped) {
  EXPECT_EQ(read_document("a", std::string("\x7F"
                                           "ELF\0\1",
                                           6))
                .skip,
            Skip::kBinary);
  EXPECT_EQ(read_document("a.html", "<p>x</p>").skip, Skip::kMarkup);
  EXPECT_EQ(read_document("a", "").skip, Skip::kEmpty);
  EXPECT_EQ(read_document("x.1", ".so man1/y.1\n").skip, Skip::kAlias);
}

TEST(Reader, Latin1IsConverted) {
  ReadOutcome outcome = read_document("a.txt", "Jos\xE9 wrote caf\xE9 and na\xEFve.\n");
  EXPECT_TRUE(outcome.converted_from_latin1);
  ASSERT_EQ(outcome.document.sections.size(), 1u);
  EXPECT_EQ(outcome.document.sections[0].text, "Jos\xC3\xA9 wrote caf\xC3\xA9 and na\xC3\xAFve.");
}

TEST(Reader, OtherEncodingsAreNotGuessed) {
  EXPECT_EQ(read_document("a", "\xF0\xD2\xC9\xD7\xC5\xD4 \xED\xC9\xD2\n").skip, Skip::kEncoding);
  EXPECT_EQ(read_document("a", "ksi\xB1\xBFka\n").skip, Skip::kEncoding);
  EXPECT_EQ(read_document("a",
                          "ma\xB3"
                          "a\n")
                .skip,
            Skip::kEncoding);                                        // ISO-8859-2
  EXPECT_EQ(read_document("a", "it\x92s\n").skip, Skip::kEncoding);  // Windows-1252
  EXPECT_EQ(read_document("a", "-*- coding: koi8-r -*-\nx\xE9y\n").skip, Skip::kEncoding);
}

TEST(Reader, ADeclaredLatin1IsBelieved) {
  EXPECT_EQ(*latin1_to_utf8("coding: ISO-8859-1\n\xB1\xB2\xB3"),
            "coding: ISO-8859-1\n\xC2\xB1\xC2\xB2\xC2\xB3");
}

TEST(Reader, OverstrikesAreRemoved) {
  ReadOutcome outcome = read_document("a", "N\bNA\bAM\bME\bE _\bx\n");
  ASSERT_EQ(outcome.document.sections.size(), 1u);
  EXPECT_EQ(outcome.document.sections[0].text, "NAME x");
}

TEST(Reader, AMissingFileIsNotFound) {
  EXPECT_EQ(load_file("/nonexistent/file").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(load_file("/tmp").status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace holdfast::documents
