// Lets whatever else wants this processor run first; costs a third of a microsecond where nothing
// does.
//
// Who: threads that work beside others' calls. Any thread.
#pragma once

namespace holdfast::os {

void give_way();

}  // namespace holdfast::os
