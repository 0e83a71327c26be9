// Processes that link and unlink the same few ends, and remove whole ends, and are really killed:
// every link is found from both of its ends or from none, and none leads to what is not there.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "holdfast/holdfast.h"
#include "support/child_process.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

class LinksScenario : public testing::Test {
 protected:
  // Writes until it is killed or has done its share.
  void work(uint32_t seed) {
    constexpr int kSteps = 120;
    std::mt19937 random(seed);
    Store store = open_or_die(path_);
    const Space space = *store.space("crew");
    const Links links = space.links();
    for (int step = 0; step < kSteps; ++step) {
      const size_t number = random() % 10;
      const std::string from = "end/" + std::to_string(number);
      const std::string to = "end/" + std::to_string((number + 1 + random() % 9) % 10);
      if (random() % 10 == 0) {
        ASSERT_TRUE(links.remove_end(from));
      } else if (random() % 5 == 0) {
        const Status removed = links.remove(from, "t", to);
        ASSERT_TRUE(removed.is_ok() || removed.code() == StatusCode::kNotFound);
      } else if (random() % 3 == 0) {
        // An observation comes and, half of the time, goes, while others link to it.
        const auto id = space.observations().add({.content = "text"});
        ASSERT_TRUE(id);
        ASSERT_TRUE(links.put({.from = from, .type = "about", .to = link_end(*id)}));
        if (random() % 2 == 0) {
          ASSERT_TRUE(space.observations().remove(*id));
        }
      } else {
        ASSERT_TRUE(links.strengthen(from, "t", to, 1));
      }
      told_.send("x");
    }
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
  Channel told_;
};

TEST_F(LinksScenario, SixteenLinkAndUnlinkAndBothDirectionsAgree) {
  constexpr uint32_t kProcesses = 16;
  std::vector<ChildProcess> crew;
  for (uint32_t i = 0; i < kProcesses; ++i) {
    crew.push_back(ChildProcess::start([&, i] { work(i); }));
  }
  for (size_t death = 0; death < 8; ++death) {
    ASSERT_TRUE(told_.receive(40));
    crew[death].kill();
    crew[death].wait();
  }
  told_.close_sending();
  for (size_t i = 8; i < kProcesses; ++i) EXPECT_EQ(crew[i].wait(), ChildProcess::kSuccess);

  Store store = open_or_die(path_);
  const Space space = *store.space("crew");
  std::set<std::string> outgoing;
  std::set<std::string> ends;
  const auto all = space.links().list({.limit = 10'000});
  for (const Link& link : *all) {
    outgoing.insert(link.from + " " + link.type + " " + link.to);
    ends.insert(link.from);
    ends.insert(link.to);
  }
  std::set<std::string> incoming;
  for (const std::string& end : ends) {
    const auto links =
        space.links().of(end, {.filter = {.direction = LinkDirection::in}, .limit = 10'000});
    for (const Link& link : *links) {
      incoming.insert(link.from + " " + link.type + " " + link.to);
    }
    if (end.starts_with("observation/")) {
      EXPECT_TRUE(space.observations().get(end.substr(end.find('/') + 1))) << end;
    }
  }
  EXPECT_FALSE(outgoing.empty());
  EXPECT_EQ(outgoing, incoming);
  expect_sound(store);
}

}  // namespace
}  // namespace holdfast
