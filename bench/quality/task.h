// A retrieval task: documents, and questions with the documents that answer them; and how well a
// ranking of them does.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace holdfast::bench {

struct Document {
  std::string id;  // of what is to be found: several documents may share it (turns of a session)
  std::string content;
  std::optional<int64_t> happened_us = {};
  bool has_answer = false;  // as far as the task says
};

struct Question {
  std::string type;
  std::string text;
  std::set<std::string> answers;  // ids; none: it cannot be answered
};

// Questions that are asked of the same documents.
struct Task {
  std::vector<Document> documents;
  std::vector<Question> questions;
};

// Of a file of prepare.py: lines of JSON, {"id", "text"} for a document, {"type", "question",
// "answers"} for a question. Ends the program where there is no such file.
Task read_items(const std::string& path);

// Sums over questions that have answers.
struct Quality {
  uint64_t questions = 0;
  double recall_5 = 0;  // of its answers, the share among the first 5
  double recall_10 = 0;
  double any_5 = 0;            // questions with one of their answers among the first 5
  double all_5 = 0;            // with all of them
  double reciprocal_rank = 0;  // of the first answer, within 10
  double ndcg_10 = 0;

  // `ranked`: ids, best first, each once.
  void add(const std::vector<std::string>& ranked, const std::set<std::string>& answers);
};

// Of two sets of numbers: how probable it is that one of the first is greater than one of the
// other.
double separation(std::vector<double> greater, std::vector<double> less);

}  // namespace holdfast::bench
