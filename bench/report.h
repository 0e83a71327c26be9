// Report: writes each measurement as a JSON line at once, and at the end the tables and the
// comparison with what is asked of Holdfast, as text or as Markdown.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "bench/json.h"
#include "bench/summary.h"
#include "bench/table.h"

namespace holdfast::bench {

// Writes lines to a file, or to standard output where `path` is empty.
class JsonFile {
 public:
  JsonFile(const std::string& path, bool append);
  JsonFile(const JsonFile&) = delete;
  JsonFile& operator=(const JsonFile&) = delete;
  ~JsonFile();
  void write(const std::string& lines);

 private:
  std::FILE* file_;
};

// One line about it on standard error, for whoever waits.
void announce(const Measurement& run);

class Report {
 public:
  Report(Header header, Summaries summaries, TableStyle style)
      : header_(std::move(header)), summaries_(std::move(summaries)), style_(style) {}
  void print() const;

 private:
  void print_head() const;
  void print_workload(const Summaries::Title& title) const;
  void print_goals() const;
  void print_heading(const std::string& text) const;

  Header header_;
  Summaries summaries_;
  TableStyle style_;
};

}  // namespace holdfast::bench
