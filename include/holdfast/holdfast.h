// Holdfast: everything public.
#pragma once

#include "holdfast/blob.h"
#include "holdfast/claim.h"
#include "holdfast/diff.h"
#include "holdfast/event.h"
#include "holdfast/history.h"
#include "holdfast/kv.h"
#include "holdfast/link.h"
#include "holdfast/observation.h"
#include "holdfast/queue.h"
#include "holdfast/recall.h"
#include "holdfast/run.h"
#include "holdfast/space.h"
#include "holdfast/status.h"
#include "holdfast/store.h"
#include "holdfast/transaction.h"
#include "holdfast/watch.h"
