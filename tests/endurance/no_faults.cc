// For the program that is built without planted faults.
#include "planted/planted.h"

int planted_fault = 0;

namespace holdfast {

const std::vector<PlantedFault>& planted_faults() {
  static const std::vector<PlantedFault> none;
  return none;
}

}  // namespace holdfast
