// Signatures by libsodium. Deterministic: it is asked for no randomness.
#include <sodium.h>

#include "base/check.h"
#include "holdfast/signature.h"

namespace holdfast {
namespace {

static_assert(sizeof(PublicKey) == crypto_sign_PUBLICKEYBYTES);
static_assert(sizeof(Signature) == crypto_sign_BYTES);
static_assert(sizeof(SigningKey::seed) == crypto_sign_SEEDBYTES);

// Chooses implementations by the processor, once.
void begin() {
  static const int started = sodium_init();
  CHECK(started >= 0);
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

struct KeyPair {
  explicit KeyPair(const SigningKey& key) {
    begin();
    CHECK(crypto_sign_seed_keypair(open.data(), secret.data(), key.seed.data()) == 0);
  }
  ~KeyPair() { sodium_memzero(secret.data(), secret.size()); }
  KeyPair(const KeyPair&) = delete;
  KeyPair& operator=(const KeyPair&) = delete;

  PublicKey open{};
  std::array<unsigned char, crypto_sign_SECRETKEYBYTES> secret{};
};

template <size_t kSize>
Status parse_hex(std::string_view what, std::string_view text, std::array<uint8_t, kSize>& out) {
  size_t size = 0;
  const char* end = nullptr;
  const bool parsed =
      sodium_hex2bin(out.data(), out.size(), text.data(), text.size(), nullptr, &size, &end) == 0 &&
      size == out.size() && end == text.data() + text.size();
  if (parsed) return Status::ok();
  return Status(StatusCode::kInvalidArgument, "this is not " + std::string(what) + ", which has " +
                                                  std::to_string(2 * out.size()) +
                                                  " hexadecimal digits");
}

}  // namespace

PublicKey public_key_of(const SigningKey& key) {
  return KeyPair(key).open;
}

Signature sign_text(const SigningKey& key, std::string_view text) {
  const KeyPair pair(key);
  Signature signature{};
  CHECK(crypto_sign_detached(signature.data(), nullptr, bytes_of(text), text.size(),
                             pair.secret.data()) == 0);
  return signature;
}

bool is_signature_of(const Signature& signature, std::string_view text, const PublicKey& key) {
  begin();
  return crypto_sign_verify_detached(signature.data(), bytes_of(text), text.size(), key.data()) ==
         0;
}

Result<SigningKey> parse_signing_key(std::string_view text) {
  SigningKey key;
  HOLDFAST_TRY(parse_hex("a secret key", text, key.seed));
  return key;
}

Result<PublicKey> parse_public_key(std::string_view text) {
  PublicKey key{};
  HOLDFAST_TRY(parse_hex("a public key", text, key));
  return key;
}

Result<Signature> parse_signature(std::string_view text) {
  Signature signature{};
  HOLDFAST_TRY(parse_hex("a signature", text, signature));
  return signature;
}

}  // namespace holdfast
