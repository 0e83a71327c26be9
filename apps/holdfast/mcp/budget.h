// Budget: how many tokens an answer may cost its reader.
#pragma once

#include "mcp/catalogue.h"

namespace holdfast::mcp {

class Budget {
 public:
  // From the argument max_tokens, or the default.
  explicit Budget(const Json& arguments);
  explicit Budget(size_t tokens);

  // That argument, for a tool's schema.
  static Property property();

  size_t tokens() const { return tokens_; }
  // Takes what `json` costs. False, and nothing taken: it is beyond the budget.
  bool spend(const Json& json);
  // The same, but the first of all is never left out, or who reads on from it would not come past
  // it: where it is too long its text `member` is cut, and "cut" tells.
  bool spend_first(Json& json, const std::string& member);

 private:
  size_t tokens_;
  size_t left_;
  bool is_untouched_ = true;
};

// Cuts the text `member`, also one as base64, to `size_max` bytes, and sets "cut" if it was longer.
void cut_text(Json& json, const std::string& member, size_t size_max);

// No less than the tokens that `bytes` of text are, whichever tokenizer reads them: a third of the
// bytes, as dense text (code, digits, other scripts) has it.
size_t tokens_of(size_t bytes);

}  // namespace holdfast::mcp
