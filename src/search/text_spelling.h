// Misspelt words: which terms of an index an unknown one may stand for.
//
// Who: search/ only. Thread-safety: that of the given source.
// Invariants:
//   1. What a term is read as is a function of the live documents alone.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "search/keyspace.h"
#include "search/manifest.h"

namespace holdfast::search {

constexpr size_t kReadingsMax = 3;       // of one word
constexpr size_t kMisspeltWordsMax = 8;  // of a query that are read so; the others stay unknown
constexpr double kEditWeight = 0.5;      // of a reading, for each edit

struct Reading {
  std::string term;
  uint32_t edits = 0;      // at least; from a form of the word
  uint64_t frequency = 0;  // documents that have it
};

// The readings with the fewest edits (spelling.h) that live documents have, those that most have
// first. One edit among the last six letters also leads to the English stem that the word then has,
// where that is shorter by three letters or more. `forms` are the terms of the word, in several
// languages. REQUIRES: is_spelling(them).
Result<std::vector<Reading>> read_misspelt(KeySource& source, const IndexKeys& keys,
                                           const Manifest& manifest,
                                           std::span<const std::string> forms);

}  // namespace holdfast::search
