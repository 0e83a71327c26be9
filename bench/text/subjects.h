// What is compared: stores that texts are written to and found again in.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::bench {

constexpr size_t kHits = 10;

struct Query {
  enum class Form : uint8_t { kAny, kAll, kPhrase, kPrefix };
  Form form = Form::kAny;
  std::vector<std::string> words;  // of a prefix its letters
  // Without what only Holdfast does: reading unknown words as others, adding related ones.
  bool is_as_typed = true;
};

class Subject {
 public:
  Subject() = default;
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;
  virtual ~Subject() = default;

  virtual const char* name() const = 0;
  virtual void write(std::span<const std::string> texts) = 0;  // in one commit
  // How many of the ten best there are, with text and snippet of each;
  virtual size_t find(const Query& query) = 0;
  // or by the index alone: who they are.
  virtual size_t rank(const Query& query) = 0;
};

// In `folder`, which is there; what it has is kept. FTS5 writes with synchronous=FULL, Xapian
// commits after each write.
std::unique_ptr<Subject> holdfast_subject(const std::string& folder);
std::unique_ptr<Subject> fts5_subject(const std::string& folder);
std::unique_ptr<Subject> xapian_subject(const std::string& folder);  // nullptr: built without it

}  // namespace holdfast::bench
