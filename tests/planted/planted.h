// The faults that the planted build of the engine can have; none in any other build.
//
// Who: the runner of the simulations. faults.py is the table, plant.py writes what implements this.
#pragma once

#include <string>
#include <vector>

// The number of the fault that is on, from 1; 0: none. Read by the planted code.
extern int planted_fault;

namespace holdfast {

struct PlantedFault {
  std::string name;
  std::string what;       // what the engine does wrong
  std::string caught_by;  // the tests that catch it soonest, as a gtest filter
  std::string problem;    // why it cannot be planted; "": it can
};

// In the order of their numbers.
const std::vector<PlantedFault>& planted_faults();

}  // namespace holdfast
