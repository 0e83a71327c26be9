// What tests do to the files of a store behind its back, and how they look at what a store holds.
// For tests only.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "holdfast/store.h"

namespace holdfast {

// Opens or ends the test's process: only for where an error is not the subject.
Store open_or_die(const std::string& path, const StoreOptions& options = {});

std::map<std::string, std::string> contents(Reader& reader);
std::map<std::string, std::string> contents(Store& store);
// check() finds nothing.
void expect_sound(Store& store);

// What a reboot does to a store that nobody has open: the control block is gone.
// REQUIRES: nobody is attached.
void reboot(const std::string& store_path);

// Every file below `path` with its bytes, without control blocks, which are memory, not disk;
// directories end in '/'.
std::map<std::string, std::string> files_below(const std::string& path);

std::string read_file(const std::string& path);
void write_file(const std::string& path, std::string_view bytes);  // as a whole, truncating
void overwrite(const std::string& path, uint64_t offset, std::string_view bytes);
void flip_bit(const std::string& path, uint64_t offset);

// The file of log segment `number`.
std::string segment_path(const std::string& store_path, uint64_t number);

}  // namespace holdfast
