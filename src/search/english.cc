#include "search/english.h"

#include <algorithm>

namespace holdfast::search {
namespace {

// The forms of a word, apart by spaces; those that a stemmer brings together are left out.
constexpr std::string_view kForms[] = {
    "awake awoke awoken",
    "become became",
    "begin began begun",
    "bend bent",
    "bite bitten",
    "bleed bled",
    "blow blew blown",
    "break broke broken",
    "breed bred",
    "bring brought",
    "build built",
    "burn burnt",
    "buy bought",
    "catch caught",
    "child children",
    "choose chose chosen",
    "cling clung",
    "come came",
    "creep crept",
    "crisis crises",
    "deal dealt",
    "dig dug",
    "draw drew drawn",
    "dream dreamt",
    "drink drank drunk",
    "drive drove driven",
    "eat ate eaten",
    "fall fell fallen",
    "feed fed",
    "feel felt",
    "fight fought",
    "find found",
    "flee fled",
    "fling flung",
    "fly flew flown",
    "foot feet",
    "forbid forbade forbidden",
    "forget forgot forgotten",
    "forgive forgave forgiven",
    "freeze froze frozen",
    "get got gotten",
    "give gave given",
    "go went gone",
    "goose geese",
    "grow grew grown",
    "half halves",
    "hang hung",
    "hear heard",
    "hide hid hidden",
    "hold held",
    "keep kept",
    "kneel knelt",
    "knife knives",
    "know knew known",
    "lead led",
    "leaf leaves",
    "lend lent",
    "lose lost",
    "make made",
    "man men",
    "mean meant",
    "meet met",
    "mistake mistook mistaken",
    "mouse mice",
    "pay paid",
    "person people",
    "ride rode ridden",
    "ring rang rung",
    "rise rose risen",
    "run ran",
    "say said",
    "see saw seen",
    "seek sought",
    "sell sold",
    "send sent",
    "shake shook shaken",
    "shelf shelves",
    "shine shone",
    "shoot shot",
    "shrink shrank shrunk",
    "sing sang sung",
    "sink sank sunk",
    "sit sat",
    "sleep slept",
    "speak spoke spoken",
    "spend spent",
    "spin spun",
    "stand stood",
    "steal stole stolen",
    "stick stuck",
    "strike struck",
    "swear swore sworn",
    "sweep swept",
    "swim swam swum",
    "swing swung",
    "take took taken",
    "teach taught",
    "tear tore torn",
    "tell told",
    "think thought",
    "thief thieves",
    "throw threw thrown",
    "tooth teeth",
    "understand understood",
    "undo undid undone",
    "wake woke woken",
    "wear wore worn",
    "weave wove woven",
    "weep wept",
    "wife wives",
    "win won",
    "withdraw withdrew withdrawn",
    "wolf wolves",
    "woman women",
    "write wrote written",
};

// In order.
constexpr std::string_view kFunctionWords[] = {
    "a",      "about", "am",    "an",    "and",  "any",    "are",   "as",   "at",    "be",
    "been",   "being", "but",   "by",    "can",  "could",  "did",   "do",   "does",  "doing",
    "for",    "from",  "had",   "has",   "have", "having", "he",    "her",  "hers",  "him",
    "his",    "how",   "i",     "if",    "in",   "into",   "is",    "it",   "its",   "many",
    "me",     "much",  "my",    "of",    "on",   "or",     "our",   "ours", "shall", "she",
    "should", "so",    "some",  "than",  "that", "the",    "their", "them", "then",  "there",
    "these",  "they",  "this",  "those", "to",   "us",     "was",   "we",   "were",  "what",
    "when",   "where", "which", "who",   "whom", "whose",  "why",   "will", "with",  "would",
    "you",    "your",  "yours"};
static_assert(std::is_sorted(std::begin(kFunctionWords), std::end(kFunctionWords)));

// Calls visit(word) for each of the words until it returns true, and says whether one has.
template <typename Visit>
bool any_word(std::string_view words, const Visit& visit) {
  while (!words.empty()) {
    const size_t size = std::min(words.find(' '), words.size());
    if (visit(words.substr(0, size))) return true;
    words.remove_prefix(std::min(size + 1, words.size()));
  }
  return false;
}

}  // namespace

std::vector<std::string_view> other_forms(std::string_view word) {
  std::vector<std::string_view> others;
  for (const std::string_view forms : kForms) {
    if (!any_word(forms, [&](std::string_view one) { return one == word; })) continue;
    any_word(forms, [&](std::string_view one) {
      if (one != word) others.push_back(one);
      return false;
    });
    break;
  }
  return others;
}

bool is_function_word(std::string_view word) {
  return std::binary_search(std::begin(kFunctionWords), std::end(kFunctionWords), word);
}

}  // namespace holdfast::search
