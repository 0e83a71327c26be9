// The smallest picture and sound there are, for the fixtures.
#pragma once

#include "mcp/message.h"

namespace holdfast::mcp {

// A PNG of one red pixel, in base64.
constexpr const char* kPng =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJg"
    "gg==";
// A WAV of no samples, in base64.
constexpr const char* kWav = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=";

inline Json image_content() {
  return {{"type", "image"}, {"data", kPng}, {"mimeType", "image/png"}};
}

inline Json audio_content() {
  return {{"type", "audio"}, {"data", kWav}, {"mimeType", "audio/wav"}};
}

}  // namespace holdfast::mcp
