// Any sequence of calls of a store, beside a std::map that does the same: what is read is equal,
// also when the handle is closed and opened again, warm or cold.
#include <map>
#include <optional>

#include "base/check.h"
#include "fuzz/target.h"
#include "holdfast/store.h"
#include "os/os.h"

namespace holdfast::fuzz {
namespace {

using Contents = std::map<std::string, std::string>;

class Runner {
 public:
  explicit Runner(Input input) : input_(input) {}

  void run() {
    options_.page_size_bytes = 512;
    options_.segment_size_bytes = 8192;
    options_.helper_thread = false;
    options_.durability = input_.number() % 2 == 0 ? Durability::strict : Durability::batched;
    open();
    while (!input_.empty()) step();
    compare();
    const auto report = store_->check();
    CHECK(report.is_ok() && report->problems.empty());
  }

 private:
  void open() {
    auto store = Store::open(*os_, "/store", options_);
    CHECK(store.is_ok());
    store_.emplace(std::move(*store));
  }

  std::string key() {
    const uint64_t choice = input_.number();
    if (choice % 16 == 0) return std::string(1 + input_.take(choice / 2).size(), 'k');
    return "key" + std::to_string(choice % 16);
  }
  std::string value() {
    const uint64_t choice = input_.number();
    return std::string(choice % 8 == 0 ? input_.number(2) % 5000 : choice / 4,
                       static_cast<char>('a' + choice % 26));
  }
  KeyRange range() {
    KeyRange range{key(), key()};
    if (input_.number() % 8 == 0) range.end.clear();
    return range;
  }

  void erase(Contents& contents, const KeyRange& range) {
    std::erase_if(contents, [&](const auto& row) {
      return row.first >= range.begin && (range.end.empty() || row.first < range.end);
    });
  }

  void step() {
    switch (input_.number() % 12) {
      case 0:
        return compare();
      case 1:
        CHECK(store_->checkpoint().is_ok());
        return;
      case 2:
        store_.reset();
        if (input_.number() % 2 == 0) (void)os_->remove("/store/shm");
        return open();
      case 3: {
        const std::string where = key();
        CHECK(store_->add(where, 1).is_ok());
        const auto old = contents_.find(where);
        if (old == contents_.end()) {
          contents_[where] = encode_number(1);
        } else if (const auto number = decode_number(old->second)) {
          const uint64_t sum = static_cast<uint64_t>(*number) + 1;
          old->second = encode_number(static_cast<int64_t>(sum));
        }
        return;
      }
      default:
        return transact();
    }
  }

  // Commits, or lets go of all of it.
  void transact() {
    Contents after = contents_;
    auto txn = store_->begin();
    CHECK(txn.is_ok());
    for (uint64_t i = input_.number() % 6; i > 0; --i) write(*txn, after);
    if (input_.number() % 4 == 0) return;
    CHECK(txn->commit().is_ok());
    contents_ = std::move(after);
  }

  void write(Transaction& txn, Contents& after) {
    switch (input_.number() % 4) {
      case 0: {
        const std::string where = key();
        CHECK(txn.del(where).is_ok());
        after.erase(where);
        return;
      }
      case 1: {
        const KeyRange erased = range();
        const Status status = txn.del_range(erased);
        if (status) erase(after, erased);
        return;
      }
      default: {
        const std::string where = key();
        const std::string what = value();
        CHECK(txn.put(where, what).is_ok());
        after[where] = what;
        const auto read = txn.get(where);
        CHECK(read.is_ok() && *read == what);
      }
    }
  }

  void compare() {
    auto snapshot = store_->snapshot();
    CHECK(snapshot.is_ok());
    Cursor cursor = snapshot->scan(KeyRange::all());
    auto expected = contents_.begin();
    for (; cursor.valid(); cursor.next(), ++expected) {
      CHECK(expected != contents_.end());
      CHECK(cursor.key() == expected->first && cursor.value() == expected->second);
    }
    CHECK(cursor.status().is_ok() && expected == contents_.end());
  }

  Input input_;
  std::unique_ptr<os::Os> os_ = os::make_memory_os();
  StoreOptions options_;
  std::optional<Store> store_;
  Contents contents_;
};

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  holdfast::fuzz::Runner(holdfast::fuzz::Input(data, size)).run();
  return 0;
}
