// artifact keygen, sign, verify. Keys are files of the user, of a line each: a word that says which
// key it is, and 64 hexadecimal digits. The public one is NAME.pub, beside the secret one. Older
// files have the digits alone.
#include "base/hex.h"
#include "cli/artifact_text.h"
#include "cli/files.h"
#include "os/os.h"

namespace holdfast::cli {
namespace {

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

std::string_view view_of(const auto& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

constexpr std::string_view kSecretWord = "holdfast-secret-key";
constexpr std::string_view kPublicWord = "holdfast-public-key";
constexpr std::string_view kPublicEnd = ".pub";

struct KeyFile {
  std::string word;  // empty: the file does not say which key it is
  std::string digits;
};

Result<KeyFile> read_key_file(const std::string& path) {
  HOLDFAST_ASSIGN(const std::string text, read_file(path));
  const std::string line = trimmed(text);
  const size_t space = line.find(' ');
  if (space == line.npos) return KeyFile{{}, line};
  return KeyFile{line.substr(0, space), line.substr(space + 1)};
}

Status not_meant(const std::string& path, std::string message) {
  return Status(StatusCode::kInvalidArgument, std::move(message)).with_path(path);
}

Result<SigningKey> read_signing_key(const std::string& path) {
  HOLDFAST_ASSIGN(const KeyFile file, read_key_file(path));
  if (path.ends_with(kPublicEnd) || file.word == kPublicWord) {
    return not_meant(path,
                     "this is a public key; sign with the secret one, which `artifact "
                     "keygen` wrote beside it without .pub");
  }
  if (file.word.empty() || file.word == kSecretWord) return parse_signing_key(file.digits);
  return not_meant(path, "this is no key of `artifact keygen`");
}

// A file that does not say which key it is holds the secret one if the public one stands beside it.
Result<PublicKey> read_public_key(const std::string& path) {
  HOLDFAST_ASSIGN(const KeyFile file, read_key_file(path));
  const bool may_be_secret = file.word.empty() && !path.ends_with(kPublicEnd);
  if (file.word == kSecretWord ||
      (may_be_secret && read_file(path + std::string(kPublicEnd)).is_ok())) {
    return not_meant(path,
                     "this is a secret key, which nobody else should have; name the public "
                     "one that `artifact keygen` wrote beside it with .pub");
  }
  if (file.word.empty() || file.word == kPublicWord) return parse_public_key(file.digits);
  return not_meant(path, "this is no key of `artifact keygen`");
}

Status keygen(const Context& context, const std::string& path) {
  if (std::FILE* there = std::fopen(path.c_str(), "re")) {
    std::fclose(there);
    return Status(StatusCode::kConditionFalse, "there is a file already; name another")
        .with_path(path);
  }
  SigningKey key;
  os::posix_os().random_bytes(reinterpret_cast<char*>(key.seed.data()), key.seed.size());
  const std::string open = hex_text(view_of(public_key_of(key)));
  const std::string secret = hex_text(view_of(key.seed));
  HOLDFAST_TRY(write_file(path, std::string(kSecretWord) + " " + secret + "\n", 0600));
  HOLDFAST_TRY(write_file(path + ".pub", std::string(kPublicWord) + " " + open + "\n"));
  if (context.output().json()) {
    context.output().print({{"secret", path}, {"public", path + ".pub"}, {"key", open}});
  } else {
    context.output().line("Secret key in " + path + " (keep it), public key in " + path + ".pub");
  }
  return Status::ok();
}

struct SignArguments {
  std::string actor, artifact, key, signer;
};

Status sign(const Context& context, const SignArguments& arguments) {
  HOLDFAST_ASSIGN(const SigningKey key, read_signing_key(arguments.key));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  const ArtifactRef ref = parse_artifact_ref(arguments.artifact);
  HOLDFAST_TRY(
      space.artifacts().as(arguments.actor).sign(ref.name, ref.version, key, arguments.signer));
  return store.close();
}

struct VerifyArguments {
  std::string actor, artifact;
  std::vector<std::string> keys;
};

// "ann=ann.pub", or the file alone, which is its own name.
Result<TrustedKey> read_trusted(const std::string& text) {
  const size_t sign = text.find('=');
  const std::string file = sign == text.npos ? text : text.substr(sign + 1);
  TrustedKey trusted;
  trusted.name = sign == text.npos ? text : text.substr(0, sign);
  if (trusted.name.empty()) {
    return Status(StatusCode::kInvalidArgument, "write --key NAME=FILE, such as ann=ann.pub");
  }
  HOLDFAST_ASSIGN(trusted.key, read_public_key(file));
  return trusted;
}

void print_verification(const Output& output, const ArtifactVerification& verification) {
  for (const VerifiedSignature& found : verification.signatures) {
    if (output.json()) {
      Json json = json_of(found.signature);
      json["valid"] = found.is_valid;
      if (!found.trusted_as.empty()) json["trusted_as"] = found.trusted_as;
      output.print(json);
      continue;
    }
    const std::string key = hex_text(view_of(found.signature.key));
    const std::string by =
        found.trusted_as.empty() ? "a key that you did not name" : one_line(found.trusted_as, 60);
    output.line(std::string(found.is_valid ? "valid    " : "NOT VALID") + "  " + key + "  " + by);
  }
}

Status verify(const Context& context, const VerifyArguments& arguments) {
  std::vector<TrustedKey> trusted;
  for (const std::string& text : arguments.keys) {
    HOLDFAST_ASSIGN(trusted.emplace_back(), read_trusted(text));
  }
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  const ArtifactRef ref = parse_artifact_ref(arguments.artifact);
  HOLDFAST_ASSIGN(const ArtifactVerification verification,
                  space.artifacts().as(arguments.actor).verify(ref.name, ref.version, trusted));
  print_verification(context.output(), verification);
  if (trusted.empty() || verification.is_trusted()) return Status::ok();
  return Status(StatusCode::kConditionFalse,
                "none of the keys that you named has signed " + arguments.artifact);
}

}  // namespace

void add_signing_commands(Commands& commands, CLI::App* family) {
  auto path = arguments_of<std::string>();
  commands
      .add_to(family, "keygen", "Make a key to sign with, and its public key",
              "holdfast artifact keygen ann.key",
              [path](const Context& context) { return keygen(context, *path); })
      ->add_option("file", *path, "For the secret key; the public one gets .pub behind it")
      ->required();

  auto signed_one = arguments_of<SignArguments>();
  CLI::App* command =
      commands.add_to(family, "sign", "Sign a version with a key of yours (Ed25519)",
                      "holdfast artifact sign report@2 --key ann.key --signer ann",
                      [signed_one](const Context& context) { return sign(context, *signed_one); });
  command->add_option("artifact", signed_one->artifact, "NAME, NAME@VERSION or NAME@ALIAS")
      ->required();
  command->add_option("--key", signed_one->key, "File of the secret key")->required();
  command->add_option("--signer", signed_one->signer, "What you call yourself");
  add_actor(command, signed_one->actor);

  auto verified = arguments_of<VerifyArguments>();
  command = commands.add_to(
      family, "verify", "Check the content and its signatures; fails if no named key has signed",
      "holdfast artifact verify report@2 --key ann=ann.key.pub",
      [verified](const Context& context) { return verify(context, *verified); });
  command->add_option("artifact", verified->artifact, "NAME, NAME@VERSION or NAME@ALIAS")
      ->required();
  command->add_option("--key", verified->keys, "NAME=FILE of a public key that you trust")
      ->allow_extra_args(false);
  add_actor(command, verified->actor);
}

}  // namespace holdfast::cli
