#include <fstream>
#include <nlohmann/json.hpp>

#include "bench/quality/history.h"

namespace holdfast::bench {
namespace {

using Json = nlohmann::ordered_json;

History history_of(const Json& json) {
  History history;
  history.question_id = json.at("question_id").get<std::string>();
  history.question_type = json.at("question_type").get<std::string>();
  history.question = json.at("question").get<std::string>();
  const Json& answer = json.at("answer");  // some are numbers
  history.answer = answer.is_string() ? answer.get<std::string>() : answer.dump();
  history.question_date = json.value("question_date", "");
  history.answer_session_ids = json.at("answer_session_ids").get<std::vector<std::string>>();
  const Json& sessions = json.at("haystack_sessions");
  const Json& ids = json.at("haystack_session_ids");
  const Json& dates = json.at("haystack_dates");
  for (size_t i = 0; i < sessions.size(); ++i) {
    Conversation& session = history.sessions.emplace_back();
    session.id = ids.at(i).get<std::string>();
    session.date = dates.at(i).get<std::string>();
    for (const Json& turn : sessions[i]) {
      session.turns.push_back({turn.at("role") == "user", turn.at("content").get<std::string>(),
                               turn.value("has_answer", false)});
    }
  }
  return history;
}

Json json_of(const History& history) {
  Json json = {{"question_id", history.question_id},
               {"question_type", history.question_type},
               {"question", history.question},
               {"answer", history.answer},
               {"question_date", history.question_date},
               {"haystack_dates", Json::array()},
               {"haystack_session_ids", Json::array()},
               {"haystack_sessions", Json::array()},
               {"answer_session_ids", history.answer_session_ids}};
  for (const Conversation& session : history.sessions) {
    json["haystack_dates"].push_back(session.date);
    json["haystack_session_ids"].push_back(session.id);
    Json turns = Json::array();
    for (const Turn& turn : session.turns) {
      Json& written = turns.emplace_back();
      written = {{"role", turn.is_user ? "user" : "assistant"}, {"content", turn.content}};
      if (turn.has_answer) written["has_answer"] = true;
    }
    json["haystack_sessions"].push_back(std::move(turns));
  }
  return json;
}

}  // namespace

Result<std::vector<History>> read_histories(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Status(StatusCode::kNotFound, "cannot read " + path);
  try {
    const Json json = Json::parse(file);
    std::vector<History> histories;
    for (const Json& one : json) histories.push_back(history_of(one));
    return histories;
  } catch (const Json::exception& error) {
    return Status(StatusCode::kInvalidArgument,
                  path + " has not the form of LongMemEval: " + error.what());
  }
}

Status write_histories(const std::string& path, const std::vector<History>& histories) {
  Json json = Json::array();
  for (const History& history : histories) json.push_back(json_of(history));
  std::ofstream file(path);
  file << json.dump(1) << '\n';
  file.close();
  return file ? Status::ok() : Status(StatusCode::kIoError, "cannot write " + path);
}

}  // namespace holdfast::bench
