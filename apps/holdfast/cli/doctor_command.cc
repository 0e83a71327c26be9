#include "cli/commands.h"
#include "holdfast/care.h"
#include "os/os.h"

namespace holdfast::cli {
namespace {

const char* name_of(care::Severity severity) {
  switch (severity) {
    case care::Severity::kAdvice:
      return "advice";
    case care::Severity::kProblem:
      return "problem";
    case care::Severity::kDamage:
      return "damage";
  }
  return "";
}

void print_finding(const Output& output, const care::Finding& finding) {
  if (output.json()) {
    return output.print({{"type", "finding"},
                         {"severity", name_of(finding.severity)},
                         {"topic", finding.topic},
                         {"what", finding.what},
                         {"why", finding.why},
                         {"advice", finding.advice}});
  }
  output.line(output.bold(name_of(finding.severity)) + " (" + finding.topic +
              "): " + printable(finding.what));
  output.line("  why it matters: " + printable(finding.why));
  output.line("  what to do: " + printable(finding.advice));
}

Status doctor(const Context& context) {
  HOLDFAST_ASSIGN(const std::string path, context.store_path(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(const care::DoctorReport report, care::doctor(os::posix_os(), path));
  const Output& output = context.output();
  for (const care::Finding& finding : report.findings) print_finding(output, finding);
  const auto severity = report.severity();
  if (output.json()) {
    output.print({{"type", "summary"},
                  {"store", path},
                  {"findings", report.findings.size()},
                  {"severity", severity ? name_of(*severity) : "none"}});
  } else if (!severity) {
    output.line("Nothing is wrong with " + path + ". To verify every page: holdfast check");
  }
  if (!severity) return Status::ok();
  const bool damaged = *severity == care::Severity::kDamage;
  return Status(damaged ? StatusCode::kCorruption : StatusCode::kConditionFalse,
                damaged ? "the store is damaged; nothing was changed"
                        : "there is something to look at; no damage was found")
      .with_path(path);
}

}  // namespace

void add_doctor_command(Commands& commands) {
  commands.add(kGroupCare, "doctor",
               "Say what is wrong with a store and what to do, also when it cannot be opened; "
               "changes nothing",
               "holdfast doctor --store .holdfast", doctor);
}

}  // namespace holdfast::cli
