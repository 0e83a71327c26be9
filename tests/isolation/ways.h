// Ways of putting something into a space, of every kind, for the fuzz of isolation. What is put
// carries a mark: a word that nothing else has.
//
// For tests only.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/holdfast.h"

namespace holdfast::isolation {

// A word that the analysis leaves as it is; none is the beginning of another.
std::string mark_of(int number);
std::set<std::string> marks_in(std::string_view text);
// What was replaced carries this one: only histories return it.
std::string past_mark();

inline constexpr const char* kSharedMetadata = "{\"shared\":1}";
inline constexpr const char* kHistory = "h/";  // keys that keep history begin so

// Names that a careless scan would confuse.
const std::vector<std::string>& hostile_names();
// The same for names that hold no zero bytes.
std::string plain(std::string name);

// How something is taken away again.
struct Kept {
  std::function<Status(const Space&)> undo = {};
  std::string slot = {};  // of things that replace each other, or go together
  bool goes_together = false;
  bool has_history = false;
};

struct Way {
  std::string kind;
  std::function<Kept(const Space&, const std::string& name, const std::string& mark)> put;
};

const std::vector<Way>& all_ways();

void expect_ok(const Status& status);

}  // namespace holdfast::isolation
