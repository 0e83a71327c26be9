#include "search/thesaurus.h"

#include "base/check.h"
#include "base/coding.h"

// The bytes that the build has made.
asm(".pushsection .rodata\n"
    ".balign 8\n"
    ".globl holdfast_thesaurus\n"
    "holdfast_thesaurus:\n"
    ".incbin \"" HOLDFAST_THESAURUS
    "\"\n"
    ".globl holdfast_thesaurus_end\n"
    "holdfast_thesaurus_end:\n"
    ".byte 0\n"
    ".popsection\n");

extern "C" const char holdfast_thesaurus[];
extern "C" const char holdfast_thesaurus_end[];

namespace holdfast::search {
namespace {

class Thesaurus {
 public:
  Thesaurus() {
    CHECK(bytes_.size() > sizeof(uint32_t));
    count_ = load_le<uint32_t>(bytes_.data());
    CHECK(bytes_.size() > words_at());
    CHECK(bytes_.size() == lists_at() + end(2 * count_));
  }

  // The number of a word, or count_.
  size_t find(std::string_view word) const {
    size_t first = 0;
    size_t last = count_;
    while (first < last) {
      const size_t middle = (first + last) / 2;
      if (this->word(middle) < word) {
        first = middle + 1;
      } else {
        last = middle;
      }
    }
    return first < count_ && this->word(first) == word ? first : count_;
  }
  std::string_view word(size_t number) const {
    const size_t begin = number == 0 ? 0 : end(number);
    return bytes_.substr(words_at() + begin, end(number + 1) - begin);
  }
  std::vector<std::string_view> related(size_t number) const {
    const size_t begin = number == 0 ? 0 : end(count_ + number);
    std::string_view list = bytes_.substr(lists_at() + begin, end(count_ + number + 1) - begin);
    std::vector<std::string_view> words;
    size_t one = 0;
    while (!list.empty()) {
      const auto more = take_varint(list);
      CHECK(more && *more < count_ - one);
      one += *more;
      words.push_back(word(one));
    }
    return words;
  }
  size_t count() const { return count_; }

 private:
  // Where the nth word, or behind them the list, ends; from 1.
  size_t end(size_t nth) const { return load_le<uint32_t>(bytes_.data() + nth * sizeof(uint32_t)); }
  size_t words_at() const { return (1 + 2 * count_) * sizeof(uint32_t); }
  size_t lists_at() const { return words_at() + end(count_); }

  const std::string_view bytes_{holdfast_thesaurus,
                                static_cast<size_t>(holdfast_thesaurus_end - holdfast_thesaurus)};
  size_t count_ = 0;
};

}  // namespace

std::vector<std::string_view> related_stems(std::string_view stem) {
  static const Thesaurus thesaurus;
  const size_t number = thesaurus.find(stem);
  return number == thesaurus.count() ? std::vector<std::string_view>{} : thesaurus.related(number);
}

}  // namespace holdfast::search
