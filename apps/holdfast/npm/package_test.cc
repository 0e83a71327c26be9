#include "npm/package.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdio>

namespace holdfast::npm {
namespace {

std::string packed(const std::string& bytes) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, bytes.size()) + 32, 0);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string entry(const std::string& name, const std::string& content, char type = '0') {
  std::string block(512, 0);
  name.copy(block.data(), 100);
  std::snprintf(block.data() + 124, 12, "%011zo", content.size());
  block[156] = type;
  block.replace(257, 5, "ustar");
  block.replace(148, 8, 8, ' ');
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  std::snprintf(block.data() + 148, 8, "%06o", sum);
  return block + content + std::string((512 - content.size() % 512) % 512, 0);
}

const std::string kEnd(1024, 0);

std::string test_tar() {
  return entry("package/package.json", "{}") + entry("package/dist/a", "one") +
         entry("package/dist/b", std::string(1000, 'b')) + entry("package/dist/link", "", '2') +
         entry("package/other/c", "three") + kEnd;
}

TEST(NpmPackage, TheFilesOfAFolderAreFound) {
  const auto files = unpack(packed(test_tar()), "dist");
  ASSERT_TRUE(files) << files.status().to_string();
  ASSERT_EQ(files->size(), 2u);
  EXPECT_EQ(files->at("a"), "one");
  EXPECT_EQ(files->at("b"), std::string(1000, 'b'));
}

TEST(NpmPackage, WhatIsCutOffIsRefused) {
  const std::string whole = packed(test_tar());
  for (size_t size = 0; size < whole.size(); size += 3) {
    EXPECT_EQ(unpack(whole.substr(0, size), "dist").status().code(), StatusCode::kInvalidArgument);
  }
  const std::string tar = entry("package/dist/a", std::string(2000, 'a'));
  EXPECT_EQ(unpack(packed(tar.substr(0, 1500)), "dist").status().code(),
            StatusCode::kInvalidArgument);
}

TEST(NpmPackage, ATableThatIsDamagedIsRefused) {
  for (const size_t at : {0u, 10u, 124u, 130u, 150u, 156u}) {
    std::string tar = test_tar();
    tar[512 + 512 + at] = '9';
    EXPECT_EQ(unpack(packed(tar), "dist").status().code(), StatusCode::kInvalidArgument) << at;
  }
}

// A few hundred KiB that would fill the memory.
TEST(NpmPackage, WhatBecomesTooLargeIsRefused) {
  const auto status = unpack(packed(std::string(kUnpackedSizeMax + 1, 0)), "dist").status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("too large"), std::string_view::npos);
}

TEST(NpmPackage, WhatIsNotPackedIsRefused) {
  EXPECT_EQ(unpack(test_tar(), "dist").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(unpack("", "dist").status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace holdfast::npm
