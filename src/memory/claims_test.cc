#include <gtest/gtest.h>

#include "holdfast/claim.h"
#include "memory/map_access.h"

namespace holdfast::memory {
namespace {

using std::chrono::milliseconds;

class ClaimsTest : public testing::Test {
 protected:
  // `owner` stands for a process.
  Claims claims(uint32_t owner = 1, const SpaceSegments& segments = {"a"}) {
    return Claims(std::make_shared<MapAccess>(keys_, clock_, segments, owner));
  }
  static StatusCode code(const Result<Claim>& claim) {
    return claim ? StatusCode::kOk : claim.status().code();
  }
  static const ClaimOptions& shared() {
    static const ClaimOptions options{.mode = ClaimMode::shared};
    return options;
  }
  size_t held_count() { return claims().list()->size(); }

  search::MapKeyspace keys_;
  MapClock clock_;
};

TEST_F(ClaimsTest, AnExclusiveClaimKeepsOthersOut) {
  auto first = claims().take("build", {.holder = "agent-7", .purpose = "the release"});
  ASSERT_TRUE(first) << first.status().to_string();
  for (const ClaimMode mode : {ClaimMode::exclusive, ClaimMode::shared}) {
    auto second = claims(2).take("build", {.mode = mode});
    ASSERT_EQ(code(second), StatusCode::kBusy);
    EXPECT_NE(second.status().message().find("agent-7"), std::string_view::npos);
    EXPECT_NE(second.status().message().find("the release"), std::string_view::npos);
  }
  ASSERT_TRUE(claims().release(*first));
  EXPECT_TRUE(claims(2).take("build"));
}

TEST_F(ClaimsTest, SharedClaimsExcludeOnlyAnExclusiveOne) {
  auto first = claims(1).take("docs", shared());
  auto second = claims(2).take("docs", shared());
  ASSERT_TRUE(first);
  ASSERT_TRUE(second);
  EXPECT_EQ(claims().holders("docs")->size(), 2u);
  EXPECT_EQ(code(claims(3).take("docs")), StatusCode::kBusy);
  ASSERT_TRUE(claims().release(*first));
  EXPECT_EQ(code(claims(3).take("docs")), StatusCode::kBusy);
  ASSERT_TRUE(claims().release(*second));
  EXPECT_TRUE(claims(3).take("docs"));
}

TEST_F(ClaimsTest, SeveralResourcesAreTakenTogetherOrNotAtAll) {
  const std::vector<std::string> both = {"a", "b"};
  ASSERT_TRUE(claims(1).take("b"));
  EXPECT_EQ(code(claims(2).take(both)), StatusCode::kBusy);
  EXPECT_TRUE(claims().holders("a")->empty());
}

TEST_F(ClaimsTest, AClaimEndsWhenItsTimeHasPassed) {
  auto claim = claims(1).take("x", {.ttl = milliseconds(1000)});
  ASSERT_TRUE(claim);
  clock_.now_us += 999'999;
  EXPECT_TRUE(claims(1).guard(*claim));
  EXPECT_EQ(code(claims(2).take("x")), StatusCode::kBusy);
  clock_.now_us += 1;
  EXPECT_EQ(claims(1).guard(*claim).code(), StatusCode::kFenced);
  EXPECT_EQ(held_count(), 0u);
  EXPECT_TRUE(claims(2).take("x"));
}

TEST_F(ClaimsTest, AClaimEndsWithItsProcess) {
  auto bound = claims(2).take("bound");
  auto free = claims(2).take("free", {.bound_to_handle = false});
  ASSERT_TRUE(bound && free);
  clock_.owners_dead.insert(2);
  EXPECT_EQ(claims(1).guard(*bound).code(), StatusCode::kFenced);
  EXPECT_TRUE(claims(1).guard(*free));
  EXPECT_TRUE(claims(1).take("bound"));
  EXPECT_EQ(code(claims(1).take("free")), StatusCode::kBusy);
}

TEST_F(ClaimsTest, TokensGrow) {
  uint64_t before = 0;
  for (int i = 0; i < 5; ++i) {
    auto claim = claims().take("x");
    ASSERT_TRUE(claim);
    EXPECT_GT(claim->token, before);
    before = claim->token;
    ASSERT_TRUE(claims().release(*claim));
  }
}

TEST_F(ClaimsTest, WhoLostAClaimIsFenced) {
  auto first = claims(1).take("x", {.ttl = milliseconds(10)});
  ASSERT_TRUE(first);
  clock_.now_us += 20'000;
  auto second = claims(2).take("x");
  ASSERT_TRUE(second);
  EXPECT_GT(second->token, first->token);
  EXPECT_EQ(claims(1).guard(*first).code(), StatusCode::kFenced);
  EXPECT_EQ(code(claims(1).renew(*first, milliseconds(10))), StatusCode::kFenced);
  // Releasing what one no longer holds leaves the holder alone.
  ASSERT_TRUE(claims(1).release(*first));
  EXPECT_TRUE(claims(2).guard(*second));
}

TEST_F(ClaimsTest, RenewingExtends) {
  auto claim = claims().take("x", {.ttl = milliseconds(100)});
  ASSERT_TRUE(claim);
  clock_.now_us += 90'000;
  auto renewed = claims().renew(*claim, milliseconds(100));
  ASSERT_TRUE(renewed);
  EXPECT_EQ(renewed->token, claim->token);
  clock_.now_us += 90'000;
  EXPECT_TRUE(claims().guard(*renewed));
  // Late, but nobody has taken it: it is held again.
  clock_.now_us += 90'000;
  EXPECT_FALSE(claims().guard(*renewed));
  EXPECT_TRUE(claims().renew(*renewed, milliseconds(100)));
  EXPECT_TRUE(claims().guard(*renewed));
}

TEST_F(ClaimsTest, WaitingEndsWhenTheHolderLetsGo) {
  auto claim = claims(1).take("x");
  ASSERT_TRUE(claim);
  int pauses = 0;
  clock_.on_pause = [&] {
    if (++pauses < 3) return;
    EXPECT_TRUE(claims(1).release(*claim));
  };
  EXPECT_TRUE(claims(2).take("x", {.wait = milliseconds(1000)}));
  EXPECT_EQ(pauses, 3);
}

TEST_F(ClaimsTest, WaitingEndsWithItsTime) {
  ASSERT_TRUE(claims(1).take("x"));
  const int64_t begun_us = clock_.now_us;
  EXPECT_EQ(code(claims(2).take("x", {.wait = milliseconds(100)})), StatusCode::kBusy);
  EXPECT_GE(clock_.now_us - begun_us, 100'000);
  EXPECT_LT(clock_.now_us - begun_us, 200'000);
}

TEST_F(ClaimsTest, NothingIsLeftOfWhatIsReleased) {
  auto claim = claims().take("x");
  ASSERT_TRUE(claim);
  const size_t with_claim = keys_.entries.size();
  ASSERT_TRUE(claims().release(*claim));
  EXPECT_EQ(keys_.entries.size(), with_claim - 1);
}

TEST_F(ClaimsTest, SpacesDoNotShareResources) {
  auto claim = claims(1, {"a"}).take("x");
  ASSERT_TRUE(claim);
  EXPECT_TRUE(claims(2, {"b"}).take("x"));
  EXPECT_EQ(claims(1, {"c"}).guard(*claim).code(), StatusCode::kFenced);
  EXPECT_TRUE(claims(1, {"c"}).list()->empty());
}

TEST_F(ClaimsTest, ListingPages) {
  for (const char* name : {"p/1", "p/2", "p/3", "q"}) ASSERT_TRUE(claims().take(name));
  const auto page = claims().list({.prefix = "p/", .after = "p/1", .limit = 1});
  ASSERT_TRUE(page);
  ASSERT_EQ(page->size(), 1u);
  EXPECT_EQ(page->front().resource, "p/2");
  EXPECT_EQ(claims().list({.prefix = "p/"})->size(), 3u);
}

TEST_F(ClaimsTest, BadInputIsRefusedAndChangesNothing) {
  const auto before = keys_.entries;
  EXPECT_EQ(code(claims().take("")), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(claims().take("\xff")), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(claims().take(std::string(kClaimResourceSizeMax + 1, 'x'))),
            StatusCode::kTooLarge);
  EXPECT_EQ(code(claims().take(std::vector<std::string>{})), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(claims().take(std::vector<std::string>{"a", "b", "a"})),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(code(claims().take("x", {.ttl = milliseconds(0)})), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(claims().take("x", {.ttl = kClaimTtlMax + milliseconds(1)})),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(claims().guard({.id = "x", .resources = {"x"}}).code(), StatusCode::kFenced);
  EXPECT_EQ(keys_.entries, before);
}

}  // namespace
}  // namespace holdfast::memory
