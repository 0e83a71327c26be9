#include <holdfast/holdfast.h>

#include <cstdio>

using namespace holdfast;

Status run() {
  HOLDFAST_ASSIGN(Store store, Store::memory());
  HOLDFAST_ASSIGN(Space space, store.space("consumer"));
  HOLDFAST_TRY(space.observations().add({.content = "installed and found"}).status());
  HOLDFAST_ASSIGN(const auto hits, space.recall({.text = "found"}));
  for (const RecallHit& hit : hits) std::printf("%s\n", hit.snippet.c_str());
  return store.close();
}

int main() {
  const Status status = run();
  if (!status) std::fprintf(stderr, "%s\n", status.to_string().c_str());
  return status ? 0 : 1;
}
