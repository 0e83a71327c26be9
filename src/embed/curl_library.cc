#include "embed/curl_library.h"

#include <dlfcn.h>

#include <string>

namespace holdfast::embed {
namespace {

template <typename Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

struct Loaded {
  CurlLibrary library;
  std::string failure;  // empty: it is there
};

Loaded load_once() {
  Loaded loaded;
  void* const handle = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* const why = dlerror();
    loaded.failure = why == nullptr ? "it cannot be loaded" : why;
    return loaded;
  }
  CurlLibrary& library = loaded.library;
  const bool is_whole = find(handle, "curl_global_init", library.global_init) &&
                        find(handle, "curl_easy_init", library.easy_init) &&
                        find(handle, "curl_easy_setopt", library.easy_setopt) &&
                        find(handle, "curl_easy_perform", library.easy_perform) &&
                        find(handle, "curl_easy_getinfo", library.easy_getinfo) &&
                        find(handle, "curl_easy_cleanup", library.easy_cleanup) &&
                        find(handle, "curl_easy_strerror", library.easy_strerror) &&
                        find(handle, "curl_slist_append", library.slist_append) &&
                        find(handle, "curl_slist_free_all", library.slist_free_all);
  if (!is_whole || library.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    loaded.failure = "it lacks what is needed";
  }
  return loaded;
}

}  // namespace

Result<const CurlLibrary*> CurlLibrary::load() {
  static const Loaded kLoaded = load_once();
  if (kLoaded.failure.empty()) return &kLoaded.library;
  return Status(StatusCode::kUnsupported,
                "asking an endpoint for embeddings needs libcurl (" + kLoaded.failure +
                    "); install libcurl4, or use the model \"holdfast-hashing\"");
}

}  // namespace holdfast::embed
