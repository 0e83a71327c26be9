#include "blob/dictionary_codec.h"

#include <zdict.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

#include "base/check.h"

namespace holdfast::blob {
namespace {

constexpr int kDictionaryLevel = 9;  // written once, in small steps, and kept for long

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

}  // namespace

std::optional<std::string> train_dictionary(const std::vector<std::string_view>& texts) {
  // With less, a dictionary is a copy of the texts; it stays for good, so better is waited for.
  constexpr size_t kTextsMin = 128;
  constexpr size_t kBytesMin = 16u << 10;
  std::string samples;
  std::vector<size_t> sizes;
  for (const std::string_view text : texts) {
    samples.append(text);
    sizes.push_back(text.size());
  }
  if (texts.size() < kTextsMin || samples.size() < kBytesMin) return std::nullopt;
  std::string dictionary(std::min(kDictionarySizeMax, samples.size() / 8), '\0');
  const size_t size = ZDICT_trainFromBuffer(dictionary.data(), dictionary.size(), samples.data(),
                                            sizes.data(), static_cast<unsigned>(sizes.size()));
  if (ZDICT_isError(size)) return std::nullopt;
  dictionary.resize(size);
  return dictionary;
}

std::string compress_text(std::string_view text, std::string_view dictionary) {
  const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  CHECK(context != nullptr);
  std::string frame(ZSTD_compressBound(text.size()), '\0');
  const size_t size =
      ZSTD_compress_usingDict(context.get(), frame.data(), frame.size(), text.data(), text.size(),
                              dictionary.data(), dictionary.size(), kDictionaryLevel);
  CHECK(!ZSTD_isError(size));
  frame.resize(size);
  return frame;
}

std::optional<size_t> frame_text_size(std::string_view frame, size_t size_max) {
  // The codes of zstd for what is not known or no frame are greater than any size.
  const unsigned long long size = ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (size > size_max) return std::nullopt;
  return static_cast<size_t>(size);
}

std::optional<std::string> decompress_text(std::string_view frame, std::string_view dictionary,
                                           size_t size_max) {
  const auto size = frame_text_size(frame, size_max);
  if (!size) return std::nullopt;
  const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  CHECK(context != nullptr);
  std::string text(*size, '\0');
  const size_t count =
      ZSTD_decompress_usingDict(context.get(), text.data(), text.size(), frame.data(), frame.size(),
                                dictionary.data(), dictionary.size());
  if (ZSTD_isError(count) || count != *size) return std::nullopt;
  return text;
}

}  // namespace holdfast::blob
