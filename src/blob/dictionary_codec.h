// Compression of many short texts by zstd with a dictionary that was trained on some of them.
//
// Who: memory/. Thread-safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::blob {

constexpr size_t kDictionarySizeMax = 32u << 10;

// nullopt: there is too little to learn from.
std::optional<std::string> train_dictionary(const std::vector<std::string_view>& texts);

// An empty dictionary is none.
std::string compress_text(std::string_view text, std::string_view dictionary);
// Bytes of what a frame holds; nullopt: it is none, or says more than `size_max`.
std::optional<size_t> frame_text_size(std::string_view frame, size_t size_max);
// nullopt also where the frame is damaged.
std::optional<std::string> decompress_text(std::string_view frame, std::string_view dictionary,
                                           size_t size_max);

}  // namespace holdfast::blob
