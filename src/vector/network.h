// Network: the layers of small networks over vectors of f32, with weights of one byte, compiled for
// several instruction sets; the best that the machine has is chosen once, when the program runs.
//
// Sums of bytes are exact, so they are the same everywhere; what is computed in f32 differs by
// rounding.
//
// Who: model/. Thread-safety: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace holdfast::vector {

constexpr uint32_t kPanelOutputs = 16;
constexpr uint32_t kPanelInputs = 4;
constexpr uint32_t kNetworkInputsMax = 8192;  // no sum of bytes overflows 31 bits

// outputs = weights * inputs + bias. The weights stand in panels of 16 outputs; in a panel, for
// each 4 inputs, the 4 weights of each output. The weight of an output is its scale times the byte.
struct ByteMatrix {
  uint32_t inputs = 0;   // a multiple of 4
  uint32_t outputs = 0;  // a multiple of 16
  const int8_t* weights = nullptr;
  const float* scales = nullptr;  // of each output
  const int32_t* sums = nullptr;  // of each output's bytes
  const float* bias = nullptr;
};

// Where the weight of an output and an input stands among the bytes of a matrix.
constexpr size_t weight_place(uint32_t inputs, uint32_t output, uint32_t input) {
  const size_t panel = output / kPanelOutputs * (size_t{inputs} * kPanelOutputs);
  const size_t group = input / kPanelInputs * (kPanelInputs * kPanelOutputs);
  return panel + group + output % kPanelOutputs * kPanelInputs + input % kPanelInputs;
}

// Rows of bytes: value = scale * (byte - zero). Two bytes of room for each, as some processors
// multiply nothing smaller.
struct ByteRows {
  std::vector<uint16_t> values;
  std::vector<float> scales;
  std::vector<int32_t> zeros;
};

enum class Finish : uint8_t {
  kStore,
  kRamp,  // what is negative becomes zero
  kAdd,   // to what the outputs hold
};

struct NetworkKernels {
  const char* name;
  // `rows` rows of `count` values, each row with a scale of its own. REQUIRES: a multiple of 4.
  void (*to_bytes)(const float* values, size_t rows, size_t count, ByteRows& bytes);
  // REQUIRES: `bytes` was written by these kernels, `rows` rows of `matrix.inputs`.
  void (*apply)(const ByteMatrix& matrix, const ByteRows& bytes, size_t rows, Finish finish,
                float* outputs);
  // Takes the mean away and divides by the deviation, then multiplies and adds. `variance_min` is
  // added to the square of the deviation.
  void (*normalize)(const float* values, const float* gain, const float* bias, float variance_min,
                    size_t count, float* out);
  // Makes shares of 1 out of exponents.
  void (*softmax)(float* values, size_t count);
  float (*dot)(const float* a, const float* b, size_t count);
  // sum += factor * values
  void (*add_scaled)(float* sum, float factor, const float* values, size_t count);
};

// The best for this machine.
const NetworkKernels& network_kernels();
// Plain loops, by which the others are tested.
const NetworkKernels& plain_network_kernels();
// Those of every instruction set that this machine has, the best first; for tests.
std::vector<NetworkKernels> every_network_kernels();

}  // namespace holdfast::vector
