#include "bench/text/corpus.h"

#include <utility>

namespace holdfast::bench {
namespace {

constexpr size_t kPrefixLetters = 4;

// Two neighbouring letters swapped.
std::string misspelt(std::string word, Random& random) {
  const size_t at = 1 + random.below(word.size() - 2);
  std::swap(word[at], word[at + 1]);
  return word;
}

}  // namespace

std::vector<QueryKind> kinds_of_each(
    const std::function<std::vector<std::string>(Random&)>& neighbours,
    const std::function<std::string(Random&)>& one) {
  using Form = Query::Form;
  return {
      {"2 words, both",
       [=](Random& random) {
         return Query{Form::kAll, neighbours(random)};
       }},
      {"phrase of 2 words",
       [=](Random& random) {
         return Query{Form::kPhrase, neighbours(random)};
       }},
      {"4 letters*",
       [=](Random& random) {
         return Query{Form::kPrefix, {one(random).substr(0, kPrefixLetters)}};
       }},
      {"1 misspelt word",
       [=](Random& random) {
         return Query{Form::kAny, {misspelt(one(random), random)}, false};
       },
       true},
  };
}

}  // namespace holdfast::bench
