#include "hooks/context.h"

#include "base/time_text.h"
#include "base/utf8.h"
#include "cli/output.h"
#include "holdfast/digest.h"

namespace holdfast::hooks {
namespace {

constexpr size_t kIndexColumns = 90;
constexpr size_t kTimelineColumns = 280;
constexpr size_t kFullSizeMax = 2'000;  // bytes
constexpr size_t kIdDigits = 18;        // with dashes: so many are unique also within a burst
constexpr size_t kDayDigits = 10;
constexpr size_t kMinuteDigits = 16;

// On one line, and without marks of its own.
std::string plain(std::string_view text, size_t columns) {
  return broken_marks(cli::one_line(text, columns));
}

std::string line_of(const RecallHit& hit, Detail detail) {
  const Observation& observation = hit.observation;
  const int64_t when_us = observation.happened_us.value_or(observation.created_us);
  const bool index = detail == Detail::kIndex;
  std::string line = "- " + observation.id.substr(0, kIdDigits) + " " +
                     time_text(when_us).substr(0, index ? kDayDigits : kMinuteDigits);
  if (observation.kind) line += " " + plain(*observation.kind, 20);
  if (!index && observation.source) line += " from " + plain(*observation.source, 60);
  line += ": ";
  if (index) {
    return line + plain(observation.title.value_or(observation.content), kIndexColumns) + "\n";
  }
  if (observation.title) line += plain(*observation.title, kIndexColumns) + ": ";
  if (detail == Detail::kTimeline) {
    const bool cut = hit.snippet.empty();
    return line + plain(cut ? observation.content : hit.snippet, kTimelineColumns) + "\n";
  }
  const std::string_view kept = utf8_prefix(observation.content, kFullSizeMax);
  line += plain(kept, kept.size());
  return line + (kept.size() < observation.content.size() ? "...\n" : "\n");
}

Detail shorter(Detail detail) {
  return detail == Detail::kFull ? Detail::kTimeline : Detail::kIndex;
}

}  // namespace

ContextText make_context(std::span<const RecallHit> hits, const ContextOptions& options) {
  ContextText context;
  const std::string begin =
      std::string(kRecalledBegin) + "\n" +
      (options.heading.empty() ? "" : plain(options.heading, kTimelineColumns) + "\n");
  const std::string end = std::string(kRecalledEnd) + "\n";
  // Tokens of whole lines add up: a word does not go on behind a line's end.
  const size_t frame = estimate_tokens(begin) + estimate_tokens(end);
  size_t used = frame;
  std::string lines;
  for (const RecallHit& hit : hits) {
    Detail detail = options.most;
    size_t limit = options.tokens_max / 2;
    while (true) {
      if (detail == Detail::kIndex) limit = options.tokens_max;
      const std::string line = line_of(hit, detail);
      const size_t tokens = estimate_tokens(line);
      if (used + tokens <= limit) {
        used += tokens;
        lines += line;
        context.ids.push_back(hit.observation.id);
        break;
      }
      if (detail == Detail::kIndex) {
        ++context.left_out;
        break;
      }
      detail = shorter(detail);
      limit = options.tokens_max * 3 / 4;
    }
  }
  if (lines.empty()) return context;
  context.text = begin + lines + end;
  context.tokens = used;
  return context;
}

}  // namespace holdfast::hooks
