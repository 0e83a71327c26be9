// The public face: Store forwards to its engine.
#include "holdfast/store.h"

#include "os/anchored_os.h"
#include "os/guarded_os.h"
#include "store/engine.h"

namespace holdfast {

Store::Store(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::Store(Store&&) noexcept = default;

Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Result<Store> Store::open(const std::string& path, const StoreOptions& options) {
  std::unique_ptr<os::Os> machine = std::make_unique<os::AnchoredOs>(path);
  if (options.guard_mappings) machine = std::make_unique<os::GuardedOs>(std::move(machine));
  os::Os& os = *machine;
  HOLDFAST_ASSIGN(auto impl, Impl::open(os, path, options, std::move(machine)));
  return Store(std::move(impl));
}

Result<Store> Store::open(os::Os& os, const std::string& path, const StoreOptions& options) {
  HOLDFAST_ASSIGN(auto impl, Impl::open(os, path, options, nullptr));
  return Store(std::move(impl));
}

Result<Store> Store::memory(const StoreOptions& options) {
  auto os = os::make_memory_os();
  os::Os& machine = *os;
  HOLDFAST_ASSIGN(auto impl, Impl::open(machine, "/memory", options, std::move(os)));
  return Store(std::move(impl));
}

Result<Snapshot> Store::snapshot() {
  return impl_->snapshot();
}
Result<Transaction> Store::begin() {
  return impl_->begin();
}
Result<uint64_t> Store::update(const Work& work) {
  return impl_->update(work);
}

Result<std::optional<std::string>> Store::get(std::string_view key) {
  return impl_->get(key);
}

Result<uint64_t> Store::put(std::string_view key, std::string_view value) {
  return impl_->put(key, value);
}

Result<uint64_t> Store::del(std::string_view key) {
  return impl_->del(key);
}

Result<uint64_t> Store::add(std::string_view key, int64_t delta) {
  return impl_->add(key, delta);
}

Result<NamedSnapshot> Store::create_snapshot(std::string_view name) {
  return impl_->create_snapshot(name);
}
Result<Snapshot> Store::open_snapshot(std::string_view name) {
  return impl_->open_snapshot(name);
}
Result<std::vector<NamedSnapshot>> Store::list_snapshots() {
  return impl_->list_snapshots();
}
Status Store::drop_snapshot(std::string_view name) {
  return impl_->drop_snapshot(name);
}

Result<Watch> Store::watch(const KeyRange& range, std::optional<uint64_t> cursor) {
  return impl_->watch(range, cursor);
}

Status Store::flush() {
  return impl_->flush();
}
Status Store::checkpoint() {
  return impl_->checkpoint();
}
Status Store::close() {
  return impl_->close();
}
Result<bool> Store::trim_histories() {
  return impl_->trim_histories();
}
HandleId Store::handle_id() const {
  return impl_->handle_id();
}
bool Store::handle_alive(const HandleId& id) const {
  return impl_->handle_alive(id);
}
const RecoveryReport& Store::recovery() const {
  return impl_->recovery();
}
const std::string& Store::path() const {
  return impl_->context().path;
}
Result<StoreStats> Store::stats() {
  return impl_->stats();
}
Result<CheckReport> Store::check(const CheckOptions& options) {
  return impl_->check(options);
}

}  // namespace holdfast
