// The thesaurus: which English words are related to a word: others for the same, what is derived
// from it, and what is a kind of it ("oboe" for "instrument", "move" for "relocate").
//
// It is made of WordNet 3.0 when Holdfast is built (scripts/make_thesaurus.cc) and is part of the
// program. Only queries are treated with it, so another one leaves stored indexes as they are.
//
// Bytes, all numbers little endian: u32 words; for each word, ascending: u32 end of the word; for
// each: u32 end of its list; the words, one after the other; the lists: varint numbers of words,
// ascending, each less the one before.
//
// Who: search/ only. Thread-safety: pure functions.
#pragma once

#include <string_view>
#include <vector>

namespace holdfast::search {

// The stems of the words that are related to those with this stem, ascending, at most 128; the most
// frequent senses count, and the nearest relations.
std::vector<std::string_view> related_stems(std::string_view stem);

}  // namespace holdfast::search
