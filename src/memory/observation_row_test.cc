#include "memory/observation_row.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace holdfast::memory {
namespace {

NewObservation full_observation() {
  NewObservation o;
  o.content = std::string("line\n\0\ttext \u7528\u6237", 18);
  o.title = "title";
  o.source = "tool:bash";
  o.kind = "note";
  o.session = "s1";
  o.run = "r1";
  o.tags = {"x", "y z"};
  o.metadata = "{ \"a\":  1.0 }";
  o.confidence = 0.1;
  o.happened_us = -5;
  o.embedding = Embedding{"model", "2", {1.5f, -0.0f, 3e-45f}};
  o.key = "k";
  return o;
}

void expect_same(const NewObservation& a, const NewObservation& b) {
  EXPECT_EQ(a.content, b.content);
  EXPECT_EQ(a.title, b.title);
  EXPECT_EQ(a.source, b.source);
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.session, b.session);
  EXPECT_EQ(a.run, b.run);
  EXPECT_EQ(a.tags, b.tags);
  EXPECT_EQ(a.metadata, b.metadata);
  EXPECT_EQ(a.confidence, b.confidence);
  EXPECT_EQ(a.happened_us, b.happened_us);
  EXPECT_EQ(a.key, b.key);
}

TEST(ObservationRow, AllFieldsComeBack) {
  const NewObservation o = full_observation();
  auto row = decode_row(Uuid{}, encode_row(o, 77));
  ASSERT_TRUE(row) << row.status().to_string();
  expect_same(row->observation, o);
  EXPECT_EQ(row->observation.created_us, 77);
  EXPECT_FALSE(row->has_long_content);
}

TEST(ObservationRow, AbsentIsNotEmpty) {
  NewObservation absent;
  absent.content = "c";
  expect_same(decode_row(Uuid{}, encode_row(absent, 0))->observation, absent);
  NewObservation empty = absent;
  empty.title = empty.source = empty.kind = empty.session = empty.run = "";
  empty.confidence = 0;
  empty.happened_us = 0;
  const auto row = decode_row(Uuid{}, encode_row(empty, 0));
  expect_same(row->observation, empty);
  EXPECT_NE(row->observation.title, absent.title);
}

TEST(ObservationRow, ExtremeTimesComeBack) {
  for (const int64_t time : {std::numeric_limits<int64_t>::min(), int64_t{-1}, int64_t{0},
                             std::numeric_limits<int64_t>::max()}) {
    NewObservation o;
    o.content = "c";
    o.happened_us = time;
    EXPECT_EQ(decode_row(Uuid{}, encode_row(o, 0))->observation.happened_us, time);
  }
}

TEST(ObservationRow, EveryTruncationIsRefused) {
  const std::string row = encode_row(full_observation(), 77);
  for (size_t size = 0; size < row.size(); ++size) {
    EXPECT_EQ(decode_row(Uuid{}, row.substr(0, size)).status().code(), StatusCode::kCorruption);
  }
  EXPECT_FALSE(decode_row(Uuid{}, row + "x"));
}

TEST(ObservationRow, AllFieldsAtTheirLimitsFitAValue) {
  NewObservation o;
  o.content = std::string(kInlineContentSizeMax, 'c');
  o.title = std::string(kTitleSizeMax, 't');
  o.source = o.kind = o.session = o.run = o.key = std::string(kLabelSizeMax, 'l');
  o.tags.assign(kTagsMax, std::string(kTagSizeMax, 't'));
  o.metadata = "\"" + std::string(kMetadataSizeMax - 2, 'm') + "\"";
  ASSERT_TRUE(check_observation(o)) << check_observation(o).to_string();
  EXPECT_LE(encode_row(o, 0).size(), 1u << 20);
}

StatusCode code_of(const std::function<void(NewObservation&)>& change) {
  NewObservation o = full_observation();
  change(o);
  return check_observation(o).code();
}

TEST(ObservationCheck, RefusesWhatCannotBeStored) {
  constexpr auto kInvalid = StatusCode::kInvalidArgument;
  constexpr auto kTooLarge = StatusCode::kTooLarge;
  const std::string long_label(kLabelSizeMax + 1, 'l');
  EXPECT_EQ(code_of([](auto&) {}), StatusCode::kOk);
  EXPECT_EQ(code_of([](auto& o) { o.content = ""; }), kInvalid);
  EXPECT_EQ(code_of([](auto& o) { o.content.assign(kContentSizeMax + 1, 'c'); }), kTooLarge);
  EXPECT_EQ(code_of([](auto& o) { o.title = "\xff"; }), kInvalid);
  EXPECT_EQ(code_of([](auto& o) { o.title = std::string(kTitleSizeMax + 1, 't'); }), kTooLarge);
  EXPECT_EQ(code_of([&](auto& o) { o.source = long_label; }), kTooLarge);
  EXPECT_EQ(code_of([](auto& o) { o.key = ""; }), kInvalid);
  EXPECT_EQ(code_of([](auto& o) { o.tags = {""}; }), kInvalid);
  EXPECT_EQ(code_of([](auto& o) { o.tags.assign(kTagsMax + 1, "t"); }), kTooLarge);
  EXPECT_EQ(code_of([](auto& o) { o.metadata = "{"; }), kInvalid);
  EXPECT_EQ(code_of([](auto& o) { o.confidence = std::nan(""); }), kInvalid);
  EXPECT_EQ(code_of([](auto& o) { o.embedding->values.clear(); }), kInvalid);
  EXPECT_EQ(code_of([](auto& o) { o.embedding->values.resize(1); }), kInvalid);
  EXPECT_EQ(code_of([](auto& o) { o.embedding->model = ""; }), kInvalid);
  EXPECT_EQ(code_of([](auto& o) { o.embedding->values[1] = INFINITY; }), kInvalid);
  EXPECT_EQ(code_of([](auto& o) { o.embedding->values.resize(kDimensionMax + 1); }), kInvalid);
}

TEST(ObservationCheck, NamesTheBadByte) {
  NewObservation o;
  o.content = "abc\xc3(";
  const Status status = check_observation(o);
  EXPECT_EQ(status.offset(), 3u);
  EXPECT_NE(status.message().find("content is not UTF-8"), std::string::npos);
}

}  // namespace
}  // namespace holdfast::memory
