// Reading events page by page.
//
// Who: events.cc, event_tail.cc. Thread-safety: that of the given source.
#pragma once

#include "memory/event_rows.h"

namespace holdfast::memory {

// Up to `limit` events behind `mark`, those of `type` if it is given, into `page`; moves `mark`
// (which then has no hash) and page.next.
Status read_page(search::KeySource& source, const EventRows& rows, Mark& mark, size_t limit,
                 std::string_view type, EventPage& page);

}  // namespace holdfast::memory
