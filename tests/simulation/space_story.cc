#include "simulation/space_story.h"

namespace holdfast::sim {

Script uses(int count, const Use& each) {
  return [=](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    if (!store) return;
    const auto space = store->space(kSpace);
    for (int i = 0; space && i < count; ++i) {
      if (!each(*store, *space, trial)) break;
    }
  };
}

Script transacts(int count, const Work& work) {
  return uses(count, [work](Store& store, const Space& space, Trial& trial) {
    return transact(store, trial,
                    [&](Transaction& txn, uint64_t id) { return work(space, txn, id); });
  });
}

std::set<std::string> names_below(Reader& reader, const std::string& prefix) {
  std::set<std::string> names;
  Cursor cursor = reader.scan(KeyRange::prefix(prefix));
  for (; cursor.valid(); cursor.next()) names.emplace(cursor.key().substr(prefix.size()));
  return names;
}

}  // namespace holdfast::sim
