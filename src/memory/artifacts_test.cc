#include <gtest/gtest.h>

#include "holdfast/artifact.h"
#include "holdfast/link.h"
#include "memory/map_space_fixture.h"

namespace holdfast::memory {
namespace {

class ArtifactsTest : public MapSpaceTest {
 protected:
  Artifacts artifacts(const SpaceSegments& segments = {"a"}) {
    return Artifacts(std::make_shared<MapAccess>(keys_, clock_, segments));
  }
  Links links() { return Links(access()); }
  ArtifactVersion put(const std::string& name, const std::string& bytes,
                      NewArtifact artifact = {}) {
    artifact.name = name;
    const auto version = artifacts().put(artifact, bytes);
    EXPECT_TRUE(version) << version.status().to_string();
    return version ? *version : ArtifactVersion();
  }
  StatusCode code(const NewArtifact& artifact) {
    return artifacts().put(artifact, "x").status().code();
  }
  std::string names(const Result<std::vector<Artifact>>& found) {
    EXPECT_TRUE(found) << found.status().to_string();
    std::string text;
    for (const Artifact& artifact : *found) text += artifact.name + " ";
    return text;
  }
  std::string ends(const Result<std::vector<ArtifactVersion>>& found) {
    EXPECT_TRUE(found) << found.status().to_string();
    std::string text;
    for (const ArtifactVersion& version : *found) {
      text += version.name + "@" + std::to_string(version.version) + " ";
    }
    return text;
  }
};

const std::vector<std::string> kReport = {"report"};

TEST_F(ArtifactsTest, EveryPutIsAVersionAndLatestNamesTheNewest) {
  EXPECT_EQ(put("report", "one").version, 1u);
  EXPECT_EQ(put("report", "two", {.media_type = "text/plain"}).version, 2u);
  EXPECT_EQ(*artifacts().get("report"), "two");
  EXPECT_EQ(*artifacts().get("report", "latest"), "two");
  EXPECT_EQ(*artifacts().get("report", "1"), "one");
  const auto found = artifacts().find("report", "2");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->media_type, "text/plain");
  EXPECT_EQ(found->content.size, 3u);
  EXPECT_EQ(blob_hash_text(found->content),
            "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3");
  EXPECT_EQ(ends(artifacts().versions("report")), "report@2 report@1 ");
  EXPECT_EQ(ends(artifacts().versions("report", 1, 2)), "report@1 ");
  EXPECT_EQ(artifacts().show("report")->versions, 2u);
}

TEST_F(ArtifactsTest, WhatIsNotThereIsNamed) {
  EXPECT_EQ(artifacts().get("nothing").status().code(), StatusCode::kNotFound);
  put("report", "one");
  for (const char* version : {"2", "0", "prod", "99999999999999999999999"}) {
    const Status status = artifacts().find("report", version).status();
    EXPECT_EQ(status.code(), StatusCode::kNotFound);
    EXPECT_NE(status.message().find(version), std::string_view::npos) << status.to_string();
  }
  EXPECT_EQ(artifacts().find("other").status().code(), StatusCode::kNotFound);
  expect_refused(StatusCode::kNotFound, [&] { return artifacts().set_alias("report", "a", "7"); });
  expect_refused(StatusCode::kNotFound, [&] { return artifacts().remove_alias("report", "a"); });
}

TEST_F(ArtifactsTest, AContentThatSeveralHaveIsKeptOnceAndGoesWithTheLast) {
  const std::string content(1000, 'x');
  put("a", content);
  const size_t one = keys_.entries.size();
  put("b", content);
  put("b", content);
  size_t kept = 0;
  for (const auto& [key, value] : keys_.entries) kept += value == content ? 1 : 0;
  EXPECT_EQ(kept, 1u);
  const BlobRef ref = artifacts().find("a")->content;
  EXPECT_EQ(ends(artifacts().query({.content = ref})), "a@1 b@1 b@2 ");
  ASSERT_TRUE(artifacts().remove(std::vector<std::string>{"b"}));
  EXPECT_EQ(keys_.entries.size(), one);
  EXPECT_EQ(*artifacts().get("a"), content);
  ASSERT_TRUE(artifacts().remove(std::vector<std::string>{"a"}));
  for (const auto& [key, value] : keys_.entries) EXPECT_EQ(key[0], '\x01') << "left behind";
}

TEST_F(ArtifactsTest, AnAliasNamesAVersionUntilItIsMoved) {
  put("model", "one", {.aliases = {"prod"}});
  put("model", "two");
  EXPECT_EQ(*artifacts().get("model", "prod"), "one");
  ASSERT_TRUE(artifacts().set_alias("model", "prod", "latest"));
  EXPECT_EQ(*artifacts().get("model", "prod"), "two");
  EXPECT_EQ(artifacts().show("model")->aliases.at("prod"), 2u);
  ASSERT_TRUE(artifacts().remove_alias("model", "prod"));
  EXPECT_EQ(artifacts().get("model", "prod").status().code(), StatusCode::kNotFound);
  for (const char* alias : {"latest", "12", "a@b", ""}) {
    expect_refused(StatusCode::kInvalidArgument,
                   [&] { return artifacts().set_alias("model", alias, "1"); });
  }
}

TEST_F(ArtifactsTest, BadInputIsRefusedAndNothingIsWritten) {
  put("report", "one");
  const std::vector<NewArtifact> bad = {
      {.name = ""},
      {.name = "a@b"},
      {.name = std::string("a\0b", 3)},
      {.name = "\xff"},
      {.name = "a", .media_type = ""},
      {.name = "a", .metadata = "{"},
      {.name = "a", .metadata = "[1]"},
      {.name = "a", .parents = {"report", "report@1"}},
      {.name = "a", .made_by = "observation/short"},
      {.name = "a", .aliases = {"7"}},
  };
  for (const NewArtifact& artifact : bad) {
    expect_refused(StatusCode::kInvalidArgument,
                   [&] { return artifacts().put(artifact, "x").status(); });
  }
  EXPECT_EQ(code({.name = std::string(kArtifactNameSizeMax + 1, 'a')}), StatusCode::kTooLarge);
  EXPECT_EQ(code({.name = "a", .parents = {"missing"}}), StatusCode::kNotFound);
  EXPECT_EQ(
      artifacts().put({.name = "a"}, std::string(kArtifactInlineMax + 1, 'x')).status().code(),
      StatusCode::kUnsupported);
  EXPECT_EQ(artifacts().query({}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(artifacts().query({.metadata = {{"a", "main"}}}).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(artifacts().list({.limit = 0}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(artifacts().put({.name = "@scope"}, "x"));
}

TEST_F(ArtifactsTest, APutCanAskWhichVersionIsLatest) {
  EXPECT_EQ(code({.name = "a", .if_latest = 1}), StatusCode::kConditionFalse);
  EXPECT_EQ(code({.name = "a", .if_latest = 0}), StatusCode::kOk);
  EXPECT_EQ(code({.name = "a", .if_latest = 0}), StatusCode::kConditionFalse);
  const Status status = artifacts().put({.name = "a", .if_latest = 7}, "x").status();
  EXPECT_EQ(status.version(), std::optional<uint64_t>(1));
  EXPECT_EQ(code({.name = "a", .if_latest = 1}), StatusCode::kOk);
}

TEST_F(ArtifactsTest, SeveralArePutInOneCommitOrNone) {
  const std::vector<Artifacts::Put> good = {{{.name = "a"}, ArtifactContent("1")},
                                            {{.name = "a"}, ArtifactContent("2")},
                                            {{.name = "b"}, ArtifactContent("3")}};
  EXPECT_EQ(ends(artifacts().put_all(good)), "a@1 a@2 b@1 ");
  const std::vector<Artifacts::Put> bad = {{{.name = "c"}, ArtifactContent("1")},
                                           {{.name = "d", .if_latest = 1}, ArtifactContent("2")}};
  expect_refused(StatusCode::kConditionFalse, [&] { return artifacts().put_all(bad).status(); });
  EXPECT_EQ(names(artifacts().list()), "a b ");
}

TEST_F(ArtifactsTest, MetadataAndMediaTypeFindVersions) {
  put("a", "1", {.media_type = "text/plain", .metadata = R"({"branch":"main","n":1})"});
  put("a", "2", {.metadata = R"({"branch":"main","n":2.0})"});
  put("b", "3", {.media_type = "text/plain", .metadata = R"({"branch":"dev","n":2})"});
  const MetadataMember main{"branch", "\"main\""};
  EXPECT_EQ(ends(artifacts().query({.metadata = {main}})), "a@1 a@2 ");
  EXPECT_EQ(ends(artifacts().query({.metadata = {{"n", "2"}}})), "a@2 b@1 ");
  EXPECT_EQ(ends(artifacts().query({.metadata = {main, {"n", "2"}}})), "a@2 ");
  EXPECT_EQ(ends(artifacts().query({.metadata = {main}, .latest_only = true})), "a@2 ");
  EXPECT_EQ(ends(artifacts().query({.media_type = "text/plain"})), "a@1 b@1 ");
  EXPECT_EQ(ends(artifacts().query({.media_type = "text/plain", .prefix = "b"})), "b@1 ");
  EXPECT_EQ(ends(artifacts().query({.metadata = {main}, .limit = 1})), "a@1 ");
  EXPECT_EQ(ends(artifacts().query({.metadata = {main}, .after = {{"a", 1}}})), "a@2 ");
  ASSERT_TRUE(artifacts().archive(std::vector<std::string>{"a"}));
  EXPECT_EQ(ends(artifacts().query({.metadata = {main}})), "");
  EXPECT_EQ(ends(artifacts().query({.metadata = {main}, .with_archived = true})), "a@1 a@2 ");
}

TEST_F(ArtifactsTest, AFilterFindsVersionsWithAndWithoutAnIndex) {
  for (const char* name : {"a", "b", "c"}) {
    for (int i = 1; i <= 300; ++i) {
      put(name, std::string(static_cast<size_t>(i), 'x'),
          {.media_type = i % 2 ? "text/plain" : "text/html",
           .metadata = "{\"n\":" + std::to_string(i) + "}"});
    }
  }
  EXPECT_EQ(ends(artifacts().query({.where = "size > 298"})),
            "a@299 a@300 b@299 b@300 c@299 c@300 ");
  EXPECT_EQ(ends(artifacts().query({.where = "size > 298", .limit = 3})), "a@299 a@300 b@299 ");
  EXPECT_EQ(ends(artifacts().query({.where = "size > 298", .after = {{"b", 299}}, .limit = 2})),
            "b@300 c@299 ");
  EXPECT_EQ(ends(artifacts().query({.where = "name = b AND version < 3"})), "b@1 b@2 ");
  EXPECT_EQ(ends(artifacts().query({.where = "size >= 1", .latest_only = true})),
            "a@300 b@300 c@300 ");
  EXPECT_EQ(ends(artifacts().query({.where = "metadata.n = 7 AND media_type = text/plain"})),
            "a@7 b@7 c@7 ");
  ASSERT_TRUE(artifacts().grant("a", "ann", ArtifactRight::manage));
  EXPECT_EQ(ends(artifacts().as("eve").query({.where = "version = 1"})), "b@1 c@1 ");
  expect_refused(StatusCode::kInvalidArgument,
                 [&] { return artifacts().query({.where = "colour = red"}).status(); });
  expect_refused(StatusCode::kInvalidArgument, [&] { return artifacts().query({}).status(); });
}

TEST_F(ArtifactsTest, AQueryPassesOverManyThatAreNotMeant) {
  for (int i = 0; i < 600; ++i) {
    put("a" + std::to_string(i), std::to_string(i),
        {.media_type = "text/plain", .metadata = i % 300 == 299 ? R"({"x":1})" : R"({"x":2})"});
  }
  EXPECT_EQ(ends(artifacts().query({.media_type = "text/plain", .prefix = "a599"})), "a599@1 ");
  EXPECT_EQ(ends(artifacts().query({.metadata = {{"x", "1"}}, .media_type = "text/plain"})),
            "a299@1 a599@1 ");
}

TEST_F(ArtifactsTest, LineageStandsInLinksAndGoesWithTheVersion) {
  put("data", "1");
  put("data", "2");
  put("model", "m", {.parents = {"data@1", "data"}, .made_by = "run/7"});
  ASSERT_TRUE(artifacts().add_use("model", "latest", "run/8"));
  ASSERT_TRUE(artifacts().add_use("model", "1", "run/8"));  // once more is the same
  EXPECT_TRUE(*links().get("artifact/model@1", "derived from", "artifact/data@1"));
  EXPECT_TRUE(*links().get("artifact/model@1", "derived from", "artifact/data@2"));
  EXPECT_TRUE(*links().get("artifact/model@1", "made by", "run/7"));
  EXPECT_TRUE(*links().get("run/8", "uses", "artifact/model@1"));
  EXPECT_EQ(links().list()->size(), 4u);
  ASSERT_TRUE(artifacts().remove_version("data", 1));
  EXPECT_EQ(links().list()->size(), 3u);
  ASSERT_TRUE(artifacts().remove(std::vector<std::string>{"model"}));
  EXPECT_TRUE(links().list()->empty());
  expect_refused(StatusCode::kNotFound,
                 [&] { return artifacts().add_use("model", "latest", "run/8"); });
}

TEST_F(ArtifactsTest, AnArchivedOneIsReadButNotListedAndNotPut) {
  put("report", "one");
  put("other", "x");
  ASSERT_TRUE(artifacts().archive(kReport));
  EXPECT_EQ(names(artifacts().list()), "other ");
  EXPECT_EQ(names(artifacts().list({.with_archived = true})), "other report ");
  EXPECT_EQ(*artifacts().get("report"), "one");
  EXPECT_GT(artifacts().show("report")->archived_us, 0);
  expect_refused(StatusCode::kConditionFalse,
                 [&] { return artifacts().put({.name = "report"}, "two").status(); });
  ASSERT_TRUE(artifacts().unarchive(kReport));
  EXPECT_EQ(put("report", "two").version, 2u);
  expect_refused(StatusCode::kNotFound, [&] {
    return artifacts().archive(std::vector<std::string>{"report", "missing"});
  });
  EXPECT_EQ(artifacts().show("report")->archived_us, 0);
}

TEST_F(ArtifactsTest, AVersionGoesUnlessAnAliasNamesItAndItsNumberIsNotGivenAgain) {
  put("a", "1", {.aliases = {"prod"}});
  put("a", "2");
  put("a", "3");
  expect_refused(StatusCode::kConditionFalse, [&] { return artifacts().remove_version("a", 1); });
  ASSERT_TRUE(artifacts().remove_version("a", 3));
  EXPECT_EQ(*artifacts().get("a"), "2");
  EXPECT_EQ(put("a", "4").version, 4u);
  EXPECT_EQ(ends(artifacts().versions("a")), "a@4 a@2 a@1 ");
  put("b", "1");
  expect_refused(StatusCode::kConditionFalse, [&] { return artifacts().remove_version("b", 1); });
}

TEST_F(ArtifactsTest, PruneKeepsTheNewestAndWhatHasAliases) {
  for (int i = 1; i <= 10; ++i) put("a", std::to_string(i));
  ASSERT_TRUE(artifacts().set_alias("a", "first", "1"));
  EXPECT_EQ(*artifacts().prune("a", 3), 6u);
  EXPECT_EQ(ends(artifacts().versions("a")), "a@10 a@9 a@8 a@1 ");
  EXPECT_EQ(artifacts().show("a")->versions, 4u);
  EXPECT_EQ(*artifacts().prune("a", 3), 0u);
  expect_refused(StatusCode::kInvalidArgument, [&] { return artifacts().prune("a", 0).status(); });
}

TEST_F(ArtifactsTest, AnActorIsHeldToTheAccessList) {
  put("plan", "1");
  const Artifacts ann = artifacts().as("ann");
  const Artifacts bob = artifacts().as("bob");
  const Artifacts eve = artifacts().as("eve");
  ASSERT_TRUE(bob.get("plan"));  // everybody's until there is a list
  ASSERT_TRUE(ann.grant("plan", "bob", ArtifactRight::read));
  EXPECT_EQ(ann.put({.name = "plan"}, "2")->actor, "ann");  // who gives the first grant manages
  EXPECT_EQ(*bob.get("plan"), "2");
  EXPECT_EQ(*artifacts().get("plan"), "2");
  for (const StatusCode code :
       {bob.put({.name = "plan"}, "3").status().code(), eve.get("plan").status().code(),
        eve.find("plan").status().code(), eve.show("plan").status().code(),
        eve.versions("plan").status().code(), eve.add_use("plan", "1", "run/1").code(),
        bob.set_alias("plan", "x", "1").code(),
        bob.grant("plan", "eve", ArtifactRight::read).code(),
        bob.archive(std::vector<std::string>{"plan"}).code(),
        bob.remove(std::vector<std::string>{"plan"}).code(), bob.remove_version("plan", 1).code(),
        bob.prune("plan", 1).status().code(), bob.revoke("plan", "ann").code(),
        bob.sign("plan", "1", SigningKey{}).code(), eve.verify("plan", "1", {}).status().code(),
        eve.signatures("plan", "1").status().code(),
        eve.put({.name = "copy", .parents = {"plan"}}, "x").status().code()}) {
    EXPECT_EQ(code, StatusCode::kPermissionDenied);
  }
  EXPECT_EQ(names(eve.list()), "");
  EXPECT_EQ(names(bob.list()), "plan ");
  EXPECT_EQ(ends(eve.query({.media_type = "application/octet-stream"})), "");
  ASSERT_TRUE(ann.grant("plan", kArtifactAnybody, ArtifactRight::read));
  EXPECT_TRUE(eve.get("plan"));
  ASSERT_TRUE(ann.revoke("plan", kArtifactAnybody));
  EXPECT_FALSE(eve.get("plan"));
}

TEST_F(ArtifactsTest, TheLastWhoManagesStaysWhileThereIsAList) {
  put("plan", "1");
  const Artifacts ann = artifacts().as("ann");
  ASSERT_TRUE(ann.grant("plan", "bob", ArtifactRight::write));
  expect_refused(StatusCode::kConditionFalse, [&] { return ann.revoke("plan", "ann"); });
  expect_refused(StatusCode::kConditionFalse,
                 [&] { return ann.grant("plan", "ann", ArtifactRight::read); });
  expect_refused(StatusCode::kNotFound, [&] { return ann.revoke("plan", "eve"); });
  ASSERT_TRUE(ann.revoke("plan", "bob"));
  ASSERT_TRUE(ann.revoke("plan", "ann"));
  EXPECT_TRUE(artifacts().as("eve").get("plan"));
}

TEST_F(ArtifactsTest, ASignatureIsOfTheContentAndWhatIsSaidOfIt) {
  SigningKey key;
  key.seed.fill(7);
  SigningKey other;
  other.seed.fill(8);
  put("plan", "text", {.metadata = R"({"a":1})"});
  ASSERT_TRUE(artifacts().sign("plan", "latest", key, "ann"));
  ASSERT_TRUE(artifacts().sign("plan", "latest", key, "ann"));  // once more replaces
  ASSERT_TRUE(artifacts().sign("plan", "latest", other));
  const std::vector<TrustedKey> trusted = {{"ann's key", public_key_of(key)}};
  const auto verified = artifacts().verify("plan", "latest", trusted);
  ASSERT_TRUE(verified) << verified.status().to_string();
  ASSERT_EQ(verified->signatures.size(), 2u);
  EXPECT_TRUE(verified->is_trusted());
  for (const VerifiedSignature& signature : verified->signatures) {
    EXPECT_TRUE(signature.is_valid);
    EXPECT_EQ(signature.trusted_as, signature.signature.signer == "ann" ? "ann's key" : "");
  }
  EXPECT_FALSE(artifacts().verify("plan", "latest", {})->is_trusted());
  put("plan", "text 2");
  EXPECT_FALSE(artifacts().verify("plan", "latest", trusted)->is_trusted());
  EXPECT_TRUE(artifacts().verify("plan", "1", trusted)->is_trusted());
}

TEST_F(ArtifactsTest, AContentThatWasChangedIsNotVerified) {
  put("plan", "text");
  for (auto& [key, value] : keys_.entries) {
    if (value == "text") value = "tex!";
  }
  EXPECT_EQ(artifacts().verify("plan", "latest", {}).status().code(), StatusCode::kCorruption);
}

TEST_F(ArtifactsTest, AForgedRowIsNotTrusted) {
  SigningKey key;
  key.seed.fill(7);
  put("plan", "text", {.media_type = "text/plain"});
  ASSERT_TRUE(artifacts().sign("plan", "latest", key));
  for (auto& [row_key, value] : keys_.entries) {
    if (const size_t at = value.find("text/plain"); at != value.npos) value[at] = 'T';
  }
  const std::vector<TrustedKey> trusted = {{"ann", public_key_of(key)}};
  const auto verified = artifacts().verify("plan", "latest", trusted);
  ASSERT_TRUE(verified) << verified.status().to_string();
  EXPECT_FALSE(verified->signatures.front().is_valid);
  EXPECT_FALSE(verified->is_trusted());
}

TEST_F(ArtifactsTest, AnImportKeepsIdsAndSignaturesAndIsDoneOnce) {
  SigningKey key;
  key.seed.fill(7);
  const std::vector<TrustedKey> trusted = {{"ann", public_key_of(key)}};
  const ArtifactVersion parent = put("data", "1");
  const ArtifactVersion child = put("model", "2", {.parents = {"data"}});
  ASSERT_TRUE(artifacts().sign("model", "1", key));
  const Artifacts there = artifacts({"b"});
  ASSERT_TRUE(there.put({.name = "model", .aliases = {"prod"}}, "own"));
  ASSERT_TRUE(there.put({.name = "model"}, "own 2"));
  const auto import = [&](const ArtifactVersion& version, const std::string& bytes,
                          std::vector<std::string> parents) {
    ImportedArtifact imported;
    imported.artifact = {.name = version.name, .aliases = {"prod", "moved"}};
    imported.id = version.id;
    imported.version = version.version;
    imported.created_us = version.created_us;
    imported.parent_ids = std::move(parents);
    imported.signatures = *artifacts().signatures(version.name, "latest");
    const auto result = there.import(imported, ArtifactContent(bytes));
    EXPECT_TRUE(result) << result.status().to_string();
    return *result;
  };
  EXPECT_FALSE(import(parent, "1", {}).existed);
  const std::string unknown = "00000000-0000-7000-8000-000000000000";
  EXPECT_EQ(import(child, "2", {parent.id, unknown}).version.version, 3u);
  const int before = keys_.writes;
  EXPECT_EQ(import(child, "2", {parent.id}).version.version, 3u);
  EXPECT_TRUE(import(child, "2", {parent.id}).existed);
  EXPECT_EQ(keys_.writes, before);
  EXPECT_EQ(there.find("model", "3")->id, child.id);
  EXPECT_EQ(*there.get("model", "prod"), "own");
  EXPECT_EQ(*there.get("model", "moved"), "2");
  EXPECT_TRUE(there.verify("model", "3", trusted)->is_trusted());
  const Links moved(std::make_shared<MapAccess>(keys_, clock_, SpaceSegments{"b"}));
  EXPECT_TRUE(*moved.get("artifact/model@3", "derived from", "artifact/data@1"));
}

TEST_F(ArtifactsTest, ATextNamesNameAndVersion) {
  EXPECT_EQ(parse_artifact_ref("a").version, "latest");
  EXPECT_EQ(parse_artifact_ref("a@3").version, "3");
  EXPECT_EQ(parse_artifact_ref("@scope/a@prod").name, "@scope/a");
  EXPECT_EQ(parse_artifact_ref("@scope/a").name, "@scope/a");
}

}  // namespace
}  // namespace holdfast::memory
