// ProgramFixture: a test of the program as others start it, with a store of its own. For programs
// of tests that are built with HOLDFAST_PROGRAM; where the program is not built, its tests are
// skipped.
#pragma once

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "holdfast/holdfast.h"
#include "support/temporary_directory.h"

namespace holdfast {

class ProgramFixture : public testing::Test {
 protected:
  void SetUp() override {
#ifdef HOLDFAST_PROGRAM
    program_ = HOLDFAST_PROGRAM;
#else
    GTEST_SKIP() << "the program is not built here";
#endif
  }

  // What the space "test" of the store remembers.
  std::multiset<std::string> contents() {
    std::multiset<std::string> found;
    auto store = Store::open(path_);
    EXPECT_TRUE(store) << store.status().to_string();
    auto all = store->space("test")->observations().list({.limit = 10'000});
    EXPECT_TRUE(all) << all.status().to_string();
    for (const Observation& observation : *all) found.insert(observation.content);
    return found;
  }

  std::string program_;
  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
};

}  // namespace holdfast
