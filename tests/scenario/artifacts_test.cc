// Artifacts of many processes that are really killed: numbers without gaps, every version with its
// whole content, one copy of what several have, and nothing left of what was removed.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <random>
#include <set>

#include "holdfast/holdfast.h"
#include "support/child_process.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

constexpr size_t kLargeSize = 100'000;  // a blob

// What version content `number` is: small and large ones, and the same ones again and again.
std::string content_of(size_t number) {
  const bool is_large = number % 3 == 0;
  return std::string(is_large ? kLargeSize : 40, static_cast<char>('a' + number % 8));
}

class ArtifactsScenario : public testing::Test {
 protected:
  // Writes until it is killed or has done its share.
  void work(uint32_t seed) {
    constexpr int kSteps = 40;
    std::mt19937 random(seed);
    Store store = open_or_die(path_);
    const Space space = *store.space("crew");
    const Artifacts artifacts = space.artifacts();
    for (int step = 0; step < kSteps; ++step) {
      const std::string name = "artifact/" + std::to_string(random() % 4);
      const size_t number = random() % 24;
      if (random() % 8 == 0) {
        const auto pruned = artifacts.prune(name, 3);
        ASSERT_TRUE(pruned || pruned.status().code() == StatusCode::kNotFound)
            << pruned.status().to_string();
      } else if (random() % 8 == 0) {
        const Status set = artifacts.set_alias(name, "best", "latest");
        ASSERT_TRUE(set || set.code() == StatusCode::kNotFound) << set.to_string();
      } else {
        const auto put =
            artifacts.put({.name = name, .metadata = "{\"number\":" + std::to_string(number) + "}"},
                          content_of(number));
        ASSERT_TRUE(put) << put.status().to_string();
      }
      told_.send("x");
    }
  }

  // Every way of finding a version agrees with what the version itself says.
  void expect_whole(const Artifacts& artifacts) {
    const auto listed = artifacts.list();
    ASSERT_FALSE(listed->empty());
    for (const Artifact& artifact : *listed) {
      const auto versions = artifacts.versions(artifact.name);
      ASSERT_EQ(versions->size(), artifact.versions);
      EXPECT_EQ(versions->front().version, artifact.latest.version);
      for (const ArtifactVersion& version : *versions) {
        const std::string text = std::to_string(version.version);
        const size_t number = std::stoul(version.metadata->substr(10));
        EXPECT_EQ(*artifacts.get(artifact.name, text), content_of(number));
        EXPECT_TRUE(artifacts.verify(artifact.name, text, {}));
        EXPECT_EQ(artifacts.find_id(version.id)->version, version.version);
        numbered_.insert({number, artifact.name, version.version});
      }
    }
    for (size_t number = 0; number < 24; ++number) {
      const auto found = artifacts.query({.metadata = {{"number", std::to_string(number)}}});
      for (const ArtifactVersion& version : *found) {
        EXPECT_EQ(numbered_.erase({number, version.name, version.version}), 1u);
      }
    }
    EXPECT_TRUE(numbered_.empty()) << "not found by its metadata";
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
  std::set<std::tuple<size_t, std::string, uint64_t>> numbered_;
  Channel told_;
};

TEST_F(ArtifactsScenario, SixteenPutAndPruneThoughSomeAreKilled) {
  constexpr uint32_t kProcesses = 16;
  std::vector<ChildProcess> crew;
  for (uint32_t i = 0; i < kProcesses; ++i) {
    crew.push_back(ChildProcess::start([&, i] { work(i); }));
  }
  for (size_t death = 0; death < 8; ++death) {
    ASSERT_TRUE(told_.receive(20));
    crew[death].kill();
    crew[death].wait();
  }
  told_.close_sending();
  for (size_t i = 8; i < kProcesses; ++i) EXPECT_EQ(crew[i].wait(), ChildProcess::kSuccess);

  Store store = open_or_die(path_);
  const Artifacts artifacts = store.space("crew")->artifacts();
  expect_whole(artifacts);
  Snapshot snapshot = std::move(*store.snapshot());
  // The eight large contents are kept once each.
  EXPECT_LE(store.blobs().stats(snapshot)->blobs, 8u);
  EXPECT_TRUE(store.blobs().check(snapshot, true)->problems.empty());
  expect_sound(store);

  std::vector<std::string> names;
  const auto listed = artifacts.list();
  for (const Artifact& artifact : *listed) names.push_back(artifact.name);
  ASSERT_TRUE(artifacts.remove(names));
  ASSERT_TRUE(Spaces(store).remove({"crew"}));
  Snapshot after = std::move(*store.snapshot());
  EXPECT_EQ(store.blobs().stats(after)->references, 0u);
}

TEST_F(ArtifactsScenario, TenThatPutOneNameGetTenNumbers) {
  constexpr int kProcesses = 10;
  constexpr int kEach = 10;
  std::vector<ChildProcess> crew;
  for (int i = 0; i < kProcesses; ++i) {
    crew.push_back(ChildProcess::start([&, i] {
      Store store = open_or_die(path_);
      for (int k = 0; k < kEach; ++k) {
        const auto put = store.space("crew")->artifacts().put(
            {.name = "one"}, std::to_string(i) + ":" + std::to_string(k));
        ASSERT_TRUE(put) << put.status().to_string();
      }
    }));
  }
  for (ChildProcess& process : crew) EXPECT_EQ(process.wait(), ChildProcess::kSuccess);
  Store store = open_or_die(path_);
  const Artifacts artifacts = store.space("crew")->artifacts();
  std::set<std::string> contents;
  for (int i = 1; i <= kProcesses * kEach; ++i) {
    contents.insert(*artifacts.get("one", std::to_string(i)));
  }
  EXPECT_EQ(contents.size(), size_t{kProcesses * kEach});
}

TEST_F(ArtifactsScenario, AStreamOfAnySizeGoesInAndOutAndIsSigned) {
  Store store = open_or_die(path_);
  const Artifacts artifacts = store.space("crew")->artifacts();
  const std::string piece(1 << 20, 'p');
  constexpr int kPieces = 20;
  ArtifactWriter writer = artifacts.write();
  for (int i = 0; i < kPieces; ++i) ASSERT_TRUE(writer.append(piece));
  const auto content = writer.finish();
  ASSERT_TRUE(content) << content.status().to_string();
  ASSERT_TRUE(artifacts.put({.name = "large"}, *content));
  EXPECT_EQ(artifacts.get("large").status().code(), StatusCode::kTooLarge);
  SigningKey key;
  key.seed.fill(3);
  ASSERT_TRUE(artifacts.sign("large", "1", key));
  const std::vector<TrustedKey> trusted = {{"me", public_key_of(key)}};
  EXPECT_TRUE(artifacts.verify("large", "1", trusted)->is_trusted());
  auto reader = artifacts.open("large");
  ASSERT_TRUE(reader) << reader.status().to_string();
  uint64_t size = 0;
  std::string read(1 << 20, '\0');
  for (size_t count = 1; count > 0; size += count) {
    const auto some = reader->read(read.data(), read.size());
    ASSERT_TRUE(some) << some.status().to_string();
    count = *some;
    ASSERT_EQ(read.substr(0, count).find_first_not_of('p'), std::string::npos);
  }
  EXPECT_EQ(size, kPieces * piece.size());
}

TEST_F(ArtifactsScenario, APutIsPartOfItsTransaction) {
  Store store = open_or_die(path_);
  const Space space = *store.space("crew");
  const ArtifactContent content(std::string("text"));
  const auto failed = store.update([&](Transaction& txn) -> Status {
    HOLDFAST_TRY(space.artifacts(txn).put({.name = "a"}, content).status());
    HOLDFAST_TRY(space.kv(txn).put("k", "v"));
    return Status(StatusCode::kAborted, "changed its mind");
  });
  EXPECT_FALSE(failed);
  EXPECT_EQ(space.artifacts().find("a").status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(store.update([&](Transaction& txn) -> Status {
    HOLDFAST_TRY(space.artifacts(txn).put({.name = "a"}, content).status());
    HOLDFAST_TRY(space.artifacts(txn).put({.name = "a"}, content).status());
    return space.kv(txn).put("k", "v");
  }));
  EXPECT_EQ(space.artifacts().find("a")->version, 2u);
  Snapshot snapshot = std::move(*store.snapshot());
  ASSERT_TRUE(space.artifacts().put({.name = "a"}, content));
  EXPECT_EQ(space.artifacts(snapshot).find("a")->version, 2u);
  EXPECT_EQ(space.artifacts(snapshot).put({.name = "a"}, content).status().code(),
            StatusCode::kReadOnly);
}

// Paths of the files of blobs, by what is in them.
std::map<std::string, std::string> blob_files(const std::string& store_path) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(store_path + "/blobs")) {
    if (entry.is_regular_file()) files[entry.path()] = read_file(entry.path());
  }
  return files;
}

// By every way of reading it, whatever else these check.
TEST_F(ArtifactsScenario, ADamagedContentIsNeverReturned) {
  std::mt19937_64 random(5);
  std::string content(600'000, '\0');  // of three frames, which nothing makes smaller
  for (char& c : content) c = static_cast<char>(random());
  {
    Store store = open_or_die(path_);
    const Space space = *store.space("crew");
    ASSERT_TRUE(space.artifacts().put({.name = "a"}, content));
    auto writer = space.kv().write();
    ASSERT_TRUE(writer->append(content));
    ASSERT_TRUE(space.kv().put("k", *writer->finish()));
    content[0] = static_cast<char>(content[0] + 1);
    ASSERT_TRUE(space.artifacts().put({.name = "b"}, content));
  }
  const auto files = blob_files(path_);
  ASSERT_EQ(files.size(), 2u) << "artifact and value share one";
  const auto expect_refused = [&](const std::string& what) {
    SCOPED_TRACE(what);
    Store store = open_or_die(path_);
    const Space space = *store.space("crew");
    size_t refused = 0;
    for (const std::string name : {"a", "b"}) {
      const auto got = space.artifacts().get(name);
      const Status verified = space.artifacts().verify(name, "1", {}).status();
      EXPECT_EQ(got.status().code(), verified.code()) << name;
      if (got) continue;
      ++refused;
      EXPECT_EQ(got.status().code(), StatusCode::kCorruption);
      EXPECT_NE(got.status().to_string().find("/blobs/"), std::string::npos) << "says where";
    }
    EXPECT_GE(refused, 1u);
    EXPECT_EQ(space.kv().get("k").is_ok(), space.artifacts().get("a").is_ok());
  };
  for (const auto& [path, bytes] : files) {
    for (uint64_t at = 0; at < bytes.size(); at += bytes.size() / 23) {
      flip_bit(path, at);
      expect_refused("flipped at " + std::to_string(at) + " of " + path);
      flip_bit(path, at);
    }
    flip_bit(path, bytes.size() - 1);
    expect_refused("flipped at the end");
    write_file(path, bytes.substr(0, bytes.size() / 2));
    expect_refused("cut off");
    write_file(path, bytes);
  }
  write_file(files.begin()->first, files.rbegin()->second);
  write_file(files.rbegin()->first, files.begin()->second);
  expect_refused("whole contents under each other's names");
  for (const auto& [path, bytes] : files) write_file(path, bytes);
  Store store = open_or_die(path_);
  EXPECT_EQ(*store.space("crew")->artifacts().get("b"), content);
  expect_sound(store);
}

}  // namespace
}  // namespace holdfast
