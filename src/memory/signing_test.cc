#include <gtest/gtest.h>

#include "base/hex.h"
#include "holdfast/signature.h"

namespace holdfast {
namespace {

std::string_view view(const auto& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// RFC 8032, section 7.1, tests 1 and 2.
TEST(Signing, GivesWhatTheStandardSays) {
  const auto empty =
      parse_signing_key("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
  ASSERT_TRUE(empty);
  EXPECT_EQ(hex_text(view(public_key_of(*empty))),
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  EXPECT_EQ(hex_text(view(sign_text(*empty, ""))),
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b");
  const auto one =
      parse_signing_key("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
  ASSERT_TRUE(one);
  EXPECT_EQ(hex_text(view(sign_text(*one, "\x72"))),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
}

TEST(Signing, AnotherTextKeyOrSignatureIsNotValid) {
  SigningKey key;
  key.seed.fill(1);
  SigningKey other;
  other.seed.fill(2);
  const Signature signature = sign_text(key, "text");
  EXPECT_TRUE(is_signature_of(signature, "text", public_key_of(key)));
  EXPECT_FALSE(is_signature_of(signature, "texT", public_key_of(key)));
  EXPECT_FALSE(is_signature_of(signature, "", public_key_of(key)));
  EXPECT_FALSE(is_signature_of(signature, "text", public_key_of(other)));
  EXPECT_FALSE(is_signature_of(signature, "text", PublicKey{}));
  for (size_t i = 0; i < signature.size(); ++i) {
    Signature changed = signature;
    changed[i] ^= 1;
    EXPECT_FALSE(is_signature_of(changed, "text", public_key_of(key))) << i;
  }
}

TEST(Signing, TextsThatAreNoKeysAreRefused) {
  const std::string good(64, 'a');
  EXPECT_TRUE(parse_public_key(good));
  for (const std::string& text : {std::string(), good.substr(1), good + "a", good + "aa",
                                  std::string(64, 'g'), good.substr(1) + " "}) {
    EXPECT_EQ(parse_public_key(text).status().code(), StatusCode::kInvalidArgument) << text;
    EXPECT_EQ(parse_signing_key(text).status().code(), StatusCode::kInvalidArgument) << text;
    EXPECT_EQ(parse_signature(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace holdfast
