#include "care/dump_format.h"

#include <cstdio>

#include "base/time_text.h"
#include "log/format.h"

namespace holdfast::care {

std::string hexadecimal(uint64_t value, int digits) {
  char text[32];
  std::snprintf(text, sizeof(text), "%0*llx", digits, static_cast<unsigned long long>(value));
  return text;
}

std::string hexadecimal(const std::array<char, 16>& bytes) {
  std::string text;
  for (const char byte : bytes) text += hexadecimal(static_cast<unsigned char>(byte), 2);
  return text;
}

void add_time(Row& row, const std::string& name, uint64_t time_us) {
  if (time_us == 0) return;
  row.add(name + "_us", time_us).add(name, time_text(static_cast<int64_t>(time_us)));
}

void add_lsn(Row& row, const std::string& name, uint64_t lsn) {
  row.add(name, lsn).add(name + "_place", std::to_string(log::lsn_segment(lsn)) + ":" +
                                              std::to_string(log::lsn_offset(lsn)));
}

}  // namespace holdfast::care
