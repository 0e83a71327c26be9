// CHECK: an invariant of the program, always on. A failed CHECK is a bug in Holdfast or in its
// caller; the process stops before it can write anything wrong. Operating errors are a Status.
#pragma once

namespace holdfast {
[[noreturn]] void check_failed(const char* expression, const char* file, int line);
}  // namespace holdfast

#ifdef HOLDFAST_COVERAGE
// Evaluated, but no branch: nothing that can happen takes it, so it is none to be counted.
#define CHECK(expression)                                 \
  (__builtin_constant_p(expression) && !(expression)      \
       ? ::holdfast::check_failed("", __FILE__, __LINE__) \
       : static_cast<void>(expression))
#else
#define CHECK(expression)                             \
  (__builtin_expect(static_cast<bool>(expression), 1) \
       ? static_cast<void>(0)                         \
       : ::holdfast::check_failed(#expression, __FILE__, __LINE__))
#endif
