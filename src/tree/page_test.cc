// Facts about single pages: building, editing, dividing, and surviving hostile bytes.
#include "tree/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/crc32c.h"
#include "tree/page_builder.h"
#include "tree/partition.h"

namespace holdfast::tree {
namespace {

using testing::IsEmpty;

struct Cells {
  std::vector<std::string> keys, values;

  std::vector<LeafEntry> entries() const {
    std::vector<LeafEntry> entries;
    for (size_t i = 0; i < keys.size(); ++i) entries.push_back({keys[i], values[i], false});
    return entries;
  }
};

Cells numbered_cells(const std::string& prefix, int count, size_t value_size) {
  Cells cells;
  for (int i = 0; i < count; ++i) {
    char number[16];
    std::snprintf(number, sizeof(number), "%05d", i);
    cells.keys.push_back(prefix + number);
    cells.values.emplace_back(value_size, static_cast<char>('a' + i % 26));
  }
  return cells;
}

Image numbered(Image image, uint32_t page_size, uint32_t pgno) {
  PageEditor(image.get(), page_size).set_pgno(pgno);
  return image;
}

TEST(PageTest, ABuiltLeafHoldsItsCells) {
  const Cells cells = numbered_cells("user/", 50, 20);
  const Image image = numbered(build_leaf(cells.entries(), 4096, 7), 4096, 9);
  const Page page(image.get(), 4096);
  EXPECT_EQ(validate_page(image.get(), 4096, 9), "");
  EXPECT_NE(validate_page(image.get(), 4096, 8), "");
  EXPECT_EQ(page.prefix(), "user/000");
  EXPECT_EQ(page.birth_version(), 7u);
  EXPECT_FALSE(page.has_overflow());
  for (uint32_t i = 0; i < 50; ++i) {
    bool equal = false;
    EXPECT_EQ(page.lower_bound(cells.keys[i], &equal), i);
    EXPECT_TRUE(equal);
    EXPECT_EQ(page.value(i).inline_bytes, cells.values[i]);
    EXPECT_EQ(page.lower_bound(cells.keys[i] + '\0', &equal), i + 1);
    EXPECT_FALSE(equal);
  }
  bool equal = false;
  EXPECT_EQ(page.lower_bound("user/", &equal), 0u);
  EXPECT_EQ(page.lower_bound("u", &equal), 0u);
  EXPECT_EQ(page.lower_bound("v", &equal), 50u);
  EXPECT_EQ(page.lower_bound("", &equal), 0u);
}

TEST(PageTest, EditsGiveWhatARebuildWouldHold) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    Cells cells = numbered_cells("k", 20, 10);
    Image image = numbered(build_leaf(cells.entries(), 4096, 1), 4096, 5);
    std::map<std::string, std::string> model;
    for (size_t i = 0; i < cells.keys.size(); ++i) model[cells.keys[i]] = cells.values[i];
    PageEditor editor(image.get(), 4096);
    for (int i = 0; i < 30; ++i) {
      const std::string key = "k000" + std::to_string(10 + random() % 30);
      const std::string value(random() % 60, 'x');
      bool equal = false;
      const uint32_t index = editor.page().lower_bound(key, &equal);
      if (equal && random() % 2 == 0 && editor.page().cell_count() > 1) {
        editor.erase(index);
        model.erase(key);
      } else if (equal) {
        editor.replace(index, {key, value, false});
        model[key] = value;
      } else {
        editor.insert(index, {key, value, false});
        model[key] = value;
      }
    }
    ASSERT_EQ(validate_page(image.get(), 4096, 5), "");
    ASSERT_EQ(editor.page().cell_count(), model.size());
    uint32_t i = 0, used = sizeof(PageHeader) + editor.page().prefix_size();
    for (const auto& [key, value] : model) {
      ASSERT_EQ(std::string(editor.page().prefix()) + std::string(editor.page().suffix(i)), key);
      ASSERT_EQ(editor.page().value(i++).inline_bytes, value);
      used += static_cast<uint32_t>(sizeof(Slot) + key.size() - editor.page().prefix_size() + 2 +
                                    value.size());
    }
    ASSERT_EQ(editor.page().used_size(), used);
  }
}

TEST(PageTest, TheMeterPredictsTheSizeOfThePage) {
  const Cells cells = numbered_cells("a long prefix of every key/", 60, 9);
  const std::vector<LeafEntry> entries = cells.entries();
  PageMeter meter(false);
  for (const LeafEntry& entry : entries) {
    const uint32_t expected = meter.size_with(entry.key, entry.body_size());
    meter.add(entry.key, entry.body_size());
    EXPECT_EQ(meter.size(), expected);
  }
  const Image image = build_leaf(entries, 4096, 1);
  EXPECT_EQ(Page(image.get(), 4096).used_size(), meter.size());
}

TEST(PageTest, TheShortestSeparatorSeparates) {
  EXPECT_EQ(shortest_separator("apple", "banana"), "b");
  EXPECT_EQ(shortest_separator("a", "ab"), "ab");
  EXPECT_EQ(shortest_separator("abcdefgh1", "abcdefgh2xyz"), "abcdefgh2");
  EXPECT_EQ(shortest_separator("a", std::string_view("a\0b", 3)), std::string_view("a\0", 2));
}

TEST(PageTest, DividingEvenlyUsesTheFewestPagesOfSimilarSize) {
  const Cells cells = numbered_cells("k", 300, 20);
  const std::vector<LeafEntry> entries = cells.entries();
  const std::vector<uint32_t> ends = partition(std::span(entries), Fill::kEven, 4096);
  ASSERT_EQ(ends.size(), 3u);
  EXPECT_NEAR(ends[0], 100, 3);
  EXPECT_NEAR(ends[1], 200, 3);
  EXPECT_EQ(ends[2], 300u);
}

TEST(PageTest, DividingAppendedKeysFillsAllPagesButTheLast) {
  const Cells cells = numbered_cells("k", 1000, 20);
  const std::vector<LeafEntry> entries = cells.entries();
  uint32_t begin = 0;
  const auto ends = partition(std::span(entries), Fill::kAppend, 4096);
  for (size_t i = 0; i + 1 < ends.size(); ++i) {
    const Image image = build_leaf(std::span(entries).subspan(begin, ends[i] - begin), 4096, 1);
    EXPECT_GT(Page(image.get(), 4096).used_size(), 4096u - 40);
    begin = ends[i];
  }
}

// Reads everything a page offers; a sanitizer would object to a byte outside of it.
size_t read_all(const Page& page, std::mt19937& random) {
  size_t sum = page.prefix().size();
  for (uint32_t i = 0; i < page.cell_count(); ++i) {
    for (const char byte : page.suffix(i)) sum += static_cast<uint8_t>(byte);
    if (!page.is_leaf()) {
      sum += page.child(i).pgno;
      continue;
    }
    for (const char byte : page.body(i)) sum += static_cast<uint8_t>(byte);
    sum += page.value(i).inline_bytes.size();
  }
  for (int i = 0; i < 5; ++i) {
    const std::string key(random() % 40, static_cast<char>(random()));
    bool equal = false;
    sum += page.is_leaf() ? page.lower_bound(key, &equal) : page.child_index(key);
  }
  return sum;
}

TEST(PageTest, HostileBytesWithAMatchingChecksumNeverLeadOutside) {
  std::mt19937 random(11);
  const Cells cells = numbered_cells("user/", 12, 9);
  std::vector<ChildEntry> children;
  for (const std::string& key : cells.keys) children.push_back({key, {3, 4, false}});
  int accepted = 0;
  for (int round = 0; round < 40000; ++round) {
    Image image =
        round % 2 == 0 ? build_leaf(cells.entries(), 512, 1) : build_branch(children, 1, 512, 1);
    PageEditor(image.get(), 512).set_pgno(1);
    for (uint32_t i = 1 + random() % 4; i > 0; --i) {
      const uint32_t limit = random() % 2 == 0 ? 140 : 512;
      image[random() % limit] = static_cast<char>(random());
    }
    // Two pages, the hostile one last, so that reading on leaves the allocation.
    std::vector<char> file(1024);
    std::memcpy(file.data() + 512, image.get(), 512);
    PageSource source(file.data(), 9, 2);
    source.set_page_count(2);
    Status error;
    const char* bytes = source.load({1, crc32c({image.get(), 512}), false}, &error);
    if (bytes == nullptr) continue;
    ++accepted;
    EXPECT_GT(read_all(Page(bytes, 512), random), 0u);
  }
  EXPECT_GT(accepted, 1000);
}

}  // namespace
}  // namespace holdfast::tree
