#include "os/give_way.h"

#include <sched.h>

namespace holdfast::os {

void give_way() {
  (void)sched_yield();  // never fails on Linux
}

}  // namespace holdfast::os
