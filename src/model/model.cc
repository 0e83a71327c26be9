#include "model/model.h"

#include <cstring>

#include "base/crc32c.h"
#include "model/layout.h"

namespace holdfast::model {
namespace {

Status damaged(const std::string& what) {
  return Status(StatusCode::kCorruption, what + "; install the model anew");
}

// Zero-padded, and with a zero at its end.
Result<std::string> read_name(const char (&bytes)[kNameSize]) {
  const size_t size = strnlen(bytes, kNameSize);
  if (size == 0 || size == kNameSize) return damaged("the model has no name");
  return std::string(bytes, size);
}

}  // namespace

Result<std::unique_ptr<Model>> Model::open(os::Os& os, const std::string& path) {
  HOLDFAST_ASSIGN(const auto file, os.open(path, os::OpenMode::kRead));
  HOLDFAST_ASSIGN(const os::FileInfo info, file->info());
  if (info.size_bytes < sizeof(Header)) return damaged("it is no sentence model").with_path(path);
  HOLDFAST_ASSIGN(auto mapping, file->map(info.size_bytes, os::MapAccess::kRead));
  auto model = std::make_unique<Model>();
  const Status read = model->read({mapping->data(), mapping->size()});
  if (!read) return Status(read).with_path(path);
  model->mapping_ = std::move(mapping);
  return model;
}

Result<std::unique_ptr<Model>> Model::of(std::string_view bytes) {
  auto model = std::make_unique<Model>();
  HOLDFAST_TRY(model->read(bytes));
  return model;
}

Status Model::read(std::string_view bytes) {
  Header header;
  if (bytes.size() < sizeof(header)) return damaged("it is no sentence model");
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.magic != kMagic) return damaged("it is no sentence model");
  if (header.format != kFormat) {
    return Status(StatusCode::kUnsupported, "the sentence model is of format " +
                                                std::to_string(header.format) + ", and only " +
                                                std::to_string(kFormat) + " is known here");
  }
  HOLDFAST_TRY(check_shape(header.shape));
  const Layout layout = layout_of(header.shape);
  if (header.size != bytes.size() || layout.size != bytes.size()) {
    return damaged("the sentence model has " + std::to_string(bytes.size()) + " bytes of " +
                   std::to_string(layout.size));
  }
  if (crc32c(bytes.substr(kCrcEnd)) != header.crc) {
    return damaged("the sentence model does not match its checksum");
  }
  shape_ = header.shape;
  HOLDFAST_ASSIGN(name_, read_name(header.name));
  HOLDFAST_ASSIGN(version_, read_name(header.version));
  const auto at = [&]<typename T>(const T*& pointer, uint64_t offset) {
    pointer = reinterpret_cast<const T*>(bytes.data() + offset);
  };
  at(nodes_, layout.nodes);
  at(scores_, layout.scores);
  at(row_scales_, layout.row_scales);
  at(rows_, layout.rows);
  at(places_, layout.places);
  for (size_t i = 0; i < kNorms; ++i) {
    at(norms_[i].gain, layout.norms[i].gain);
    at(norms_[i].bias, layout.norms[i].bias);
  }
  for (size_t i = 0; i < kLayers; ++i) {
    const MatrixPlace& place = layout.layers[i];
    vector::ByteMatrix& layer = layers_[i];
    layer.inputs = place.inputs;
    layer.outputs = place.outputs;
    at(layer.weights, place.weights);
    at(layer.scales, place.scales);
    at(layer.sums, place.sums);
    at(layer.bias, place.bias);
  }
  return check_nodes();
}

// Children stand behind their node, so a walk ends.
Status Model::check_nodes() const {
  for (uint32_t i = 0; i < shape_.nodes; ++i) {
    const Node& node = nodes_[i];
    const bool has_place =
        node.children == 0 || (node.first_child > i && node.first_child < shape_.nodes &&
                               node.children <= shape_.nodes - node.first_child);
    if (!has_place || node.piece >= shape_.pieces) {
      return damaged("the pieces of the sentence model are linked to what is not there");
    }
  }
  return Status::ok();
}

}  // namespace holdfast::model
