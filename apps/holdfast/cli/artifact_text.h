// Artifacts as tables and JSON, and what their commands share.
#pragma once

#include <span>
#include <string>

#include "cli/commands.h"
#include "cli/output.h"
#include "holdfast/artifact.h"
#include "holdfast/link.h"

namespace holdfast::cli {

Json json_of(const ArtifactVersion& version);
Json json_of(const Artifact& artifact);
Json json_of(const ArtifactSignature& signature);
void print_versions(const Output& output, std::span<const ArtifactVersion> versions);
void print_artifact(const Output& output, const Artifact& artifact, const ArtifactVersion& version,
                    std::span<const ArtifactSignature> signatures, std::span<const Link> links);

// Writes all that `reader` has to `path`, whole or not at all. Errors: IoError, NoSpace.
Status write_file(ArtifactReader& reader, const std::string& path);

void add_actor(CLI::App* command, std::string& actor);
void add_signing_commands(Commands& commands, CLI::App* family);   // keygen sign verify
void add_transfer_commands(Commands& commands, CLI::App* family);  // export import

}  // namespace holdfast::cli
