// Digest: recalled observations as one text for a prompt, within a budget of tokens.
//
// The text stands between two marks. What is added later and holds such a text, because a hook saw
// the prompt or the answer, is remembered without it: what was recalled is not captured again.
//
// Thread-safety: pure functions.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/recall.h"

namespace holdfast {

constexpr std::string_view kRecalledBegin = "<recalled-memory>";
constexpr std::string_view kRecalledEnd = "</recalled-memory>";

// Tokens of a text for some model. Must not shrink when the text grows.
using TokenCounter = std::function<size_t(std::string_view text)>;
// A guess on the high side for common tokenizers: a token for each 3 letters or digits of a word,
// for each sign, and for each byte but one of a character beyond ASCII.
size_t estimate_tokens(std::string_view text);

struct DigestOptions {
  size_t tokens_max = 1'000;
  TokenCounter count = estimate_tokens;
  // A content is cut to so many tokens at most, so that one does not take the place of all; 0: not.
  size_t tokens_each_max = 300;
};

struct RecallDigest {
  std::string text = {};              // empty when not even the marks and one line fit
  size_t tokens = 0;                  // of text, never more than tokens_max
  std::vector<std::string> ids = {};  // of what is in it, in its order
  size_t left_out = 0;                // hits that did not fit
};

// The best hits first, each a line with id, when it happened or was added, source, trust, and its
// content, cut at a whole character where it is too long ("..."). A hit that does not fit is left
// out and the next one tried.
RecallDigest make_digest(std::span<const RecallHit> hits, const DigestOptions& options = {});

// `text` in which no mark stands any more: each has a space behind its first sign.
std::string broken_marks(std::string_view text);
// `text` without what stands between marks, and the marks. A mark without its end: up to the end.
std::string without_recalled(std::string_view text);

}  // namespace holdfast
