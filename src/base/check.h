// CHECK: an invariant of the program, always on. A failed CHECK is a bug in Holdfast or in its
// caller; the process stops before it can write anything wrong. Operating errors are a Status.
#pragma once

namespace holdfast {
[[noreturn]] void check_failed(const char* expression, const char* file, int line);
}  // namespace holdfast

#define CHECK(expression)                             \
  (__builtin_expect(static_cast<bool>(expression), 1) \
       ? static_cast<void>(0)                         \
       : ::holdfast::check_failed(#expression, __FILE__, __LINE__))
