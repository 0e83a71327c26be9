// A process that adds observations until it is killed. For tests only.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "holdfast/holdfast.h"

namespace holdfast {

// Adds batch_of(0), batch_of(1) ... to the space "crowd" of the store, each as a whole, in a
// process that is killed once `batches` were acknowledged: it is in the middle of what comes then.
void add_until_killed(const std::string& store_path, int batches,
                      const std::function<std::vector<NewObservation>(int)>& batch_of);

}  // namespace holdfast
