// holdfast_quality: how often recall finds what answers a question: by words, by the vectors of an
// embedder, and by both.
//
// Usage: holdfast_quality drawn [HISTORIES [SESSIONS [SEED]]]   (700 of 50 sessions, seed 1)
//        holdfast_quality longmemeval FILE                      (longmemeval_s.json and the like)
//        holdfast_quality items FILE                            (of prepare.py)
//        holdfast_quality write FILE [HISTORIES [SESSIONS [SEED]]]
// A history's rounds (what the user says and what is answered) are the documents; a session is
// found by its best round. Questions that have no answer do not count but in "told apart": how
// probable it is that the best round of a question with an answer has a higher score than that of
// one without.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "bench/engine.h"
#include "bench/quality/history.h"
#include "bench/quality/task.h"
#include "bench/table.h"
#include "holdfast/embedder.h"

namespace holdfast::bench {
namespace {

constexpr size_t kBatch = 200;

enum class Mode : uint8_t { kWords, kVector, kBoth };
constexpr const char* kModeNames[] = {"words", "vector", "both"};

struct Findings {
  std::map<std::string, std::array<Quality, 3>> by_type;
  std::vector<double> scores_answered;
  std::vector<double> scores_unanswered;
};

Task task_of(const History& history) {
  Task task;
  for (const Conversation& session : history.sessions) {
    for (const Turn& turn : session.turns) {
      if (turn.is_user || task.documents.empty() || task.documents.back().id != session.id) {
        task.documents.push_back({session.id, session.date + "\n" + turn.content});
      } else {
        task.documents.back().content += "\n" + turn.content;
      }
    }
  }
  Question question{history.question_type, history.question, {}};
  if (history.is_answerable()) {
    question.answers.insert(history.answer_session_ids.begin(), history.answer_session_ids.end());
  }
  task.questions.push_back(std::move(question));
  return task;
}

void add_all(const Space& space, Embedder& embedder, const std::vector<Document>& documents) {
  for (size_t first = 0; first < documents.size(); first += kBatch) {
    const size_t end = std::min(first + kBatch, documents.size());
    std::vector<NewObservation> batch(end - first);
    for (size_t i = first; i < end; ++i) {
      NewObservation& observation = batch[i - first];
      observation.content = documents[i].content;
      observation.session = documents[i].id;
      auto values = embedder.embed({&observation.content, 1});
      require(values.is_ok(), "cannot embed");
      observation.embedding =
          Embedding{std::string(embedder.model()), std::string(embedder.model_version()),
                    std::move((*values)[0])};
    }
    const auto added = space.observations().add_all(batch);
    require(added.is_ok(), added.status().to_string());
  }
}

void ask(const Space& space, Embedder& embedder, const Question& question, Findings& findings) {
  RecallQuery query;
  query.text = question.text;
  query.per_session_max = 1;
  RecallQuery by_both = query;
  require(embed_query(embedder, by_both).is_ok(), "cannot embed");
  RecallQuery by_vector = by_both;
  by_vector.text.clear();
  const RecallQuery* const queries[] = {&query, &by_vector, &by_both};
  for (const Mode mode : {Mode::kWords, Mode::kVector, Mode::kBoth}) {
    const auto hits = space.recall(*queries[static_cast<size_t>(mode)]);
    require(hits.is_ok(), hits.status().to_string());
    if (mode == Mode::kWords) {
      auto& scores =
          question.answers.empty() ? findings.scores_unanswered : findings.scores_answered;
      scores.push_back(hits->empty() ? 0 : hits->front().score);
    }
    if (question.answers.empty()) continue;
    std::vector<std::string> ranked;
    for (const RecallHit& hit : *hits) ranked.push_back(*hit.observation.session);
    for (const std::string& type : {question.type, std::string("all")}) {
      findings.by_type[type][static_cast<size_t>(mode)].add(ranked, question.answers);
    }
  }
}

void run(const Space& space, Embedder& embedder, const Task& task, Findings& findings) {
  add_all(space, embedder, task.documents);
  for (const Question& question : task.questions) ask(space, embedder, question, findings);
}

std::string share(double sum, uint64_t count) {
  char text[16];
  std::snprintf(text, sizeof(text), "%.3f", sum / static_cast<double>(count));
  return text;
}

void print(const Findings& findings) {
  Table table({"questions", "by", "count", "R@5", "R@10", "MRR@10", "NDCG@10"});
  for (const auto& [type, modes] : findings.by_type) {
    for (size_t i = 0; i < modes.size(); ++i) {
      const Quality& one = modes[i];
      table.add({type, kModeNames[i], std::to_string(one.questions),
                 share(one.recall_5, one.questions), share(one.recall_10, one.questions),
                 share(one.reciprocal_rank, one.questions), share(one.ndcg_10, one.questions)});
    }
  }
  table.print(TableStyle::kMarkdown);
  if (findings.scores_unanswered.empty()) return;
  std::printf("told apart by the best score: %.3f (%zu questions have no answer)\n",
              separation(findings.scores_answered, findings.scores_unanswered),
              findings.scores_unanswered.size());
}

void run_histories(const std::vector<History>& histories) {
  Findings findings;
  const auto embedder = hashing_embedder();
  for (const History& history : histories) {
    Result<Store> store = Store::memory();
    require(store.is_ok(), "cannot make a store");
    run(*store->space("history"), *embedder, task_of(history), findings);
  }
  print(findings);
}

// Lines of JSON: {"id", "text"} for a document, {"type", "question", "answers"} for a question.
Task read_items(const std::string& path) {
  std::ifstream file(path);
  require(static_cast<bool>(file), "cannot read the items");
  Task task;
  for (std::string line; std::getline(file, line);) {
    const auto json = nlohmann::json::parse(line);
    if (json.contains("text")) {
      task.documents.push_back({json["id"].get<std::string>(), json["text"].get<std::string>()});
    } else {
      task.questions.push_back({json["type"].get<std::string>(),
                                json["question"].get<std::string>(),
                                json["answers"].get<std::set<std::string>>()});
    }
  }
  return task;
}

void run_items(const std::string& path) {
  Findings findings;
  const auto embedder = hashing_embedder();
  Result<Store> store = Store::memory();
  require(store.is_ok(), "cannot make a store");
  run(*store->space("items"), *embedder, read_items(path), findings);
  findings.by_type.erase("all");
  print(findings);
}

int usage() {
  std::fprintf(stderr,
               "usage: holdfast_quality drawn [HISTORIES [SESSIONS [SEED]]]\n"
               "       holdfast_quality longmemeval FILE\n"
               "       holdfast_quality items FILE\n"
               "       holdfast_quality write FILE [HISTORIES [SESSIONS [SEED]]]\n");
  return 2;
}

int run_command(const std::vector<std::string>& words) {
  const std::string command = words.empty() ? "" : words[0];
  const size_t numbers_at = command == "write" ? 2 : 1;
  const auto number = [&](size_t at, uint64_t otherwise) {
    const size_t index = numbers_at + at;
    return words.size() > index ? std::strtoull(words[index].c_str(), nullptr, 10) : otherwise;
  };
  if (command == "drawn") {
    run_histories(draw_histories(number(2, 1), number(0, 700), number(1, 50)));
    return 0;
  }
  if (words.size() < 2) return usage();
  if (command == "items") {
    run_items(words[1]);
  } else if (command == "longmemeval") {
    const auto histories = read_histories(words[1]);
    require(histories.is_ok(), histories.status().to_string());
    run_histories(*histories);
  } else if (command == "write") {
    const Status written =
        write_histories(words[1], draw_histories(number(2, 1), number(0, 700), number(1, 50)));
    require(written.is_ok(), written.to_string());
  } else {
    return usage();
  }
  return 0;
}

}  // namespace
}  // namespace holdfast::bench

int main(int count, char** arguments) {
  return holdfast::bench::run_command({arguments + 1, arguments + count});
}
