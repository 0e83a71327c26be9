// Who: vector/ only. Thread-safety: pure functions.
#pragma once

#include <optional>

#include "vector/network.h"

namespace holdfast::vector {

// `others` with the products of bytes by AVX-512 VNNI; nothing, where the machine has it not.
std::optional<NetworkKernels> vnni_network_kernels(const NetworkKernels& others);

}  // namespace holdfast::vector
