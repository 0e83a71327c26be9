// Load: many rows into a store that nobody else has open, all at once or not at all. The rows do
// not go through the log: pages of the tree are written as the rows come in, and one checkpoint
// makes them part of the store.
//
// Thread-safety: one thread; in a child after fork() it returns Forked.
// Who: a process that needs the store for itself alone (Sharing::exclusive) until the load is
//   destroyed. Others that open it wait for their deadline and get Busy.
// Invariants:
//   1. Until commit() returns no process ever sees one of the rows, unless that was interrupted: by
//      the end of the process or of the power. Then all of them are there, or none.
//   2. What a load that ended otherwise had written takes no place: its pages are free.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "holdfast/status.h"
#include "holdfast/store.h"

namespace holdfast {

struct LoadOptions {
  // For rows that wait to be sorted. Beyond it they wait in a file in the store's directory, which
  // needs as much disk as they have bytes and goes with the load.
  uint64_t memory_bytes = 64u << 20;
};

class Load {
 public:
  class Impl;
  explicit Load(std::unique_ptr<Impl> impl);
  Load(Load&&) noexcept;
  Load& operator=(Load&&) noexcept;
  ~Load();  // without commit(): nothing has happened

  // Opens (and by default creates) the store at `path`. Of `options`, durability, sharing and
  // helper_thread do not matter. Errors: those of Store::open; Busy (somebody has the store open).
  static Result<Load> open(const std::string& path, const StoreOptions& options = {},
                           const LoadOptions& load_options = {});
  // The same on another machine (tests). `os` must outlive the load.
  static Result<Load> open(os::Os& os, const std::string& path, const StoreOptions& options,
                           const LoadOptions& load_options);

  // Adds a row, or replaces the one that has this key in the store or in this load. Rows that come
  // in the order of their keys are written as they come; others are sorted first.
  // Errors: InvalidArgument (the key), TooLarge (the value); the load goes on then. NoSpace,
  // IoError, Corruption: it is over.
  Status put(std::string_view key, std::string_view value);

  // Makes all rows part of the store, as one commit; returns its version. They are durable then.
  // To be called once. Errors: as put(); InvalidArgument (called before); none of the rows is there
  // then. IoError that says that it is not known: all are, or none.
  Result<uint64_t> commit();

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast
