// SalvageTree: takes from the data file what can be vouched for: the newest tree, where it is
// damaged the one before it, and so on; at last single leaves that only name themselves.
//
// Who: care/salvage. One thread at a time.
// Invariants:
//   1. A key that a tree gave is exactly as of that tree's version.
//   2. What comes from leaves that no intact page vouches for is in spans that stay unassigned.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "care/salvage_target.h"
#include "care/span_map.h"
#include "holdfast/care.h"

namespace holdfast::care {

// Adds to a report, whose lists are bounded.
void add_damage(SalvageReport& report, std::string place);
void add_doubt(SalvageReport& report, std::string doubt);

class SalvageTree {
 public:
  SalvageTree(StoreFiles& files, SalvageTarget& target, SpanMap& spans, SalvageReport& report)
      : files_(files), target_(target), spans_(spans), report_(report) {}

  // `horizon`: the last version that the log or a meta knows; pages born later belong to commits
  // that never were.
  Status take_trees(uint64_t horizon);
  // What a log from the first commit on tells by itself: nothing is there before it.
  Status take_nothing(const KeySpan& span) { return write(span, {}); }
  // Leaves by themselves, for what is still unassigned; the newest birth wins.
  Status take_leaves(uint64_t horizon);

 private:
  struct Candidate {
    uint64_t birth;
    uint32_t pgno;
    uint32_t level;
    uint32_t crc;
  };
  Status take_tree(const tree::Root& root, uint64_t version);
  Status take_page(const PageView& view, const KeySpan& wanted, std::vector<KeySpan>& lost);
  std::optional<SalvageTarget::KeyValue> read_cell(const tree::Page& page, uint32_t index,
                                                   std::vector<KeySpan>* lost);
  Status write(const KeySpan& span, std::vector<SalvageTarget::KeyValue> rows);
  Status find_candidates(uint64_t horizon);
  Status take_unnamed_roots();

  StoreFiles& files_;
  SalvageTarget& target_;
  SpanMap& spans_;
  SalvageReport& report_;
  std::vector<Candidate> candidates_;  // by birth, then level, descending
  bool searched_ = false;
  std::set<std::string> named_;  // damaged places that the report has: every tree meets them again
};

}  // namespace holdfast::care
