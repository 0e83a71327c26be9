// Signatures: Ed25519 (RFC 8032), by which the holder of a secret key vouches for a text, and
// whoever has the public key can tell.
//
// Keys belong to the user: no store holds a secret key or knows whom to trust.
//
// Thread-safety: pure functions and plain values.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "holdfast/status.h"

namespace holdfast {

using PublicKey = std::array<uint8_t, 32>;
using Signature = std::array<uint8_t, 64>;

// The secret: 32 bytes of a good source of randomness.
struct SigningKey {
  std::array<uint8_t, 32> seed{};
};

// A public key that the user trusts, and the user's name for it.
struct TrustedKey {
  std::string name = {};
  PublicKey key = {};
};

PublicKey public_key_of(const SigningKey& key);
Signature sign_text(const SigningKey& key, std::string_view text);
bool is_signature_of(const Signature& signature, std::string_view text, const PublicKey& key);

// Of hexadecimal digits, 64 for a key and 128 for a signature. Errors: InvalidArgument.
Result<SigningKey> parse_signing_key(std::string_view text);
Result<PublicKey> parse_public_key(std::string_view text);
Result<Signature> parse_signature(std::string_view text);

}  // namespace holdfast
