#include "search/vector_keys.h"

#include "base/coding.h"

namespace holdfast::search {
namespace {

constexpr uint8_t kManifestFormat = 1;

}  // namespace

std::string encode_vector_manifest(const VectorManifest& manifest) {
  std::string out(1, static_cast<char>(kManifestFormat));
  append_varint(out, manifest.next_block);
  append_varint(out, manifest.generation);
  append_varint(out, manifest.centred_at);
  append_varint(out, manifest.blocks.size());
  for (const VectorBlockInfo& block : manifest.blocks) {
    append_varint(out, block.number);
    append_varint(out, block.generation);
    append_varint(out, block.count);
    append_varint(out, block.dead);
  }
  return out;
}

Result<VectorManifest> decode_vector_manifest(std::string_view bytes) {
  if (!bytes.empty() && static_cast<uint8_t>(bytes[0]) != kManifestFormat) {
    return Status(StatusCode::kUnsupported,
                  "the vector index has format " + std::to_string(static_cast<uint8_t>(bytes[0])) +
                      ", this program reads " + std::to_string(kManifestFormat) +
                      "; run `holdfast reindex`, or use the program that made it");
  }
  if (!bytes.empty()) bytes.remove_prefix(1);
  bool is_whole = true;
  const auto number = [&]() -> uint64_t {
    const auto value = take_varint(bytes);
    if (!value) is_whole = false;
    return value.value_or(0);
  };
  const auto number32 = [&] { return static_cast<uint32_t>(number()); };
  VectorManifest manifest;
  manifest.next_block = number32();
  manifest.generation = number32();
  manifest.centred_at = number();
  const uint64_t count = number();
  for (uint64_t i = 0; i < count && is_whole; ++i) {
    VectorBlockInfo& block = manifest.blocks.emplace_back();
    block.number = number32();
    block.generation = number32();
    block.count = number32();
    block.dead = number32();
    if (block.dead > block.count) is_whole = false;
  }
  if (!is_whole || !bytes.empty()) return malformed_index("the manifest of its vectors");
  return manifest;
}

std::string VectorKeys::numbered(char kind, uint32_t number) const {
  std::string key = under(kind, {});
  for (int shift = 24; shift >= 0; shift -= 8) key.push_back(static_cast<char>(number >> shift));
  return key;
}

}  // namespace holdfast::search
