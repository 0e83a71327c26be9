// Reading events page by page.
//
// Who: events.cc, event_tail.cc. Thread-safety: that of the given source.
#pragma once

#include "memory/event_rows.h"

namespace holdfast::memory {

// Up to options.limit events behind `mark` of those that are asked for, into `page`; moves `mark`
// (which then has no hash) and page.next behind the last one looked at. `from` is not looked at.
Status read_page(search::KeySource& source, const EventRows& rows, Mark& mark,
                 const EventReadOptions& options, EventPage& page);

}  // namespace holdfast::memory
