#include "support/killed_writer.h"

#include <gtest/gtest.h>

#include "support/child_process.h"
#include "support/store_files.h"

namespace holdfast {

void add_until_killed(const std::string& store_path, int batches,
                      const std::function<std::vector<NewObservation>(int)>& batch_of) {
  Channel added;
  ChildProcess writer = ChildProcess::start([&] {
    Store store = open_or_die(store_path);
    const Space space = *store.space("crowd");
    for (int number = 0;; ++number) {
      ASSERT_TRUE(space.observations().add_all(batch_of(number)));
      added.send("x");
    }
  });
  for (int i = 0; i < batches; ++i) ASSERT_TRUE(added.receive(1));
  writer.kill();
  writer.wait();
}

}  // namespace holdfast
