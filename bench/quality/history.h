// Long histories of sessions with an assistant, each with a question about it, in the form of
// LongMemEval: read from its file, or drawn from a seed.
//
// Types, as there: single-session-user, -assistant and -preference, multi-session,
// temporal-reasoning, knowledge-update; the id of a question that cannot be answered ends in _abs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "holdfast/status.h"

namespace holdfast::bench {

struct Turn {
  bool is_user = true;
  std::string content;
  bool has_answer = false;
};

struct Conversation {
  std::string id;
  std::string date;  // "2023/05/20 (Sat) 02:21"
  std::vector<Turn> turns;
};

struct History {
  std::string question_id;
  std::string question_type;
  std::string question;
  std::string answer;
  std::string question_date;
  std::vector<Conversation> sessions;
  std::vector<std::string> answer_session_ids;

  bool is_answerable() const { return !question_id.ends_with("_abs"); }
};

// A file of LongMemEval. Errors: NotFound, InvalidArgument (another form).
Result<std::vector<History>> read_histories(const std::string& path);
// In the same form. Errors: IoError.
Status write_histories(const std::string& path, const std::vector<History>& histories);

// `count` histories of `sessions` sessions each; the same from the same seed, everywhere.
std::vector<History> draw_histories(uint64_t seed, size_t count, size_t sessions);

}  // namespace holdfast::bench
