#include "documents/text_splitter.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "documents/transcript.h"

namespace holdfast::documents {
namespace {

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\f\v") == std::string_view::npos;
}

// The first line of `rest` without its end; advances past it.
std::string_view take_line(std::string_view& rest) {
  size_t end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

std::string_view trim(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

// Without blank lines around it; indentation of the first line stays.
std::string_view trim_lines(std::string_view text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string_view before = rest;
    if (!is_blank(take_line(rest))) {
      text = before;
      break;
    }
    text = rest;
  }
  size_t end = text.find_last_not_of(" \t\r\n");
  return text.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

bool continues_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

// Where to cut `text`, which is longer than `size_max`: after a line, else a space, else a
// character.
size_t cut_position(std::string_view text, size_t size_max) {
  std::string_view head = text.substr(0, size_max);
  if (size_t line = head.rfind('\n'); line != std::string_view::npos && line > 0) return line + 1;
  if (size_t space = head.rfind(' '); space != std::string_view::npos && space > 0)
    return space + 1;
  size_t position = size_max;
  while (position > 1 && continues_character(text[position])) --position;
  return position;
}

class Chunks {
 public:
  explicit Chunks(size_t size_max) : size_max_(size_max) {}

  void add(std::string_view paragraph) {
    if (!current_.empty() && current_.size() + 2 + paragraph.size() > size_max_) flush();
    while (paragraph.size() > size_max_) {
      size_t position = cut_position(paragraph, size_max_);
      current_ = paragraph.substr(0, position);
      flush();
      paragraph.remove_prefix(position);
    }
    if (is_blank(paragraph)) return;
    if (!current_.empty()) current_ += "\n\n";
    current_ += paragraph;
  }

  std::vector<std::string> take() {
    flush();
    return std::move(chunks_);
  }

 private:
  void flush() {
    std::string_view text = trim_lines(current_);
    if (!text.empty()) chunks_.emplace_back(text);
    current_.clear();
  }

  size_t size_max_;
  std::string current_;
  std::vector<std::string> chunks_;
};

// The fence that opens or closes a code block ("```", "~~~~"), or empty.
std::string_view fence_of(std::string_view line) {
  size_t begin = line.find_first_not_of(' ');
  if (begin == std::string_view::npos || begin > 3) return {};
  line.remove_prefix(begin);
  if (line[0] != '`' && line[0] != '~') return {};
  size_t end = line.find_first_not_of(line[0]);
  std::string_view fence = line.substr(0, end);
  return fence.size() >= 3 ? fence : std::string_view();
}

// Level and text of an ATX heading.
std::optional<std::pair<size_t, std::string>> atx_heading(std::string_view line) {
  size_t level = line.find_first_not_of('#');
  if (level == 0 || level == std::string_view::npos || level > 6 || line[level] != ' ') return {};
  std::string_view text = trim(line.substr(level));
  if (size_t end = text.find_last_not_of('#'); end != std::string_view::npos) {
    if (end + 1 < text.size() && text[end] == ' ') text = trim(text.substr(0, end));
  }
  return std::pair(level, std::string(text));
}

// Level of the heading that `line` underlines, or 0.
size_t underline_level(std::string_view line) {
  line = trim(line);
  if (line.size() < 3) return 0;
  if (line.find_first_not_of('=') == std::string_view::npos) return 1;
  return line.find_first_not_of('-') == std::string_view::npos ? 2 : 0;
}

class MarkdownSplitter {
 public:
  std::vector<Section> split(std::string_view rest) {
    while (!rest.empty()) take(take_line(rest));
    begin_section();
    return std::move(sections_);
  }

 private:
  void take(std::string_view line) {
    std::string_view fence = fence_of(line);
    if (!fence_.empty()) {
      if (fence.size() >= fence_.size() && fence[0] == fence_[0]) fence_.clear();
    } else if (!fence.empty()) {
      fence_ = fence;
    } else if (auto heading = atx_heading(line)) {
      begin_section();
      enter(heading->first, std::move(heading->second));
      return;
    } else if (size_t level = underline_level(line); level && take_underlined(level)) {
      return;
    }
    body_.append(line).push_back('\n');
  }

  // The paragraph of one line before the underline is the heading.
  bool take_underlined(size_t level) {
    if (body_.empty() || body_.size() < 2) return false;
    std::string_view body = body_;
    body.remove_suffix(1);
    size_t begin = body.rfind('\n');
    begin = begin == std::string_view::npos ? 0 : begin + 1;
    std::string heading(trim(body.substr(begin)));
    bool alone = begin == 0 || (begin >= 2 && body_[begin - 2] == '\n');
    if (heading.empty() || !alone || std::string_view("|-*>").find(heading[0]) != heading.npos) {
      return false;
    }
    body_.resize(begin);
    begin_section();
    enter(level, std::move(heading));
    return true;
  }

  void begin_section() {
    std::string_view text = trim_lines(body_);
    if (!text.empty()) sections_.push_back({path(), std::string(text)});
    body_.clear();
  }

  void enter(size_t level, std::string heading) {
    while (!path_.empty() && path_.back().first >= level) path_.pop_back();
    path_.emplace_back(level, std::move(heading));
  }

  std::string path() const {
    std::string joined;
    for (const auto& [level, heading] : path_) {
      if (!joined.empty()) joined += " > ";
      joined += heading;
    }
    return joined;
  }

  std::vector<std::pair<size_t, std::string>> path_;
  std::string fence_;
  std::string body_;
  std::vector<Section> sections_;
};

std::string text_field(const nlohmann::json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// A line of the file that the reference memory server of the Model Context Protocol keeps: an
// entity with what was observed of it, or a relation between two.
std::optional<Section> graph_section(const nlohmann::json& line) {
  if (!line.is_object()) return std::nullopt;
  const std::string kind = text_field(line, "type");
  const auto has_texts = [&line](std::initializer_list<const char*> names) {
    return std::all_of(names.begin(), names.end(), [&line](const char* name) {
      return line.contains(name) && line[name].is_string();
    });
  };
  if (kind == "relation" && has_texts({"from", "to", "relationType"})) {
    return Section{.text = text_field(line, "from") + " " + text_field(line, "relationType") + " " +
                           text_field(line, "to"),
                   .kind = kind};
  }
  if (kind != "entity" || !has_texts({"name", "entityType"})) return std::nullopt;
  Section section{.heading = text_field(line, "name") + " (" + text_field(line, "entityType") + ")",
                  .kind = kind};
  const auto observed = line.find("observations");
  if (observed == line.end() || !observed->is_array()) return std::nullopt;
  for (const nlohmann::json& one : *observed) {
    if (!one.is_string()) return std::nullopt;
    section.text += (section.text.empty() ? "" : "\n") + one.get<std::string>();
  }
  if (is_blank(section.text)) section.text = section.heading;
  return section;
}

}  // namespace

std::vector<std::string> split_paragraphs(std::string_view text, size_t size_max) {
  Chunks chunks(size_max);
  std::string paragraph;
  while (!text.empty()) {
    std::string_view line = take_line(text);
    if (!is_blank(line)) {
      if (!paragraph.empty()) paragraph += '\n';
      paragraph += line;
    } else if (!paragraph.empty()) {
      chunks.add(paragraph);
      paragraph.clear();
    }
  }
  if (!paragraph.empty()) chunks.add(paragraph);
  return chunks.take();
}

std::vector<Section> split_text(std::string_view text) {
  std::vector<Section> sections;
  for (std::string& chunk : split_paragraphs(text, kChunkBytesMax)) {
    sections.push_back({"", std::move(chunk)});
  }
  return sections;
}

std::vector<Section> split_markdown(std::string_view text) {
  return split_long(MarkdownSplitter().split(text));
}

std::vector<Section> split_json_lines(std::string_view text) {
  std::vector<Section> sections;
  std::string session;  // that the lines before have named
  while (!text.empty()) {
    std::string_view line = take_line(text);
    if (is_blank(line)) continue;
    Section section;
    nlohmann::json parsed = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (const auto message = transcript_message(parsed)) {
      if (!message->session.empty()) session = message->session;
      if (is_blank(message->text)) continue;
      section.text = message->text;
      section.kind = message->role == "user" ? "prompt" : "answer";
      section.session = session;
      section.happened_us = message->happened_us;
    } else if (auto of_graph = graph_section(parsed)) {
      section = std::move(*of_graph);
    } else if (parsed.is_object()) {
      section.heading = text_field(parsed, "title");
      section.text = text_field(parsed, "content");
      if (is_blank(section.text)) section.text = text_field(parsed, "text");
    }
    if (is_blank(section.text)) section.text = trim(line);
    sections.push_back(std::move(section));
  }
  return split_long(std::move(sections));
}

std::vector<Section> split_long(std::vector<Section> sections) {
  std::vector<Section> short_ones;
  for (Section& section : sections) {
    if (section.text.size() <= kSectionBytesMax) {
      short_ones.push_back(std::move(section));
      continue;
    }
    for (std::string& part : split_paragraphs(section.text, kSectionBytesMax)) {
      short_ones.push_back(section);
      short_ones.back().text = std::move(part);
    }
  }
  return short_ones;
}

}  // namespace holdfast::documents
