#include "memory/parallel.h"

#include <algorithm>
#include <system_error>
#include <thread>
#include <vector>

namespace holdfast::memory {

void for_each_part(size_t count, size_t part_min, size_t threads_max,
                   const std::function<void(size_t begin, size_t end)>& work) {
  const size_t parts = std::clamp<size_t>(count / part_min, 1, std::max<size_t>(threads_max, 1));
  const auto begin_of = [&](size_t part) { return count * part / parts; };
  std::vector<std::jthread> others;
  others.reserve(parts);
  size_t given = 1;  // the first part is the caller's
  try {
    for (; given < parts; ++given) {
      others.emplace_back([&, given] { work(begin_of(given), begin_of(given + 1)); });
    }
  } catch (const std::system_error&) {
  }
  work(0, begin_of(1));
  if (given < parts) work(begin_of(given), count);
}

}  // namespace holdfast::memory
