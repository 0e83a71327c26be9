#include "memory/fields.h"

#include <gtest/gtest.h>

#include <limits>

namespace holdfast::memory {
namespace {

TEST(FieldsTest, WhatIsWrittenIsRead) {
  FieldWriter writer;
  writer.number(1, 7).integer(2, -5).real(3, 0.25).text(4, std::string_view("a\0b", 3));
  writer.integer(5, std::numeric_limits<int64_t>::min()).text(6, "");
  auto reader = FieldReader::parse(writer.bytes(), "row");
  ASSERT_TRUE(reader) << reader.status().to_string();
  EXPECT_EQ(reader->number(1), 7u);
  EXPECT_EQ(reader->integer(2), -5);
  EXPECT_EQ(reader->real(3), 0.25);
  EXPECT_EQ(reader->text(4), std::string("a\0b", 3));
  EXPECT_EQ(reader->integer(5), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(reader->text(6), "");
}

TEST(FieldsTest, AbsentIsNotEmpty) {
  FieldWriter writer;
  writer.text_if(1, std::nullopt).number_if(2, std::nullopt);
  EXPECT_EQ(writer.bytes().size(), 1u);
  auto reader = FieldReader::parse(writer.bytes(), "row");
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->text(1), std::nullopt);
  EXPECT_EQ(reader->number(2), std::nullopt);
  EXPECT_EQ(reader->number_or(2, 9), 9u);
}

TEST(FieldsTest, ARepeatedFieldIsAList) {
  FieldWriter writer;
  writer.texts(3, {"x", "", "y"}).number(4, 1);
  auto reader = FieldReader::parse(writer.bytes(), "row");
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->texts(3), (std::vector<std::string>{"x", "", "y"}));
  EXPECT_TRUE(reader->texts(5).empty());
}

TEST(FieldsTest, UnknownFieldsArePassedOver) {
  FieldWriter writer;
  writer.text(90, "of a later build").number(1, 3);
  auto reader = FieldReader::parse(writer.bytes(), "row");
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->number(1), 3u);
}

TEST(FieldsTest, ARowCutAnywhereIsRefusedOrShorterByWholeFields) {
  FieldWriter writer;
  writer.text(1, "abcdef").number(2, 300).text(3, "xyz");
  const std::string& bytes = writer.bytes();
  for (size_t size = 0; size < bytes.size(); ++size) {
    auto reader = FieldReader::parse(std::string_view(bytes).substr(0, size), "row");
    if (!reader) {
      EXPECT_EQ(reader.status().code(), StatusCode::kCorruption);
    } else {
      EXPECT_EQ(reader->text(3), std::nullopt);
    }
  }
}

TEST(FieldsTest, ANewerFormatIsRefused) {
  FieldWriter writer(2);
  EXPECT_EQ(FieldReader::parse(writer.bytes(), "row").status().code(), StatusCode::kCorruption);
  EXPECT_TRUE(FieldReader::parse(writer.bytes(), "row", 2));
}

}  // namespace
}  // namespace holdfast::memory
