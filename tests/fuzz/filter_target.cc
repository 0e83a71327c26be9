// Filters: any text is refused with a place in it, or lets an observation pass or not; its negation
// does the opposite.
#include "base/check.h"
#include "fuzz/target.h"
#include "holdfast/filter.h"

namespace holdfast::fuzz {
namespace {

Observation sample() {
  Observation observation;
  observation.content = "text";
  observation.kind = "fact";
  observation.tags = {"a", "b"};
  observation.confidence = 0.5;
  observation.created_us = 1'769'850'300'000'000;
  observation.metadata = R"({"a":1,"b":"x","c":[true,null,{"d":2.5}]})";
  return observation;
}

void run(std::string_view text) {
  const auto filter = ObservationFilter::parse(text);
  if (!filter) {
    const Status status = filter.status();
    CHECK(status.code() == StatusCode::kTooLarge || status.offset().value() <= text.size());
    return;
  }
  const Observation observation = sample();
  const bool passes = filter->passes(observation);
  const auto negated = ObservationFilter::parse("NOT (" + std::string(text) + ")");
  // It may be too deep by now, or too long, or there may be nothing to negate.
  if (negated) CHECK(negated->passes(observation) != passes);
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  holdfast::fuzz::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
