// holdfast_quality: how often recall finds what answers a question: by words, by the vectors of an
// embedder, and by both.
//
// Usage: holdfast_quality [--by MODEL] [--weight W] COMMAND ...
//        holdfast_quality drawn [HISTORIES [SESSIONS [SEED]]]   (700 of 50 sessions, seed 1)
//        holdfast_quality longmemeval FILE                      (longmemeval_s.json and the like)
//        holdfast_quality items FILE                            (of prepare.py)
//        holdfast_quality write FILE [HISTORIES [SESSIONS [SEED]]]
// MODEL is holdfast-hashing (the default) or, with the file that `holdfast model install` has made
// in HOLDFAST_MODEL, use-lite-en or holdfast-hashing+use-lite-en. W is what a vector counts beside
// words, else what the embedder says; given several times, each is tried.
// R@5 is the share of a question's answers among the first 5; any@5 counts questions with one of
// theirs there, all@5 those with all: what is published of LongMemEval as "R@5" is mostly any@5.
// A history's rounds (what the user says and what is answered) are the documents; a session is
// found by its best round. "Answers that have a word of the question" is how much of R@5 words can
// reach without luck: the others have none but articles, pronouns and the like. Questions that have
// no answer do not count but in "told apart": how probable it is that the best round of a question
// with an answer has a higher score than that of one without.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "base/time_text.h"
#include "bench/engine.h"
#include "bench/quality/history.h"
#include "bench/quality/task.h"
#include "bench/table.h"
#include "holdfast/embedder.h"

namespace holdfast::bench {
namespace {

constexpr size_t kBatch = 200;

struct Asking {
  std::unique_ptr<Embedder> embedder;
  std::vector<double> vector_weights;  // each is tried; none: what the embedder says
};

// A way to ask, and how well it did.
struct Leg {
  std::string name;
  Quality quality;
};

struct Findings {
  std::map<std::string, std::vector<Leg>> by_type;
  std::vector<double> scores_answered;
  std::vector<double> scores_unanswered;
  // Of questions whose answers are known by the round: the sum of the shares that have one of the
  // question's words in such a round.
  double sharing_words = 0;
  uint64_t known_by_round = 0;
};

// Of "2023/05/20 (Sat) 02:21".
int64_t time_of(const std::string& date) {
  require(date.size() > 16, "no date of a session: " + date);
  std::string day = date.substr(0, 10);
  std::replace(day.begin(), day.end(), '/', '-');
  const auto time = parse_time(day + "T" + date.substr(date.size() - 5) + ":00Z");
  require(time.has_value(), "no date of a session: " + date);
  return *time;
}

Task task_of(const History& history) {
  Task task;
  for (const Conversation& session : history.sessions) {
    for (const Turn& turn : session.turns) {
      if (turn.is_user || task.documents.empty() || task.documents.back().id != session.id) {
        task.documents.push_back({session.id, turn.content, time_of(session.date)});
      } else {
        task.documents.back().content += "\n" + turn.content;
      }
      if (turn.has_answer) task.documents.back().has_answer = true;
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
      observation.happened_us = documents[i].happened_us;
      auto embeddings = embeddings_of(embedder, {&observation.content, 1});
      require(embeddings.is_ok(), "cannot embed");
      observation.embedding = std::move((*embeddings)[0]);
    }
    const auto added = space.observations().add_all(batch);
    require(added.is_ok(), added.status().to_string());
  }
}

std::string share(double sum, uint64_t count) {
  char text[16];
  std::snprintf(text, sizeof(text), "%.3f", sum / static_cast<double>(count));
  return text;
}

// By words, by the vector, and by both.
std::vector<std::pair<std::string, RecallQuery>> ways_to_ask(const Asking& asking,
                                                             const Question& question) {
  RecallQuery words;
  words.text = question.text;
  words.per_session_max = 1;
  RecallQuery both = words;
  require(embed_query(*asking.embedder, both).is_ok(), "cannot embed");
  RecallQuery vector = both;
  vector.text.clear();
  std::vector<std::pair<std::string, RecallQuery>> ways = {{"words", words}, {"vector", vector}};
  if (asking.vector_weights.empty()) ways.emplace_back("both", both);
  for (const double weight : asking.vector_weights) {
    both.vector_weight = weight;
    ways.emplace_back("both, vector " + share(weight, 1), both);
  }
  return ways;
}

void add(std::vector<Leg>& legs, const std::string& name, const std::vector<std::string>& ranked,
         const std::set<std::string>& answers) {
  auto leg =
      std::find_if(legs.begin(), legs.end(), [&](const Leg& one) { return one.name == name; });
  if (leg == legs.end()) leg = legs.insert(leg, {name, {}});
  leg->quality.add(ranked, answers);
}

void ask(const Space& space, const Asking& asking, const Question& question, Findings& findings) {
  for (const auto& [name, query] : ways_to_ask(asking, question)) {
    const auto hits = space.recall(query);
    require(hits.is_ok(), hits.status().to_string());
    if (name == "words") {
      auto& scores =
          question.answers.empty() ? findings.scores_unanswered : findings.scores_answered;
      scores.push_back(hits->empty() ? 0 : hits->front().score);
    }
    if (question.answers.empty()) continue;
    std::vector<std::string> ranked;
    for (const RecallHit& hit : *hits) ranked.push_back(*hit.observation.session);
    for (const std::string& type : {question.type, std::string("all")}) {
      add(findings.by_type[type], name, ranked, question.answers);
    }
  }
}

// Whether a round of this session that has the answer has a word of the question, function words
// aside: without one, words find it by chance only.
bool shares_words(const Space& space, const Task& task, const Question& question,
                  const std::string& session) {
  constexpr double kFunctionWordWeight = 0.5;
  RecallQuery query;
  query.text = question.text;
  query.session = session;
  query.explain = true;
  query.limit = kRecallLimitMax;
  const auto hits = space.recall(query);
  require(hits.is_ok(), hits.status().to_string());
  const auto answers = [&](const RecallHit& hit) {
    return std::any_of(task.documents.begin(), task.documents.end(), [&](const Document& one) {
      return one.has_answer && one.id == session && one.content == hit.observation.content;
    });
  };
  const auto tells = [](const ScoreTerm& term) { return term.weight > kFunctionWordWeight; };
  return std::any_of(hits->begin(), hits->end(), [&](const RecallHit& hit) {
    return answers(hit) && std::any_of(hit.explanation.begin(), hit.explanation.end(), tells);
  });
}

void count_sharing(const Space& space, const Task& task, const Question& question,
                   Findings& findings) {
  const auto is_answer = [](const Document& one) { return one.has_answer; };
  const bool is_known = std::any_of(task.documents.begin(), task.documents.end(), is_answer);
  if (question.answers.empty() || !is_known) return;
  double sharing = 0;
  for (const std::string& id : question.answers) {
    sharing += shares_words(space, task, question, id) ? 1 : 0;
  }
  findings.sharing_words += sharing / static_cast<double>(question.answers.size());
  ++findings.known_by_round;
}

void run(const Space& space, const Asking& asking, const Task& task, Findings& findings) {
  add_all(space, *asking.embedder, task.documents);
  for (const Question& question : task.questions) {
    ask(space, asking, question, findings);
    count_sharing(space, task, question, findings);
  }
}

void print(const Findings& findings) {
  Table table({"questions", "by", "count", "R@5", "any@5", "all@5", "R@10", "MRR@10", "NDCG@10"});
  for (const auto& [type, legs] : findings.by_type) {
    for (const auto& [name, one] : legs) {
      std::vector<std::string> cells = {type, name, std::to_string(one.questions)};
      for (const double sum :
           {one.recall_5, one.any_5, one.all_5, one.recall_10, one.reciprocal_rank, one.ndcg_10}) {
        cells.push_back(share(sum, one.questions));
      }
      table.add(cells);
    }
  }
  table.print(TableStyle::kMarkdown);
  if (findings.known_by_round > 0) {
    std::printf("answers that have a word of the question: %s\n",
                share(findings.sharing_words, findings.known_by_round).c_str());
  }
  if (findings.scores_unanswered.empty()) return;
  std::printf("told apart by the best score: %.3f (%zu questions have no answer)\n",
              separation(findings.scores_answered, findings.scores_unanswered),
              findings.scores_unanswered.size());
}

void run_histories(const Asking& asking, const std::vector<History>& histories) {
  Findings findings;
  for (const History& history : histories) {
    Result<Store> store = Store::memory();
    require(store.is_ok(), "cannot make a store");
    run(*store->space("history"), asking, task_of(history), findings);
  }
  print(findings);
}

void run_items(const Asking& asking, const std::string& path) {
  Findings findings;
  Result<Store> store = Store::memory();
  require(store.is_ok(), "cannot make a store");
  run(*store->space("items"), asking, read_items(path), findings);
  findings.by_type.erase("all");
  print(findings);
}

int usage() {
  std::fprintf(stderr,
               "usage: holdfast_quality [--by MODEL] [--weight W] COMMAND ...\n"
               "       holdfast_quality drawn [HISTORIES [SESSIONS [SEED]]]\n"
               "       holdfast_quality longmemeval FILE\n"
               "       holdfast_quality items FILE\n"
               "       holdfast_quality write FILE [HISTORIES [SESSIONS [SEED]]]\n");
  return 2;
}

std::unique_ptr<Embedder> embedder_named(const std::string& model) {
  if (model == kHashingModel) return hashing_embedder();
  const char* const file = std::getenv("HOLDFAST_MODEL");
  require(file != nullptr, "HOLDFAST_MODEL names no file");
  auto embedder = sentence_embedder(
      file, model == kJoinedModel ? SentenceVectors::kJoined : SentenceVectors::kAlone);
  require(embedder.is_ok(), embedder.status().to_string());
  require((*embedder)->model() == model, "there is no model " + model);
  return std::move(*embedder);
}

int run_command(std::vector<std::string> words) {
  Asking asking;
  std::string model(kHashingModel);
  while (words.size() > 1 && words[0].starts_with("--")) {
    if (words[0] != "--by" && words[0] != "--weight") return usage();
    if (words[0] == "--by") model = words[1];
    if (words[0] == "--weight") {
      asking.vector_weights.push_back(std::strtod(words[1].c_str(), nullptr));
    }
    words.erase(words.begin(), words.begin() + 2);
  }
  asking.embedder = embedder_named(model);
  const std::string command = words.empty() ? "" : words[0];
  const size_t numbers_at = command == "write" ? 2 : 1;
  const auto number = [&](size_t at, uint64_t otherwise) {
    const size_t index = numbers_at + at;
    return words.size() > index ? std::strtoull(words[index].c_str(), nullptr, 10) : otherwise;
  };
  if (command == "drawn") {
    run_histories(asking, draw_histories(number(2, 1), number(0, 700), number(1, 50)));
    return 0;
  }
  if (words.size() < 2) return usage();
  if (command == "items") {
    run_items(asking, words[1]);
  } else if (command == "longmemeval") {
    const auto histories = read_histories(words[1]);
    require(histories.is_ok(), histories.status().to_string());
    run_histories(asking, *histories);
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
