#include "search/text_languages.h"

#include "search/analysis.h"
#include "search/frequencies.h"
#include "search/text_record.h"

namespace holdfast::search {
namespace {

Status check_note(std::string_view code, std::string_view value) {
  const bool is_known = value.size() == 1 && static_cast<uint8_t>(value[0]) == kLanguagesFormat &&
                        find_language(code).has_value();
  if (is_known) return Status::ok();
  return Status(StatusCode::kUnsupported,
                "texts in the language " + std::string(code) +
                    " were indexed by a program that knows its words in another way; run "
                    "`holdfast reindex`, or use that program");
}

Result<std::vector<Language>> noted_languages(KeySource& source, const IndexKeys& keys) {
  std::vector<Language> noted;
  Status status;
  const std::string prefix = keys.language();
  HOLDFAST_TRY(
      source.peek_scan(prefix_range(prefix), [&](std::string_view key, std::string_view value) {
        const std::string_view code = key.substr(prefix.size());
        status = check_note(code, value);
        if (status) noted.push_back(*find_language(code));
        return status.is_ok();
      }));
  HOLDFAST_TRY(status);
  return noted;
}

}  // namespace

std::string language_facet(Language language) {
  return "language=" + std::string(info_of(language).code);
}

Status note_language(KeyTarget& target, std::string_view prefix, Language language) {
  if (language == Language::kEnglish) return Status::ok();
  const std::string key = IndexKeys(prefix).language(info_of(language).code);
  HOLDFAST_ASSIGN(const auto noted, target.peek(key));
  if (noted) return Status::ok();
  return target.put(key, std::string(1, static_cast<char>(kLanguagesFormat)));
}

Result<std::vector<Language>> live_languages(KeySource& source, std::string_view prefix) {
  const IndexKeys keys(prefix);
  HOLDFAST_ASSIGN(const auto noted, noted_languages(source, keys));
  if (noted.empty()) return std::vector<Language>{Language::kEnglish};
  HOLDFAST_ASSIGN(const auto bytes, source.peek(keys.manifest()));
  HOLDFAST_ASSIGN(const Manifest manifest, bytes ? decode_manifest(*bytes) : Manifest());
  Frequencies frequencies;
  for (const Language one : noted) frequencies[facet_term(language_facet(one))] = 0;
  HOLDFAST_TRY(count_live(source, keys, manifest, frequencies));
  HOLDFAST_ASSIGN(uint64_t english, count_documents(source, keys, manifest));
  std::vector<Language> live;
  for (const Language one : noted) {
    const uint64_t documents = frequencies[facet_term(language_facet(one))];
    english -= documents;
    if (documents > 0) live.push_back(one);
  }
  if (english > 0 || live.empty()) live.insert(live.begin(), Language::kEnglish);
  return live;
}

}  // namespace holdfast::search
