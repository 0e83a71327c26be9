// A corpus of what must go and of what must stay. The secrets are made up, and written in pieces so
// that no scanner takes this file for a leak.
#include "holdfast/redaction.h"

#include <gtest/gtest.h>

#include "memory/json_check.h"

namespace holdfast {
namespace {

const std::string kLetters = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0hJ3lM6oR9uX2bD5eG8iL1nP4qS7tV0wY3z";

std::string of(size_t size) {
  return kLetters.substr(0, size);
}

struct Secret {
  std::string name;
  std::string before;
  std::string secret;
  std::string after;
};

std::vector<Secret> secrets() {
  return {
      {"aws-access-key", "key ", std::string("AKI") + "AIOSFODNN7EXAMPLE", " in config"},
      {"secret", "aws_secret_access_key = ", of(40), "\n"},
      {"github-token", "git clone with ", std::string("gh") + "p_" + of(36), ""},
      {"github-token", "(", std::string("github") + "_pat_" + of(40), ")"},
      {"gitlab-token", "", std::string("gl") + "pat-" + of(20), " expired"},
      {"slack-token", "", std::string("xo") + "xb-123456789012-" + of(20), ""},
      {"slack-webhook", "post to ",
       std::string("https://hooks.slack") + ".com/services/T00/B00/" + of(24), ""},
      {"openai-key", "OPENAI: ", std::string("s") + "k-" + of(40), "."},
      {"anthropic-key", "", std::string("s") + "k-ant-api03-" + of(40), ""},
      {"stripe-key", "", std::string("sk") + "_live_" + of(24), ""},
      {"google-key", "maps ", std::string("AI") + "za" + of(35), ""},
      {"npm-token", "//registry.npmjs.org/ ", std::string("np") + "m_" + of(36), ""},
      {"huggingface-token", "", std::string("h") + "f_" + of(34), ""},
      {"sendgrid-key", "", std::string("S") + "G." + of(22) + "." + of(43), ""},
      {"jwt", "cookie ", std::string("ey") + "J" + of(20) + ".eyJ" + of(30) + "." + of(43), ";"},
      {"authorization", "Authorization: Bearer ", of(32), "\r\n"},
      {"authorization", "curl -H 'authorization: Basic ", "dXNlcjpwYXNzd29yZA==", "'"},
      {"url-password", "postgres://app:", "pa55w0rd", "@db.local:5432/app"},
      {"url-password", "redis://:", "hunter2", "@cache:6379"},
      {"url-password", "mongodb+srv://u:", "p@ss", "@cluster0.example.net/x?w=1"},
      {"secret", "Server=db;User Id=app;Password=", "S3cr3t!", ";Encrypt=true"},
      {"secret", "AccountName=x;AccountKey=", of(44) + "==", ";"},
      {"secret", "DB_PASSWORD=", "correcthorse", "\n"},
      {"secret", "password: \"", "open sesame", "\""},
      {"secret", "dbPassword = '", "x1y2z3", "'"},
      {"secret", "\"api_key\": \"", of(20), "\","},
      {"secret", "client_secret => \"", of(24), "\""},
      {"secret", "token=", of(16), " --verbose"},
      {"private-key", "",
       std::string("-----BEGIN RSA PRIV") + "ATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
       "\nafter"},
      {"private-key", "cut off: ", std::string("-----BEGIN OPENSSH PRIV") + "ATE KEY-----\nb3Blbn",
       ""},
  };
}

TEST(Redaction, TakesOutEverySecretOfTheCorpusAndNothingElse) {
  for (const Secret& one : secrets()) {
    std::vector<Redaction> found;
    const std::string text = one.before + one.secret + one.after;
    EXPECT_EQ(redact(text, {}, &found), one.before + "[redacted:" + one.name + "]" + one.after);
    ASSERT_EQ(found.size(), 1u) << text;
    EXPECT_EQ(found[0].name, one.name);
    EXPECT_EQ(found[0].offset, one.before.size()) << text;
    EXPECT_EQ(found[0].size, one.secret.size()) << text;
  }
}

// Most words are passed over by their first three bytes.
TEST(Redaction, FindsWhateverBeginsAsTokensDo) {
  for (const char* const rest : {"KIA",
                                 "SIA",
                                 "hp_",
                                 "ho_",
                                 "hu_",
                                 "hs_",
                                 "hr_",
                                 "ithub_pat_",
                                 "lpat-",
                                 "oxa-",
                                 "oxb-",
                                 "oxp-",
                                 "oxr-",
                                 "oxs-",
                                 "app-",
                                 "k-ant-",
                                 "k-",
                                 "k_live_",
                                 "k_test_",
                                 "hsec_",
                                 "Iza",
                                 "a29.",
                                 "pm_",
                                 "ypi-",
                                 "f_",
                                 "op_v1_",
                                 "G.",
                                 "api",
                                 "hpat_",
                                 "GE-SECRET-KEY-1",
                                 "vs.",
                                 "ot_token:",
                                 "ttps://hooks.slack.com/services/",
                                 "ttps://discord.com/api/webhooks/"}) {
    int found = 0;
    for (const char first : {'A', 'S', 'g', 'x', 's', 'r', 'w', 'y', 'n', 'p', 'h', 'd', 'b'}) {
      const std::string text = std::string("ab ") + first + rest + of(62) + ", cd";
      found += redact(text).find("[redacted:") == 3;
    }
    EXPECT_GE(found, 1) << rest;
  }
  for (const char* header : {"Authorization", "AUTHORIZATION", "aUthorization", "auThorization"}) {
    EXPECT_EQ(redact(header + std::string(": ") + of(20)),
              header + std::string(": [redacted:authorization]"));
  }
}

// Where the work of one place is done again at the next, this takes minutes.
TEST(Redaction, WhatBeginsLikeSecretsAllAlongIsGoneThroughOnce) {
  for (const std::string piece :
       {"https://example.com/a ", "see https://u@example.com ", "eyJ-", "eyJ.eyJ-", "pwd=$", "://",
        "a://b:c ", "token: ", "pwd=aaaaaaaa ", "-----BEGIN ", "Authorization: ", "sk-",
        "'=", "  ="}) {
    std::string text;
    while (text.size() < size_t{4} << 20) text += piece;
    std::vector<Redaction> found;
    EXPECT_FALSE(redact(text, {}, &found).empty()) << piece;
  }
}

TEST(Redaction, LeavesWhatIsNoSecret) {
  for (const char* text : {
           "the password must have 12 characters",
           "token: refreshed",
           "password = os.environ['DB_PASSWORD']",
           "PASSWORD=${DB_PASSWORD}",
           "api_key: <your key>",
           "secret: ********",
           "\"token\": null",
           "tokens = tokenize(text)",
           "https://example.com:8080/path?a=b@c",
           "git@github.com:team/project.git",
           "ssh://git@host/project",
           "task-force sk-learn and disk-usage-of-a-very-long-named-thing",
           "commit 3f786850e387550fdab836ed7e6dc881de23001b",
           "id 01890a5d-ac96-774b-bcce-b302099a8057",
           "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
           "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
           "AKIA is the prefix of such keys",
           "std::string token = next();",
           "bypassword: 1234567",
           "",
       }) {
    EXPECT_EQ(redact(text), text);
  }
}

TEST(Redaction, RedactingTwiceChangesNothingMore) {
  for (const Secret& one : secrets()) {
    const std::string once = redact(one.before + one.secret + one.after);
    EXPECT_EQ(redact(once), once);
  }
}

TEST(Redaction, SeveralSecretsInOneTextAllGo) {
  std::string text;
  for (const Secret& one : secrets()) text += one.before + one.secret + one.after + "\n\n";
  const std::string clean = redact(text);
  for (const Secret& one : secrets()) EXPECT_EQ(clean.find(one.secret), clean.npos) << one.secret;
}

TEST(Redaction, JsonStaysJson) {
  for (const Secret& one : secrets()) {
    std::string escaped;
    for (const char c : one.before + one.secret + one.after) {
      if (c == '\n') {
        escaped += "\\n";
      } else if (c == '\r') {
        escaped += "\\r";
      } else {
        if (c == '"') escaped.push_back('\\');
        escaped.push_back(c);
      }
    }
    const std::string text = "{\"a\":\"" + escaped + "\",\"b\":1}";
    const std::string clean = redact(text);
    EXPECT_EQ(memory::json_first_bad_byte(clean), std::nullopt) << clean;
    EXPECT_NE(clean, text);
  }
}

TEST(Redaction, RulesOfOnesOwnAndExceptions) {
  RedactionOptions options;
  options.rules = {{.name = "acme", .prefix = "acme:", .size_min = 6}};
  options.exceptions = {"acme:public1"};
  ASSERT_TRUE(check_redaction(options));
  EXPECT_EQ(redact("acme:abcdef acme:public1 acme:x", options),
            "[redacted:acme] acme:public1 acme:x");
  options.builtin = false;
  EXPECT_EQ(redact("DB_PASSWORD=correcthorse", options), "DB_PASSWORD=correcthorse");
  options.enabled = false;
  EXPECT_EQ(redact("acme:abcdef", options), "acme:abcdef");
}

TEST(Redaction, RulesAreChecked) {
  const auto code = [](const RedactionRule& rule) {
    return check_redaction({.rules = {rule}}).code();
  };
  EXPECT_EQ(code({.name = "", .prefix = "x"}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.name = "a b", .prefix = "x"}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.name = "a", .prefix = ""}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.name = "a", .prefix = "\""}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.name = "a", .prefix = "x", .size_min = 0}), StatusCode::kInvalidArgument);
  EXPECT_EQ(check_redaction({.exceptions = std::vector<std::string>(300, "x")}).code(),
            StatusCode::kTooLarge);
}

TEST(Redaction, AnyBytesAreTaken) {
  uint32_t state = 7;
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (int i = 0; i < 60; ++i) {
      state = state * 1664525 + 1013904223;
      constexpr std::string_view kPieces = "=:/@-\"'\\ passwordtokensk-eyJ.\n$%";
      text.push_back(state >> 31 ? static_cast<char>(state >> 16)
                                 : kPieces[(state >> 8) % kPieces.size()]);
    }
    const std::string once = redact(text);
    EXPECT_EQ(redact(once).find("[redacted:[redacted"), std::string::npos);
  }
}

}  // namespace
}  // namespace holdfast
