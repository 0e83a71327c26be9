// Input that cannot be accepted: each is a clear error, nothing is made by accident, nothing that
// was there is lost, and the store goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "holdfast/holdfast.h"
#include "support/child_process.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class BadInputTest : public testing::Test {
 protected:
  static StoreOptions no_create() {
    StoreOptions options;
    options.create = false;
    return options;
  }
  // Opening `path` fails with `code`, names the path, says something, and changes nothing.
  void expect_refused(const std::string& path, const StoreOptions& options, StatusCode code) {
    const auto before = files_below(directory_.path());
    const auto store = Store::open(path, options);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.status().code(), code) << store.status().to_string();
    EXPECT_THAT(std::string(store.status().path()), HasSubstr(path)) << store.status().to_string();
    EXPECT_GT(store.status().message().size(), 10u);
    EXPECT_EQ(files_below(directory_.path()), before);
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
};

TEST_F(BadInputTest, AFileIsNotAStore) {
  write_file(path_, "precious");
  expect_refused(path_, {}, StatusCode::kNotAStore);
  expect_refused(path_, no_create(), StatusCode::kNotAStore);
  EXPECT_EQ(read_file(path_), "precious");
}

TEST_F(BadInputTest, ADirectoryWithOtherThingsIsNotAStore) {
  fs::create_directory(path_);
  write_file(path_ + "/notes.txt", "precious");
  expect_refused(path_, {}, StatusCode::kNotAStore);
  expect_refused(path_, no_create(), StatusCode::kNotAStore);
}

TEST_F(BadInputTest, ADirectoryWhoseDataIsSomethingElseIsNotAStore) {
  fs::create_directory(path_);
  write_file(path_ + "/data", std::string(10'000, 'x'));
  expect_refused(path_, {}, StatusCode::kNotAStore);
  expect_refused(path_, no_create(), StatusCode::kNotAStore);
}

TEST_F(BadInputTest, WithoutCreateNothingIsMade) {
  expect_refused(path_, no_create(), StatusCode::kNotAStore);
  expect_refused(directory_.path_of("not/there"), no_create(), StatusCode::kNotAStore);
  fs::create_directory(path_);
  expect_refused(path_, no_create(), StatusCode::kNotAStore);
  EXPECT_TRUE(fs::is_empty(path_));
}

TEST_F(BadInputTest, APathBelowAFileIsRefused) {
  write_file(directory_.path_of("file"), "precious");
  const std::string below = directory_.path_of("file/store");
  const auto before = files_below(directory_.path());
  const auto store = Store::open(below);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.status().code(), StatusCode::kNotAStore) << store.status().to_string();
  EXPECT_EQ(files_below(directory_.path()), before);
}

TEST_F(BadInputTest, AStoreOfAnImpossibleFormatIsNotMade) {
  StoreOptions options;
  options.page_size_bytes = 1000;
  EXPECT_EQ(Store::open(path_, options).status().code(), StatusCode::kInvalidArgument);
  options = {};
  options.segment_size_bytes = 100;
  EXPECT_EQ(Store::open(path_, options).status().code(), StatusCode::kInvalidArgument);
  options = {};
  options.actor = std::string(129, 'x');
  EXPECT_EQ(Store::open(path_, options).status().code(), StatusCode::kInvalidArgument);
  EXPECT_FALSE(fs::exists(path_ + "/data"));
}

TEST_F(BadInputTest, KeysAndValuesBeyondTheLimitsAreRefusedAndNothingIsWritten) {
  Store store = open_or_die(path_);
  ASSERT_TRUE(store.put("kept", "1"));
  const std::string long_key(1025, 'k');
  const std::string large_value((1u << 20) + 1, 'v');
  EXPECT_EQ(store.put("", "v").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(store.put(long_key, "v").status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(store.put(long_key, "v").status().message()),
              testing::AllOf(HasSubstr("1024"), HasSubstr("1025")));
  EXPECT_EQ(store.get("").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(store.get(long_key).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(store.del(long_key).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(store.put("key", large_value).status().code(), StatusCode::kTooLarge);
  Transaction txn = std::move(*store.begin());
  EXPECT_EQ(txn.put("", "v").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(txn.put("key", large_value).code(), StatusCode::kTooLarge);
  ASSERT_TRUE(txn.put("good", "2"));
  ASSERT_TRUE(txn.commit());
  EXPECT_EQ(contents(store), (std::map<std::string, std::string>{{"good", "2"}, {"kept", "1"}}));
  EXPECT_EQ(store.stats()->version, 2u);
}

TEST_F(BadInputTest, KeysAndValuesAtTheLimitsAreKept) {
  Store store = open_or_die(path_);
  const std::string key(1024, '\xff');
  const std::string value(1u << 20, '\0');
  ASSERT_TRUE(store.put(key, value));
  ASSERT_TRUE(store.put("empty", ""));
  EXPECT_EQ(store.get(key)->value(), value);
  EXPECT_EQ(store.get("empty")->value(), "");
  expect_sound(store);
}

TEST_F(BadInputTest, ATransactionBeyondItsLimitIsRefusedAndMayBeAborted) {
  Store store = open_or_die(path_);
  ASSERT_TRUE(store.put("kept", "1"));
  const std::string value(1u << 20, 'v');
  Status status;
  Transaction txn = std::move(*store.begin());
  for (int i = 0; i < 200 && status; ++i) status = txn.put("key" + std::to_string(i), value);
  EXPECT_EQ(status.code(), StatusCode::kTooLarge) << status.to_string();
  txn.abort();
  EXPECT_EQ(contents(store).size(), 1u);
  ASSERT_TRUE(store.put("after", "2"));
}

TEST_F(BadInputTest, TextThatIsNotUtf8IsRefusedWithItsOffset) {
  Store store = open_or_die(path_);
  const Space space = *store.space("project");
  for (const auto& [text, offset] :
       std::vector<std::pair<std::string, std::string>>{{"good \xff bad", "5"},
                                                        {"cut \xe4\xbd", "4"},
                                                        {"\xc0\x80", "0"},
                                                        {"surrogate \xed\xa0\x80", "10"}}) {
    NewObservation observation;
    observation.content = text;
    const Status status = space.observations().add(observation).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status.to_string();
    EXPECT_TRUE(status.to_string().find(offset) != std::string::npos) << status.to_string();
    EXPECT_EQ(space.recall({.text = text}).status().code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(store.space(SpaceSegments{text}).status().code(), StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(*space.observations().count(), 0u);
  EXPECT_EQ(store.stats()->version, 0u);
}

TEST_F(BadInputTest, ObservationsThatAreNoObservationsAreRefusedAndNothingIsWritten) {
  Store store = open_or_die(path_);
  const Space space = *store.space("project");
  const auto add = [&](const std::function<void(NewObservation&)>& change) {
    NewObservation observation;
    observation.content = "content";
    change(observation);
    return space.observations().add(observation).status().code();
  };
  EXPECT_EQ(add([](auto& o) { o.content = ""; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(add([](auto& o) { o.metadata = "{not json"; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(add([](auto& o) { o.confidence = 0.0 / 0.0; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(add([](auto& o) { o.confidence = 1.5; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(add([](auto& o) {
              o.embedding = Embedding{"m", "", {1.0f / 0.0f}};
            }),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(add([](auto& o) { o.content = std::string(kContentSizeMax + 1, 'x'); }),
            StatusCode::kTooLarge);
  EXPECT_EQ(add([](auto& o) { o.title = std::string(kTitleSizeMax + 1, 'x'); }),
            StatusCode::kTooLarge);
  EXPECT_EQ(store.stats()->version, 0u);
  EXPECT_EQ(add([](auto&) {}), StatusCode::kOk);
}

// Root may do everything: the test goes on as nobody.
TEST_F(BadInputTest, WithoutPermissionNothingIsReadAndNothingIsLost) {
  constexpr uid_t kNobody = 65534;
  { ASSERT_TRUE(open_or_die(path_).put("kept", "1")); }
  const std::string closed = directory_.path_of("closed");
  fs::create_directory(closed);
  ASSERT_EQ(::chmod(directory_.path().c_str(), 0755), 0);
  for (const auto& entry : fs::recursive_directory_iterator(path_)) {
    ASSERT_EQ(::chmod(entry.path().c_str(), entry.is_directory() ? 0555 : 0444), 0);
  }
  ASSERT_EQ(::chmod(path_.c_str(), 0555), 0);
  const auto before = files_below(directory_.path());
  EXPECT_EQ(run_in_child([&] {
              if (::getuid() == 0 && ::setuid(kNobody) != 0) return;
              const auto store = Store::open(path_);
              ASSERT_FALSE(store);
              EXPECT_EQ(store.status().code(), StatusCode::kPermissionDenied)
                  << store.status().to_string();
              EXPECT_THAT(std::string(store.status().path()), HasSubstr(path_));
              if (::getuid() != kNobody) return;
              const auto other = Store::open(closed + "/store");
              ASSERT_FALSE(other);
              EXPECT_EQ(other.status().code(), StatusCode::kPermissionDenied)
                  << other.status().to_string();
            }),
            ChildProcess::kSuccess);
  EXPECT_EQ(files_below(directory_.path()), before);
  for (const auto& entry : fs::recursive_directory_iterator(path_)) {
    ASSERT_EQ(::chmod(entry.path().c_str(), entry.is_directory() ? 0755 : 0644), 0);
  }
  ASSERT_EQ(::chmod(path_.c_str(), 0755), 0);
  Store store = open_or_die(path_);
  EXPECT_EQ(store.get("kept")->value(), "1");
}

}  // namespace
}  // namespace holdfast
