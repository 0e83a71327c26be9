#include "bench/engines/engines.h"

namespace holdfast::bench {

EngineList make_engines() {
  EngineList engines;
#ifdef HOLDFAST_BENCH_WITH_FLOOR
  engines.push_back(make_floor());
#endif
#ifdef HOLDFAST_BENCH_WITH_GROUP_FLOOR
  engines.push_back(make_group_floor());
#endif
#ifdef HOLDFAST_BENCH_WITH_HOLDFAST
  engines.push_back(make_holdfast());
  engines.push_back(make_holdfast_threads());
  engines.push_back(make_holdfast_bulk());
#endif
#ifdef HOLDFAST_BENCH_WITH_SQLITE
  engines.push_back(make_sqlite());
  engines.push_back(make_sqlite_queued());
#endif
#ifdef HOLDFAST_BENCH_WITH_LMDB
  engines.push_back(make_lmdb());
#endif
#ifdef HOLDFAST_BENCH_WITH_ROCKSDB
  engines.push_back(make_rocksdb());
  engines.push_back(make_rocksdb_bulk());
#endif
#ifdef HOLDFAST_BENCH_WITH_LEVELDB
  engines.push_back(make_leveldb());
#endif
  return engines;
}

}  // namespace holdfast::bench
