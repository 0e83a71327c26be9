// How observations and recall's hits look, to people and to programs.
#pragma once

#include <optional>
#include <string>

#include "cli/output.h"
#include "holdfast/recall.h"

namespace holdfast::cli {

// What is absent has no field.
Json json_of(const Observation& observation);
Json json_of(const Strength& strength);
Json json_of(const ScoreTerm& term);
Json json_of(size_t rank, const RecallHit& hit);

void print_observation(const Output& output, const Observation& observation,
                       const std::optional<Strength>& strength = {});
void print_hit(const Output& output, size_t rank, const RecallHit& hit);

// What a word has added, on a line.
std::string explained(const ScoreTerm& term);

// The snippet with its highlights in colour; without colour just the snippet.
std::string highlighted(const Output& output, const RecallHit& hit);

}  // namespace holdfast::cli
