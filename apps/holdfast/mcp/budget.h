// Budget: how many tokens an answer may cost its reader.
#pragma once

#include "mcp/catalogue.h"

namespace holdfast::mcp {

class Budget {
 public:
  // From the argument max_tokens, or the default.
  explicit Budget(const Json& arguments);

  // That argument, for a tool's schema.
  static Property property();

  size_t tokens() const { return tokens_; }
  // Takes what `json` costs. False, and nothing taken: it is beyond the budget.
  bool spend(const Json& json);

 private:
  size_t tokens_;
  size_t left_;
};

// No less than the tokens that `bytes` of text are, whichever tokenizer reads them: a third of the
// bytes, as dense text (code, digits, other scripts) has it.
size_t tokens_of(size_t bytes);

}  // namespace holdfast::mcp
