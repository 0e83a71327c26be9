// Corpus: the texts that are written, and what is asked of them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/rows.h"
#include "bench/text/subjects.h"

namespace holdfast::bench {

struct QueryKind {
  std::string name;
  std::function<Query(Random&)> make;
  bool is_of_holdfast = false;  // the peers have nothing like it
};

class Corpus {
 public:
  Corpus() = default;
  Corpus(const Corpus&) = delete;
  Corpus& operator=(const Corpus&) = delete;
  virtual ~Corpus() = default;

  virtual uint64_t documents() const = 0;  // when none are asked for
  virtual std::string text(uint64_t document) const = 0;
  // What to ask of so many documents.
  virtual std::vector<QueryKind> kinds(uint64_t documents) const = 0;
};

// What is asked of each corpus: both of two words and their phrase, of words that stand together in
// a document; the first letters of one word of four letters or more, and it as the user mistypes
// it.
std::vector<QueryKind> kinds_of_each(
    const std::function<std::vector<std::string>(Random&)>& neighbours,
    const std::function<std::string(Random&)>& one);

// By Zipf's law from 50,000 words.
std::unique_ptr<Corpus> drawn_corpus();
// The documents and questions of a file of bench/quality/prepare.py; the texts begin anew where
// there are no more.
std::unique_ptr<Corpus> items_corpus(const std::string& path);

}  // namespace holdfast::bench
