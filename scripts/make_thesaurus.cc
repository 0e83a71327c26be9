// make_thesaurus: makes the thesaurus (search/thesaurus.h) of the database files of WordNet 3.0
// (wndb(5WN)), when Holdfast is built.
//
// Of each word, of its kSensesMax most frequent senses in each part of speech, count as related:
// the words of the sense itself, those that are derived from it, and those of all senses below, to
// kDepthMax steps, but for single persons; the nearest kRelatedMax. A word is its stem.
//
// Usage: make_thesaurus DIRECTORY FILE
#include <libstemmer.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/coding.h"

namespace {

constexpr size_t kSensesMax = 2;
constexpr int kDepthMax = 5;
constexpr size_t kRelatedMax = 128;
constexpr size_t kPartsOfSpeech = 4;
constexpr uint32_t kPersonsFile = 18;  // of the lexicographers: lexnames(5WN)
constexpr const char* kFileEndings[kPartsOfSpeech] = {"noun", "verb", "adj", "adv"};

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "make_thesaurus: %s\n", what.c_str());
  std::exit(1);
}

// A sense, by its part of speech and its offset in that file.
using SenseId = std::pair<size_t, uint32_t>;

struct Sense {
  bool is_of_persons = false;
  std::vector<std::string> words;  // single ones, of letters only
  std::vector<SenseId> below;
  std::vector<SenseId> instances;  // below, too: single ones
  std::vector<SenseId> derived;
};

size_t part_of_speech(char letter) {
  switch (letter) {
    case 'n':
      return 0;
    case 'v':
      return 1;
    case 'a':
    case 's':
      return 2;
    case 'r':
      return 3;
    default:
      fail(std::string("there is no part of speech ") + letter);
  }
}

// Folded; empty: it has other signs than letters, or is a single letter.
std::string folded(std::string word) {
  for (char& c : word) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c < 'a' || c > 'z') return {};
  }
  return word.size() > 1 ? word : std::string();
}

class WordNet {
 public:
  explicit WordNet(const std::string& directory) : directory_(directory) {
    for (size_t part = 0; part < kPartsOfSpeech; ++part) {
      read_senses(part);
      read_index(part);
    }
  }
  const Sense& sense(const SenseId& id) const {
    const auto at = senses_.find(id);
    if (at == senses_.end()) fail("a pointer leads nowhere");
    return at->second;
  }
  // Of each word its senses, in each part of speech the most frequent first.
  const std::map<std::string, std::vector<SenseId>>& words() const { return words_; }

 private:
  // Calls take(fields) for each line that is not of the licence at the top.
  template <typename Take>
  void for_each_line(const char* kind, size_t part, const Take& take) {
    const std::string path = directory_ + "/" + kind + "." + kFileEndings[part];
    std::ifstream file(path);
    if (!file) fail("cannot read " + path);
    std::string line;
    while (std::getline(file, line)) {
      if (line.starts_with(' ')) continue;
      std::istringstream fields(line);
      take(fields);
      if (!fields) fail("malformed: " + path);
    }
    if (!file.eof()) fail("cannot read " + path);
  }
  // offset file type words (word id)... pointers (symbol offset type source/target)...
  void read_senses(size_t part) {
    for_each_line("data", part, [&](std::istream& fields) {
      uint32_t offset = 0;
      uint32_t file = 0;
      uint32_t words = 0;
      uint32_t pointers = 0;
      std::string ignored;
      std::string word;
      fields >> offset >> file >> ignored >> std::hex >> words >> std::dec;
      Sense& sense = senses_[{part, offset}];
      sense.is_of_persons = file == kPersonsFile;
      for (; words > 0; --words) {
        fields >> word >> ignored;
        word = folded(word);
        if (!word.empty()) sense.words.push_back(word);
      }
      for (fields >> pointers; pointers > 0; --pointers) {
        std::string symbol;
        char type = 0;
        fields >> symbol >> offset >> type >> ignored;
        const SenseId target{part_of_speech(type), offset};
        if (symbol == "~") sense.below.push_back(target);
        if (symbol == "~i") sense.instances.push_back(target);
        if (symbol == "+") sense.derived.push_back(target);
      }
    });
  }
  // lemma type senses pointers symbols... senses tagged offsets...
  void read_index(size_t part) {
    for_each_line("index", part, [&](std::istream& fields) {
      std::string lemma;
      std::string ignored;
      size_t senses = 0;
      size_t pointers = 0;
      fields >> lemma >> ignored >> senses >> pointers;
      for (size_t i = 0; i < pointers + 2; ++i) fields >> ignored;
      lemma = folded(lemma);
      for (size_t i = 0; i < senses; ++i) {
        uint32_t offset = 0;
        fields >> offset;
        if (i < kSensesMax && !lemma.empty()) words_[lemma].push_back({part, offset});
      }
    });
  }

  const std::string directory_;
  std::map<SenseId, Sense> senses_;
  std::map<std::string, std::vector<SenseId>> words_;
};

class Stemmer {
 public:
  std::string operator()(const std::string& word) {
    const auto* const bytes = reinterpret_cast<const sb_symbol*>(word.data());
    const sb_symbol* const stem =
        sb_stemmer_stem(stemmer_.get(), bytes, static_cast<int>(word.size()));
    if (stem == nullptr) fail("no memory for stemming");
    return {reinterpret_cast<const char*>(stem),
            static_cast<size_t>(sb_stemmer_length(stemmer_.get()))};
  }

 private:
  struct Deleter {
    void operator()(sb_stemmer* stemmer) const { sb_stemmer_delete(stemmer); }
  };
  std::unique_ptr<sb_stemmer, Deleter> stemmer_{sb_stemmer_new("english", "UTF_8")};
};

using Thesaurus = std::map<std::string, std::set<std::string>>;  // by stem

// What the words of one stem are related to, the nearest first until there are enough.
std::set<std::string> related_to(const WordNet& net, Stemmer& stem, const std::string& key,
                                 const std::vector<SenseId>& senses) {
  std::set<std::string> related;
  const auto add = [&](const Sense& sense) {
    for (const std::string& word : sense.words) {
      if (related.size() == kRelatedMax) return;
      std::string one = stem(word);
      if (one != key) related.insert(std::move(one));
    }
  };
  std::deque<std::pair<SenseId, int>> queue;
  std::set<SenseId> seen;
  const auto enqueue = [&](const SenseId& id, int depth) {
    if (seen.insert(id).second) queue.emplace_back(id, depth);
  };
  for (const SenseId& id : senses) enqueue(id, 0);
  for (; !queue.empty() && related.size() < kRelatedMax; queue.pop_front()) {
    const auto [id, depth] = queue.front();
    const Sense& sense = net.sense(id);
    add(sense);
    if (depth == 0) {
      for (const SenseId& derived : sense.derived) add(net.sense(derived));
    }
    if (depth == kDepthMax) continue;
    for (const SenseId& below : sense.below) enqueue(below, depth + 1);
    for (const SenseId& one : sense.instances) {
      if (!net.sense(one).is_of_persons) enqueue(one, depth + 1);
    }
  }
  return related;
}

Thesaurus make(const WordNet& net) {
  Stemmer stem;
  std::map<std::string, std::vector<SenseId>> senses;
  for (const auto& [word, of_word] : net.words()) {
    auto& of_stem = senses[stem(word)];
    of_stem.insert(of_stem.end(), of_word.begin(), of_word.end());
  }
  Thesaurus thesaurus;
  for (const auto& [key, of_stem] : senses) thesaurus[key] = related_to(net, stem, key, of_stem);
  // What is only named by others has no entry of its own.
  std::set<std::string> named;
  for (const auto& [key, related] : thesaurus) named.insert(related.begin(), related.end());
  for (const std::string& one : named) thesaurus[one];
  std::erase_if(thesaurus, [&](const auto& entry) {
    return entry.second.empty() && !named.contains(entry.first);
  });
  return thesaurus;
}

void append_u32(std::string& out, size_t value) {
  out.resize(out.size() + sizeof(uint32_t));
  holdfast::store_le(out.data() + out.size() - sizeof(uint32_t), static_cast<uint32_t>(value));
}

// As search/thesaurus.h says.
std::string encode(const Thesaurus& thesaurus) {
  std::map<std::string_view, size_t> places;
  for (const auto& [key, related] : thesaurus) places.emplace(key, places.size());
  std::string words;
  std::string lists;
  std::string word_ends;
  std::string list_ends;
  for (const auto& [key, related] : thesaurus) {
    words += key;
    append_u32(word_ends, words.size());
    size_t before = 0;
    for (const std::string& one : related) {
      const size_t place = places.at(one);
      holdfast::append_varint(lists, place - before);
      before = place;
    }
    append_u32(list_ends, lists.size());
  }
  std::string out;
  append_u32(out, thesaurus.size());
  return out + word_ends + list_ends + words + lists;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) fail("usage: make_thesaurus DIRECTORY FILE");
  const std::string bytes = encode(make(WordNet(arguments[1])));
  std::ofstream file(arguments[2], std::ios::binary);
  file << bytes;
  file.close();
  if (!file) fail(std::string("cannot write ") + arguments[2]);
}
