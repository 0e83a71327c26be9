// What the files behind Queue share: how a job is named, looked for and shown.
//
// Who: queue.cc, queue_lease.cc. Thread-safety: that of the given source.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "memory/access.h"
#include "memory/queue_rows.h"

namespace holdfast::memory {

// Errors: InvalidArgument.
Result<Uuid> parse_job_id(std::string_view id);
// NotFound.
Status no_job(std::string_view id, std::string_view queue);
Job to_job(const JobRow& row, std::string payload);

using JobWork = std::function<Status(search::KeyTarget&, const QueueRows&, const JobRow&)>;
// Runs `work` on the row of the job, in a transaction; false: there is none that `wanted` accepts.
// Errors: InvalidArgument (not an id).
Result<bool> change_job(Access& access, std::string_view queue, std::string_view id,
                        const std::function<bool(const JobRow&)>& wanted, const JobWork& work);

// Looks at up to `limit` entries of an index without being remembered; ids of those that `wanted`
// accepts. Errors: Corruption.
Result<std::vector<Uuid>> peek_job_ids(search::KeySource& source, const KeyRange& range,
                                       size_t limit,
                                       const std::function<bool(std::string_view)>& wanted = {});

}  // namespace holdfast::memory
