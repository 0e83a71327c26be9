#include "cli/resolve.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "cli/digest.h"
#include "support/temporary_directory.h"

namespace holdfast::cli {
namespace {

namespace fs = std::filesystem;

class ResolveTest : public ::testing::Test {
 protected:
  Surroundings at(const std::string& directory) {
    Surroundings surroundings;
    surroundings.directory = root_ + directory;
    surroundings.variable = [this](const char* name) -> std::optional<std::string> {
      auto found = variables_.find(name);
      if (found == variables_.end()) return std::nullopt;
      return found->second;
    };
    return surroundings;
  }
  void write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  void make(const std::string& path) { fs::create_directories(root_ + path); }
  std::string space(const std::string& directory) { return resolve_space(at(directory), "")->path; }

  TemporaryDirectory temporary_;
  std::string root_ = fs::canonical(temporary_.path()).string();
  std::map<std::string, std::string> variables_;
};

TEST_F(ResolveTest, TheOptionComesFirstThenTheVariable) {
  variables_["HOLDFAST_STORE"] = "/from/variable";
  make("/p/.holdfast");
  EXPECT_EQ(resolve_store(at("/p"), "here/")->path, root_ + "/p/here");
  EXPECT_EQ(resolve_store(at("/p"), "")->path, "/from/variable");
}

TEST_F(ResolveTest, TheNearestProjectStoreIsFoundFromBelow) {
  make("/p/.holdfast");
  make("/p/a/b");
  auto store = resolve_store(at("/p/a/b"), "");
  EXPECT_EQ(store->path, root_ + "/p/.holdfast");
  EXPECT_EQ(store->origin, StoreOrigin::kProject);
}

TEST_F(ResolveTest, TheUsersDataDirectoryIsLast) {
  variables_["HOME"] = "/home/u";
  EXPECT_EQ(resolve_store(at("/p"), "")->path, "/home/u/.local/share/holdfast");
  variables_["XDG_DATA_HOME"] = "/data";
  EXPECT_EQ(resolve_store(at("/p"), "")->path, "/data/holdfast");
  variables_["XDG_DATA_HOME"] = "relative";  // the specification says: ignore it
  EXPECT_EQ(resolve_store(at("/p"), "")->path, "/home/u/.local/share/holdfast");
}

TEST_F(ResolveTest, WithoutAnyPlaceTheMessageSaysWhatToDo) {
  EXPECT_EQ(resolve_store(at("/p"), "").status().code(), StatusCode::kNotAStore);
}

TEST_F(ResolveTest, WorkTreesOfARepositoryShareASpace) {
  make("/main/.git/worktrees/side");
  make("/main/src/deep");
  write("/main/.git/worktrees/side/commondir", "../..\n");
  write("/side/.git", "gitdir: " + root_ + "/main/.git/worktrees/side\n");
  make("/side/src");
  EXPECT_EQ(space("/main/src/deep"), space("/side/src"));
  EXPECT_EQ(space("/main").substr(0, 13), "project/main-");
}

TEST_F(ResolveTest, AWorkTreeElsewhereHasStoreAndIdOfTheMainOne) {
  make("/main/.git/worktrees/side");
  write("/main/.git/worktrees/side/commondir", "../..\n");
  write("/far/side/.git", "gitdir: " + root_ + "/main/.git/worktrees/side\n");
  make("/main/.holdfast");
  EXPECT_EQ(resolve_store(at("/far/side"), "")->path, root_ + "/main/.holdfast");
  EXPECT_EQ(resolve_store(at("/far/side"), "")->origin, StoreOrigin::kProject);
  write("/main/.holdfast-id", "clock\n");
  EXPECT_EQ(space("/far/side"), "project/clock");
  make("/far/.holdfast");
  EXPECT_EQ(resolve_store(at("/far/side"), "")->path, root_ + "/far/.holdfast") << "it is nearer";
}

TEST_F(ResolveTest, AKeptNameMovesWithTheRepositoryOrTheStore) {
  make("/a/.git");
  make("/b/.holdfast");
  make("/c");
  for (const std::string project : {"/a", "/b"}) {
    const auto before = resolve_space(at(project), "");
    ASSERT_NE(before->kept_by, "") << project;
    std::ofstream(before->kept_by) << before->path.substr(8) << "\n";
    fs::rename(root_ + project, root_ + project + "-moved");
    const auto after = resolve_space(at(project + "-moved"), "");
    EXPECT_EQ(after->path, before->path);
    EXPECT_EQ(after->kept_by, "");
  }
  EXPECT_EQ(resolve_space(at("/c"), "")->kept_by, "") << "nothing here would move with it";
}

TEST_F(ResolveTest, ASubmoduleIsAProjectOfItsOwn) {
  make("/main/.git/modules/part");
  write("/main/part/.git", "gitdir: ../.git/modules/part\n");
  EXPECT_NE(space("/main/part"), space("/main"));
}

TEST_F(ResolveTest, RepositoriesOfOneNameDiffer) {
  make("/a/tool/.git");
  make("/b/tool/.git");
  EXPECT_NE(space("/a/tool"), space("/b/tool"));
}

TEST_F(ResolveTest, ASymbolicLinkLeadsToTheSameSpace) {
  make("/real/.git");
  fs::create_symlink(root_ + "/real", root_ + "/link");
  EXPECT_EQ(space("/link"), space("/real"));
}

TEST_F(ResolveTest, TheIdFileSurvivesARename) {
  make("/old/.git");
  write("/old/.holdfast-id", "  my-project \n");
  EXPECT_EQ(space("/old"), "project/my-project");
  fs::rename(root_ + "/old", root_ + "/new");
  EXPECT_EQ(space("/new"), "project/my-project");
}

TEST_F(ResolveTest, AnUnusableIdFileIsAnErrorWithItsPath) {
  write("/p/.holdfast-id", "a/b\n");
  Status status = resolve_space(at("/p"), "").status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.path(), root_ + "/p/.holdfast-id");
}

TEST_F(ResolveTest, EveryDirectoryOfAProjectWithAStoreHasItsSpace) {
  make("/p/.holdfast");
  make("/p/a");
  EXPECT_EQ(space("/p/a"), space("/p"));
}

TEST_F(ResolveTest, TheDirectoryIsTheLastResort) {
  make("/x");
  make("/y");
  EXPECT_NE(space("/x"), space("/y"));
  EXPECT_EQ(space("/x").substr(0, 10), "project/x-");
}

TEST(DigestTest, IsFnv1aOf128Bits) {
  // add() also mixes in the length; an empty Digest is the offset basis.
  EXPECT_EQ(Digest().text(), "6c62272e07bb014262b821756295c58d");
  EXPECT_EQ(digest_text("a"), "19c3dbf8e5061a5c61631051cd9ca0c5");
  EXPECT_NE(Digest().add("a").add("bc").text(), Digest().add("ab").add("c").text());
  EXPECT_EQ(digest_text("same"), digest_text("same"));
}

}  // namespace
}  // namespace holdfast::cli
