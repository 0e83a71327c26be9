// CurlLibrary: the few functions of libcurl that are used, loaded when they are first needed.
//
// Who: embed/ only. Thread-safety: load() from any thread.
#pragma once

#include <curl/curl.h>

#include "holdfast/status.h"

namespace holdfast::embed {

struct CurlLibrary {
  CURLcode (*global_init)(long flags) = nullptr;
  CURL* (*easy_init)() = nullptr;
  CURLcode (*easy_setopt)(CURL* handle, CURLoption option, ...) = nullptr;
  CURLcode (*easy_perform)(CURL* handle) = nullptr;
  CURLcode (*easy_getinfo)(CURL* handle, CURLINFO info, ...) = nullptr;
  void (*easy_cleanup)(CURL* handle) = nullptr;
  const char* (*easy_strerror)(CURLcode code) = nullptr;
  curl_slist* (*slist_append)(curl_slist* list, const char* text) = nullptr;
  void (*slist_free_all)(curl_slist* list) = nullptr;

  // Errors: Unsupported: it is not installed.
  static Result<const CurlLibrary*> load();
};

}  // namespace holdfast::embed
