// Switches between an operator and what it is changed into: `a < b` is compiled as
// `a < mutants::Site<7>{} < b`, which compares with <= as mutant 7, with >= as mutant 8, and with <
// as any other. Which mutant a program is, HOLDFAST_MUTANT says when it starts; which switches it
// came by, it notes in the file HOLDFAST_MUTANT_REACHED, a byte for each.
//
// Who: files of the engine as scripts/mutate rewrites them, in a copy of the tree.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <type_traits>

namespace mutants {

struct State {
  int active = 0;
  unsigned char* reached = nullptr;
};

inline State read_state() {
  State state;
  if (const char* const number = std::getenv("HOLDFAST_MUTANT")) state.active = std::atoi(number);
  const char* const path = std::getenv("HOLDFAST_MUTANT_REACHED");
  if (path == nullptr) return state;
  const int fd = ::open(path, O_RDWR | O_CLOEXEC);
  struct stat info {};
  if (fd < 0 || ::fstat(fd, &info) != 0) std::abort();
  const auto size = static_cast<size_t>(info.st_size);
  void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) std::abort();
  ::close(fd);
  state.reached = static_cast<unsigned char*>(memory);
  return state;
}

inline const State state = read_state();

constexpr bool on(int number) {
  if (std::is_constant_evaluated()) return false;
  if (state.reached != nullptr) state.reached[number] = 1;
  return state.active == number;
}

template <int N>
constexpr int number(int value) {
  return on(N) ? value + 1 : value;
}

template <int N>
struct Site {};

// An operand that waits for the other one, of an operator.
template <typename Operator, typename Operand, int N>
struct Waiting {
  const Operand& operand;
};

// A comparison, and what else it may be.
#define MUTANTS_TWO(NAME, OLD, FIRST, SECOND)                             \
  struct NAME {};                                                         \
  template <typename A, int N>                                            \
  constexpr Waiting<NAME, A, N> operator OLD(const A& left, Site<N>) {    \
    return {left};                                                        \
  }                                                                       \
  template <typename A, typename B, int N>                                \
  constexpr auto operator OLD(Waiting<NAME, A, N> left, const B& right) { \
    return on(N)       ? left.operand FIRST right                         \
           : on(N + 1) ? left.operand SECOND right                        \
                       : left.operand OLD right;                          \
  }
#define MUTANTS_ONE(NAME, OLD, NEW)                                       \
  struct NAME {};                                                         \
  template <typename A, int N>                                            \
  constexpr Waiting<NAME, A, N> operator OLD(const A& left, Site<N>) {    \
    return {left};                                                        \
  }                                                                       \
  template <typename A, typename B, int N>                                \
  constexpr auto operator OLD(Waiting<NAME, A, N> left, const B& right) { \
    return on(N) ? left.operand NEW right : left.operand OLD right;       \
  }
// `a += Site{} += b`, which is read from the right.
#define MUTANTS_ASSIGNMENT(NAME, OLD, NEW)                              \
  struct NAME {};                                                       \
  template <typename B, int N>                                          \
  constexpr Waiting<NAME, B, N> operator OLD(Site<N>, const B& right) { \
    return {right};                                                     \
  }                                                                     \
  template <typename A, typename B, int N>                              \
  requires std::is_arithmetic_v<A> || std::is_pointer_v<A>              \
  constexpr A& operator OLD(A& left, Waiting<NAME, B, N> right) {       \
    if (on(N)) return left NEW right.operand;                           \
    return left OLD right.operand;                                      \
  }

MUTANTS_TWO(Less, <, <=, >=)
MUTANTS_TWO(LessEqual, <=, <, >)
MUTANTS_TWO(Greater, >, >=, <=)
MUTANTS_TWO(GreaterEqual, >=, >, <)
MUTANTS_ONE(Equal, ==, !=)
MUTANTS_ONE(NotEqual, !=, ==)
MUTANTS_ONE(Plus, +, -)
MUTANTS_ONE(Minus, -, +)
MUTANTS_ONE(Times, *, /)
MUTANTS_ASSIGNMENT(PlusAssign, +=, -=)
MUTANTS_ASSIGNMENT(MinusAssign, -=, +=)

}  // namespace mutants
