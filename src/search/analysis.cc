#include "search/analysis.h"

#include <libstemmer.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/coding.h"
#include "base/utf8.h"

namespace holdfast::search {
namespace {

bool is_word_character(CharacterClass c) {
  return c == CharacterClass::kUpper || c == CharacterClass::kLower || c == CharacterClass::kDigit;
}

bool stays_in_word(CharacterClass c) {
  return is_word_character(c) || c == CharacterClass::kMark || c == CharacterClass::kFormat;
}

bool is_stemmed(std::string_view word) {
  return word.size() > 2 && std::all_of(word.begin(), word.end(),
                                        [](char c) { return (c >= 'a' && c <= 'z') || c == '\''; });
}

// Letters, with their marks, of which there are more than two, and apostrophes.
bool is_letters(std::string_view word) {
  size_t letters = 0;
  while (!word.empty()) {
    const Character character = character_at(word);
    const CharacterClass one = character.character_class;
    const bool fits = one == CharacterClass::kUpper || one == CharacterClass::kLower ||
                      one == CharacterClass::kMark || character.code == '\'';
    if (!fits) return false;
    ++letters;
    word.remove_prefix(character.size);
  }
  return letters > 2;
}

// What follows the apostrophe of an English contraction, which the stemmer knows how to treat.
bool is_clitic(std::string_view text) {
  constexpr std::string_view kClitics[] = {"s", "S", "t", "d", "m", "re", "ve", "ll"};
  return std::find(std::begin(kClitics), std::end(kClitics), text) != std::end(kClitics);
}

bool is_path_separator(char c) {
  return c == '/' || c == ':' || c == '@';
}

// A word of up to 16 bytes as numbers: its first and its last ones, which may overlap.
struct PackedWord {
  static constexpr size_t kSizeMax = 16;
  explicit PackedWord(std::string_view word) : size(word.size()) {
    const char* const end = word.data() + size;
    if (size >= 8) {
      first = load_le<uint64_t>(word.data());
      last = load_le<uint64_t>(end - 8);
    } else if (size >= 4) {
      first = load_le<uint32_t>(word.data());
      last = load_le<uint32_t>(end - 4);
    } else if (size > 0) {
      first = static_cast<uint8_t>(word[0]);
      last = uint64_t{static_cast<uint8_t>(word[size / 2])} << 8 | static_cast<uint8_t>(end[-1]);
    }
  }
  // Of 64 bits the upper ones depend on every byte.
  uint64_t hash() const {
    const uint64_t half = (first ^ size) * 0x9e3779b97f4a7c15;
    return (half ^ half >> 32 ^ last) * 0xff51afd7ed558ccd;
  }

  uint64_t first = 0;
  uint64_t last = 0;
  size_t size;
};

struct KnownStem {
  static constexpr size_t kSizeMax = 14;
  uint64_t first;  // of the word, packed
  uint64_t last;
  uint8_t word_size;  // 0: nothing is here
  uint8_t stem_size;
  char stem[kSizeMax];
  bool is_of(const PackedWord& word) const {
    return word_size == word.size && first == word.first && last == word.last;
  }
};
static_assert(sizeof(KnownStem) == 32, "two to a cache line");

// Stems of English words that were met, by hash: most words come again, in the next text if not in
// this one. Each thread has its own, which the next thread takes over when it ends. Of 45 words of
// a text 7 % are not there; 16 % were not with half as many places and no choice among them.
class KnownStems {
 public:
  static KnownStems& of_thread() {
    thread_local KnownStems stems;
    return stems;
  }
  KnownStems() : places_(Spare::of_all().take()) {}
  KnownStems(const KnownStems&) = delete;
  KnownStems& operator=(const KnownStems&) = delete;
  ~KnownStems() { Spare::of_all().give(std::move(places_)); }

  // Where the word is, if it is known, or is to be put. nullptr: it is too long, or there is no
  // memory.
  KnownStem* find(const PackedWord& word) {
    if (word.size > PackedWord::kSizeMax || places_ == nullptr) return nullptr;
    KnownStem* const set = &places_[(word.hash() >> kHashShift) * kWays];
    if (set->is_of(word)) return set;
    size_t at = 1;
    while (at + 1 < kWays && !set[at].is_of(word)) ++at;
    if (!set[at].is_of(word)) set[at].word_size = 0;
    std::rotate(set, set + at, set + at + 1);  // the last one used comes first
    return set;
  }

 private:
  static constexpr size_t kSets = 4096;
  static constexpr size_t kHashShift = 52;
  static_assert(uint64_t{kSets} << kHashShift == 0, "as many as the bits that are left");
  static constexpr size_t kWays = 4;
  struct Free {
    void operator()(KnownStem* places) const { std::free(places); }
  };
  using Places = std::unique_ptr<KnownStem[], Free>;

  // Those of threads that ended. Where somebody else is at it, be it for ever in a forked child,
  // there are none.
  class Spare {
   public:
    // Lives as long as the last thread.
    static Spare& of_all() {
      static Spare& spare = *new Spare;
      return spare;
    }
    Places take() {
      const std::unique_lock lock(mutex_, std::try_to_lock);
      if (lock.owns_lock() && !places_.empty()) {
        Places places = std::move(places_.back());
        places_.pop_back();
        return places;
      }
      // Zeros of calloc cost nothing where they are not touched.
      return Places(static_cast<KnownStem*>(std::calloc(kSets * kWays, sizeof(KnownStem))));
    }
    void give(Places places) {
      constexpr size_t kSpareMax = 8;
      const std::unique_lock lock(mutex_, std::try_to_lock);
      if (places == nullptr || !lock.owns_lock() || places_.size() == kSpareMax) return;
      places_.push_back(std::move(places));
    }

   private:
    std::mutex mutex_;
    std::vector<Places> places_;
  };

  Places places_;
};

}  // namespace

void Analyzer::StemmerDeleter::operator()(sb_stemmer* stemmer) const {
  sb_stemmer_delete(stemmer);
}

Analyzer::Analyzer() : english_(sb_stemmer_new("english", "UTF_8")), stemmer_(english_.get()) {
  look_for_all();
  CHECK(stemmer_ != nullptr);
}
Analyzer::~Analyzer() = default;

void Analyzer::set_language(Language language) {
  if (language == language_) return;
  language_ = language;
  stemmer_ = english_.get();
  if (language == Language::kEnglish) return;
  Stemmer& stemmer = others_[language];
  if (!stemmer) {
    stemmer.reset(sb_stemmer_new(std::string(info_of(language).name).c_str(), "UTF_8"));
  }
  CHECK(stemmer != nullptr);  // there since libstemmer 2.0
  stemmer_ = stemmer.get();
}

void Analyzer::analyze(std::string_view text, const TokenVisitor& visit) {
  CHECK(text.size() < UINT32_MAX);
  text_ = text;
  visit_ = &visit;
  stopped_ = false;
  size_t at = 0;
  while (at < text_.size() && !stopped_) {
    const Character character = character_at(text_.substr(at));
    if (const size_t end = plain_word_end(at); end != 0) {
      emit_plain_word(at, end);
      at = end;
    } else if (is_word_character(character.character_class)) {
      at = collect_identifier(at);
      emit_identifier();
    } else if (is_spaceless(character.character_class)) {
      at = emit_spaceless_run(at);
    } else {
      at += character.size;
    }
  }
}

// Most words are ASCII letters, small but for the first or all capitals, with nothing behind them
// that joins: there is nothing to cut. Returns the offset after such a word, 0 where none begins.
size_t Analyzer::plain_word_end(size_t at) const {
  const auto class_at = [this](size_t i) {
    const auto byte = static_cast<uint8_t>(text_[i]);
    return byte < kAsciiSize ? kAsciiClasses[byte] : CharacterClass::kMark;  // which may join
  };
  const CharacterClass first = class_at(at);
  if (first != CharacterClass::kUpper && first != CharacterClass::kLower) return 0;
  size_t end = at + 1;
  if (end == text_.size()) return end;
  const CharacterClass rest =
      first == CharacterClass::kUpper && class_at(end) == CharacterClass::kUpper
          ? CharacterClass::kUpper
          : CharacterClass::kLower;
  while (end < text_.size() && class_at(end) == rest) ++end;
  if (end == text_.size()) return end;
  const CharacterClass behind = class_at(end);
  const bool is_suffix = text_[end] == '+' || text_[end] == '#';
  if (behind == CharacterClass::kSeparator) return is_suffix ? 0 : end;
  if (behind != CharacterClass::kConnector) return 0;
  const bool is_last = end + 1 == text_.size();
  return is_last || class_at(end + 1) == CharacterClass::kSeparator ? end : 0;
}

// What emit() would, of a word that plain_word_end() has found.
void Analyzer::emit_plain_word(size_t begin, size_t end) {
  const auto begin32 = static_cast<uint32_t>(begin);
  const auto end32 = static_cast<uint32_t>(end);
  if (language_ != Language::kEnglish || end - begin > kTermSizeMax) {
    return emit(begin32, end32, TokenKind::kWord);
  }
  if (others_are_ == Others::kMissing && !may_be_initial(text_[begin])) return;
  constexpr char kSmall = 0x20;
  folded_.assign(text_.substr(begin, end - begin));
  for (char& c : folded_) c |= kSmall;
  const std::string_view term = is_stemmed(folded_) ? stem_english(folded_) : folded_;
  if (!(*visit_)(Token{term, begin32, end32, TokenKind::kWord})) stopped_ = true;
}

// Fills units_ with the identifier that begins at `at`; returns the offset after it.
size_t Analyzer::collect_identifier(size_t at) {
  units_.clear();
  while (at < text_.size()) {
    const Character character = character_at(text_.substr(at));
    Unit unit{static_cast<uint32_t>(at), static_cast<uint32_t>(at + character.size),
              character.character_class, character.code < 128 ? text_[at] : '\0'};
    if (character.character_class == CharacterClass::kConnector) {
      if (!extend_connector(unit)) break;
    } else if (!stays_in_word(character.character_class)) {
      break;
    }
    units_.push_back(unit);
    at = unit.end;
  }
  suffix_end_ = static_cast<uint32_t>(take_suffix(at));
  return std::max<size_t>(at, suffix_end_);
}

// Several connectors in a row join words only as "::" or with underscores ("__init__.py"). Takes
// them all into `unit`; false when they do not join, or no word follows.
bool Analyzer::extend_connector(Unit& unit) const {
  constexpr uint32_t kRunMax = 4;
  uint32_t others = unit.ascii == '_' ? 0 : 1;
  while (unit.end < text_.size()) {
    const Character next = character_at(text_.substr(unit.end));
    if (is_word_character(next.character_class)) return others <= 1;
    const bool joins = next.character_class == CharacterClass::kConnector && next.code < 128 &&
                       unit.end - unit.begin < kRunMax;
    if (!joins) return false;
    const char c = text_[unit.end];
    const bool is_scope = c == ':' && unit.ascii == ':' && unit.end - unit.begin == 1;
    if (c != '_' && !is_scope) {
      ++others;
      unit.ascii = c;
    }
    ++unit.end;
  }
  return false;
}

// "c++", "g++", "C#": returns the offset after the suffix, or `at` where there is none.
size_t Analyzer::take_suffix(size_t at) {
  const std::string_view rest = text_.substr(at);
  size_t size = 0;
  if (rest.substr(0, 2) == "++") size = 2;
  if (units_.size() == 1 && rest.substr(0, 1) == "#") size = 1;
  if (size == 0) return at;
  const bool ends =
      rest.size() == size || !is_word_character(character_at(rest.substr(size)).character_class);
  return ends ? at + size : at;
}

void Analyzer::emit_identifier() {
  const uint32_t begin = units_.front().begin;
  const uint32_t end = units_.back().end;
  if (suffix_end_ > end) emit(begin, suffix_end_, TokenKind::kWhole);
  std::vector<size_t> connectors;
  bool has_path = false;
  for (size_t i = 0; i < units_.size(); ++i) {
    if (units_[i].character_class != CharacterClass::kConnector) continue;
    connectors.push_back(i);
    has_path = has_path || is_path_separator(units_[i].ascii);
  }
  if (connectors.empty()) return emit_piece(0, units_.size(), suffix_end_ <= end);

  emit(begin, end, TokenKind::kWhole);
  if (connectors.size() == 1) {
    const Unit& connector = units_[connectors[0]];
    const bool apostrophe = connector.ascii == '\'' || connector.ascii == '\0';
    if (apostrophe && is_clitic(text_.substr(connector.end, end - connector.end))) return;
  }
  if (has_path) emit_components();
  size_t first = 0;
  for (const size_t connector : connectors) {
    emit_piece(first, connector, false);
    first = connector + 1;
  }
  emit_piece(first, units_.size(), false);
}

// The components between path separators that are identifiers themselves: "file.cc" of
// "src/file.cc".
void Analyzer::emit_components() {
  size_t first = 0;
  bool joined = false;
  for (size_t i = 0; i <= units_.size() && !stopped_; ++i) {
    if (i < units_.size() && !is_path_separator(units_[i].ascii)) {
      joined = joined || units_[i].character_class == CharacterClass::kConnector;
      continue;
    }
    if (joined) emit(units_[first].begin, units_[i - 1].end, TokenKind::kPart);
    first = i + 1;
    joined = false;
  }
}

// units_[first, last) holds no connector: emits it, and its parts by case and digits.
void Analyzer::emit_piece(size_t first, size_t last, bool alone) {
  if (first >= last || stopped_) return;
  std::vector<size_t> cuts;
  for (size_t i = first + 1; i < last; ++i) {
    const CharacterClass before = units_[i - 1].character_class;
    const CharacterClass here = units_[i].character_class;
    if (!is_word_character(here)) continue;
    const bool digit_edge =
        (here == CharacterClass::kDigit) != (before == CharacterClass::kDigit) &&
        is_word_character(before);
    const bool rises = before == CharacterClass::kLower && here == CharacterClass::kUpper;
    const bool acronym_ends = before == CharacterClass::kUpper && here == CharacterClass::kUpper &&
                              i + 1 < last &&
                              units_[i + 1].character_class == CharacterClass::kLower;
    if (digit_edge || rises || acronym_ends) cuts.push_back(i);
  }
  const TokenKind whole_kind = !alone         ? TokenKind::kPart
                               : cuts.empty() ? TokenKind::kWord
                                              : TokenKind::kWhole;
  emit(units_[first].begin, units_[last - 1].end, whole_kind);
  if (cuts.empty()) return;
  cuts.push_back(last);
  size_t from = first;
  for (const size_t to : cuts) {
    // A single letter between cuts ("E" of "E0413") would only be noise.
    const bool noise = to - from == 1 && units_[from].character_class != CharacterClass::kDigit;
    if (!noise) emit(units_[from].begin, units_[to - 1].end, TokenKind::kPart);
    from = to;
  }
}

// Emits the run of one spaceless script that begins at `at`; returns the offset after it.
size_t Analyzer::emit_spaceless_run(size_t at) {
  const CharacterClass script = character_at(text_.substr(at)).character_class;
  uint32_t previous_begin = 0;
  bool has_previous = false;
  while (at < text_.size() && !stopped_) {
    const Character first = character_at(text_.substr(at));
    if (first.character_class != script) break;
    size_t end = at + first.size;
    while (end < text_.size()) {  // the rest of the cluster
      const Character next = character_at(text_.substr(end));
      if (!continues_cluster(next)) break;
      end += next.size;
    }
    const bool more =
        end < text_.size() && character_at(text_.substr(end)).character_class == script;
    const auto begin32 = static_cast<uint32_t>(at);
    const auto end32 = static_cast<uint32_t>(end);
    if (has_previous) emit(previous_begin, end32, TokenKind::kPair);
    emit(begin32, end32, has_previous || more ? TokenKind::kCharacter : TokenKind::kWord);
    previous_begin = begin32;
    has_previous = true;
    at = end;
  }
  return at;
}

std::string_view Analyzer::stem(sb_stemmer* stemmer, std::string_view word) {
  const sb_symbol* const stemmed = sb_stemmer_stem(
      stemmer, reinterpret_cast<const sb_symbol*>(word.data()), static_cast<int>(word.size()));
  CHECK(stemmed != nullptr);  // null: out of memory
  return {reinterpret_cast<const char*>(stemmed), static_cast<size_t>(sb_stemmer_length(stemmer))};
}

std::string_view Analyzer::stem_english(std::string_view word) {
  if (!may_be_initial(word[0])) return word;
  const auto stemmed_anew = [&] {
    const std::string_view stemmed = stem(english_.get(), word);
    return stemmed.empty() ? word : stemmed;  // not one term less than in other languages
  };
  const PackedWord packed(word);
  KnownStem* const known = KnownStems::of_thread().find(packed);
  if (known == nullptr) return stemmed_anew();
  if (!known->is_of(packed)) {
    const std::string_view stemmed = stemmed_anew();
    if (stemmed.size() > KnownStem::kSizeMax) return stemmed;
    known->first = packed.first;
    known->last = packed.last;
    known->word_size = static_cast<uint8_t>(packed.size);
    known->stem_size = static_cast<uint8_t>(stemmed.size());
    std::copy(stemmed.begin(), stemmed.end(), known->stem);
  }
  folded_.assign(known->stem, known->stem_size);  // the visitor may have another text cut
  return folded_;
}

void Analyzer::look_for(std::span<const std::string_view> terms, Others others) {
  initials_.reset();
  others_are_ = others;
  for (const std::string_view term : terms) {
    const bool is_ascii = !term.empty() && static_cast<uint8_t>(term[0]) < kAsciiSize;
    if (is_ascii) initials_.set(static_cast<uint8_t>(term[0]));
  }
}

bool Analyzer::may_be_initial(char byte) const {
  if (static_cast<uint8_t>(byte) >= kAsciiSize) return true;
  const bool is_capital = byte >= 'A' && byte <= 'Z';
  return initials_.test(static_cast<uint8_t>(is_capital ? byte - 'A' + 'a' : byte));
}

void Analyzer::fold_in_language(std::string_view word) {
  accented_.clear();
  fold_but_accents(word, accented_);
  if (!is_letters(accented_)) return fold_word(word, folded_);
  fold_word(stem(stemmer_, accented_), folded_);
  if (folded_.empty()) fold_word(word, folded_);  // not one term less than in other languages
}

void Analyzer::emit(uint32_t begin, uint32_t end, TokenKind kind) {
  if (stopped_) return;
  const bool is_missing = others_are_ == Others::kMissing && language_ == Language::kEnglish &&
                          !may_be_initial(text_[begin]);
  if (is_missing) return;
  // Folding may shorten, and rarely lengthens: enough of a monster to fill a term is folded.
  constexpr size_t kFoldedSizeMax = 16 * kTermSizeMax;
  folded_.clear();
  const std::string_view word = utf8_prefix(text_.substr(begin, end - begin), kFoldedSizeMax);
  fold_word(word, folded_);
  std::string_view term = utf8_prefix(folded_, kTermSizeMax);
  const bool is_english =
      language_ == Language::kEnglish || (!info_of(language_).is_latin && is_stemmed(term));
  if (is_english) {
    if (is_stemmed(term)) term = stem_english(term);
  } else if (kind == TokenKind::kWord || kind == TokenKind::kPart || kind == TokenKind::kWhole) {
    folded_.clear();
    fold_in_language(word);
    term = utf8_prefix(folded_, kTermSizeMax);
  }
  if (term.empty()) return;
  if (!(*visit_)(Token{term, begin, end, kind})) stopped_ = true;
}

}  // namespace holdfast::search
