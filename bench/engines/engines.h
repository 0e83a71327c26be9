// What each adapter gives; engines.cc collects those that were built in.
#pragma once

#include <memory>

#include "bench/engine.h"

namespace holdfast::bench {

std::unique_ptr<Engine> make_floor();
std::unique_ptr<Engine> make_group_floor();
std::unique_ptr<Engine> make_holdfast();
std::unique_ptr<Engine> make_holdfast_threads();
std::unique_ptr<Engine> make_holdfast_bulk();
std::unique_ptr<Engine> make_sqlite();
std::unique_ptr<Engine> make_sqlite_queued();
std::unique_ptr<Engine> make_lmdb();
std::unique_ptr<Engine> make_rocksdb();
std::unique_ptr<Engine> make_rocksdb_bulk();
std::unique_ptr<Engine> make_leveldb();

}  // namespace holdfast::bench
