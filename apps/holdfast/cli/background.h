// Work that nobody waits for: in a process that outlives this one.
#pragma once

#include <functional>

namespace holdfast::cli {

// Forks. `work` runs in a session of its own, behind others, without standard input and
// output, so that nobody who reads ours waits for it, and at most `seconds_max`. It may not come to
// its end, nor begin: where it can be killed with us, or there is no room for a process, it is lost
// without a word. REQUIRES: this process has one thread and no open store.
void run_in_background(unsigned seconds_max, const std::function<void()>& work);

}  // namespace holdfast::cli
