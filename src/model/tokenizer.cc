#include "model/tokenizer.h"

#include <utf8proc.h>

#include <algorithm>
#include <limits>

namespace holdfast::model {
namespace {

constexpr std::string_view kSpace = "\xe2\x96\x81";

bool is_space(utf8proc_int32_t code) {
  if (code <= 0x20 || code == 0x7f) return true;
  const utf8proc_category_t category = utf8proc_category(code);
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
         category == UTF8PROC_CATEGORY_ZP || category == UTF8PROC_CATEGORY_CC;
}

size_t character_size(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return std::min(size, text.size());
}

// The best cut of the text before a byte.
struct Cut {
  float score = -std::numeric_limits<float>::infinity();
  uint32_t from = 0;  // where its last piece begins
  uint16_t piece = 0;
};

}  // namespace

std::string Tokenizer::normalized(std::string_view text) {
  constexpr auto kOptions =
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE);
  std::vector<utf8proc_int32_t> codes(text.size() * 2 + 16);
  const auto decompose = [&] {
    return utf8proc_decompose(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                              static_cast<utf8proc_ssize_t>(text.size()), codes.data(),
                              static_cast<utf8proc_ssize_t>(codes.size()), kOptions);
  };
  utf8proc_ssize_t count = decompose();
  if (count > static_cast<utf8proc_ssize_t>(codes.size())) {
    codes.resize(static_cast<size_t>(count));
    count = decompose();
  }
  if (count < 0) return {};  // no UTF-8: nothing of it is known
  count = utf8proc_normalize_utf32(codes.data(), count,
                                   static_cast<utf8proc_option_t>(kOptions | UTF8PROC_COMPOSE));
  std::string out;
  bool is_behind_space = true;
  for (utf8proc_ssize_t i = 0; i < count; ++i) {
    if (is_space(codes[static_cast<size_t>(i)])) {
      is_behind_space = true;
      continue;
    }
    if (is_behind_space) out += kSpace;
    is_behind_space = false;
    utf8proc_uint8_t bytes[4];
    const auto size = utf8proc_encode_char(codes[static_cast<size_t>(i)], bytes);
    out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
  }
  return out;
}

std::vector<uint16_t> Tokenizer::pieces(std::string_view text) const {
  const std::string whole = normalized(text);
  std::vector<Cut> cuts(whole.size() + 1);
  cuts[0].score = 0;
  const auto offer = [&](size_t from, size_t size, uint16_t piece, float score) {
    Cut& cut = cuts[from + size];
    if (cuts[from].score + score < cut.score) return;
    cut = {cuts[from].score + score, static_cast<uint32_t>(from), piece};
  };
  for (size_t from = 0; from < whole.size();) {
    const size_t character = character_size(std::string_view(whole).substr(from));
    bool is_known = false;
    const Node* node = &model_.node(0);
    for (size_t at = from; at < whole.size() && node->children > 0; ++at) {
      const Node* const first = &model_.node(node->first_child);
      const Node* const end = first + node->children;
      const auto byte = static_cast<uint8_t>(whole[at]);
      node = std::lower_bound(first, end, byte,
                              [](const Node& child, uint8_t b) { return child.byte < b; });
      if (node == end || node->byte != byte) break;
      if (node->piece == 0) continue;
      offer(from, at + 1 - from, node->piece, model_.piece_score(node->piece));
      is_known = true;
    }
    if (!is_known) offer(from, character, 0, 0);
    from += character;
  }
  std::vector<uint16_t> found;
  for (size_t at = whole.size(); at > 0; at = cuts[at].from) {
    const bool goes_on = cuts[at].piece == 0 && !found.empty() && found.back() == 0;
    if (!goes_on) found.push_back(cuts[at].piece);
  }
  std::reverse(found.begin(), found.end());
  return found;
}

}  // namespace holdfast::model
