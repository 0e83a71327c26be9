// What tests of kinds have in common: a space in a map, a clock, and what a refusal must be.
#pragma once

#include <gtest/gtest.h>

#include "memory/map_access.h"

namespace holdfast::memory {

class MapSpaceTest : public testing::Test {
 protected:
  std::shared_ptr<MapAccess> access() {
    return std::make_shared<MapAccess>(keys_, clock_, SpaceSegments{"a"});
  }
  // The call returns this error, and has written nothing.
  template <typename Call>
  void expect_refused(StatusCode expected, const Call& call) {
    const int before = keys_.writes;
    const Status status = call();
    EXPECT_EQ(status.code(), expected) << status.to_string();
    EXPECT_EQ(keys_.writes, before) << status.to_string();
  }

  search::MapKeyspace keys_;
  MapClock clock_;
};

}  // namespace holdfast::memory
