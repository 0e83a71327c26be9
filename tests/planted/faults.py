"""The planted faults: deliberate bugs of the engine that the simulator must catch.

The code of the engine knows nothing of them. plant.py makes copies of its files in which each of
them stands beside what it replaces, and which fault is on is chosen when the program starts; see
docs/torture.md. Who changes a place that an edit names is told by the test planted.<name>.
"""

from typing import NamedTuple


class Edit(NamedTuple):
    file: str  # below src/
    old: str   # what stands there, once; how it is broken into lines does not matter
    new: str   # what stands there instead; PLANTED is true while the fault is on


class Fault(NamedTuple):
    name: str
    what: str       # what the engine does wrong
    caught_by: str  # the simulation test that catches it soonest, as a gtest filter
    edits: tuple


FAULTS = (
    # --- The log: what is acknowledged is on the disk.
    Fault('sync_skipped', 'commits are acknowledged without fdatasync of the log',
          'StoreCrash.InsertsSurviveWhole', (
        Edit('store/sync.cc',
             'const Status status = takeover ?',
             'const Status status = PLANTED ? Status::ok() : takeover ?'),)),
    Fault('only_last_segment_synced', 'of several segments only the last is synced',
          'StoreCrash.SegmentRoll', (
        Edit('store/sync.cc',
             'const log::Lsn from = synced.lsn.load();',
             'const log::Lsn from = PLANTED ? tail.lsn : synced.lsn.load();'),)),
    Fault('synced_published_early', 'commits count as synced when the sync begins',
          'StoreCrash.FailedSyncVoidsTheTail', (
        Edit('store/sync.cc',
             'note_sync_begun(context, tail.version);',
             'note_sync_begun(context, tail.version);'
             ' if (PLANTED) synced.version.store(tail.version, std::memory_order_seq_cst);'),)),
    Fault('failed_sync_ignored', 'a sync that fails counts as one that succeeded',
          'StoreCrash.FailedSyncVoidsTheTail', (
        Edit('store/sync.cc',
             'if (!status) { control.state.voided_epoch.store(tail.epoch);',
             'if (!status && !PLANTED) { control.state.voided_epoch.store(tail.epoch);'),)),
    Fault('void_forgotten', 'after a failed sync the tail is not voided but synced again',
          'StoreCrash.FailedSyncVoidsTheTail', (
        Edit('store/sync.cc',
             'change_state(control, EngineState::kRunning, EngineState::kVoiding);',
             'if (!PLANTED) change_state(control, EngineState::kRunning, EngineState::kVoiding);'),
        )),
    Fault('takeover_not_rewritten', 'who takes over a sync does not write the log again',
          'StoreErrors.LeaderThatDiesOfItsFailedSyncLosesNothing', (
        Edit('store/sync.cc',
             'lock.try_lock(probe); if (outcome == LockOutcome::kNotNow) return false;'
             ' Status status = writable(context);'
             ' if (status) status = sync_locked(context, outcome == LockOutcome::kOwnerDied);',
             'lock.try_lock(probe); if (outcome == LockOutcome::kNotNow) return false;'
             ' Status status = writable(context);'
             ' if (status) status = sync_locked('
             'context, outcome == LockOutcome::kOwnerDied && !PLANTED);'),)),
    Fault('takeover_not_verified', 'who takes over a sync does not verify what it wrote again',
          'StoreErrors.LeaderThatDiesOfItsFailedSyncLosesNothing', (
        Edit('store/sync.cc',
             'HOLDFAST_TRY(verify_range(context, from, to));',
             'if (!PLANTED) HOLDFAST_TRY(verify_range(context, from, to));'),)),
    Fault('tail_published_before_write', 'a commit is published before its record is written',
          'StoreCrash.TwoWriters', (
        Edit('store/append.cc',
             'HOLDFAST_TRY(write_record(context, tail, header, &payload));',
             'if (PLANTED) publish_tail(control.tail, tail_behind(tail, header));'
             ' HOLDFAST_TRY(write_record(context, tail, header, &payload));'),)),
    Fault('keys_not_touched', 'readers are not told which keys a commit has written',
          'StoreCompany.WhatIsAcknowledgedIsReadByAllAndNeverTakenBack', (
        Edit('store/append.cc',
             'touch_keys(control, payload, header);',
             'if (!PLANTED) touch_keys(control, payload, header);'),)),
    Fault('keys_touched_low', 'readers are told of the version before the one that writes a key',
          'StoreCompany.WhatIsAcknowledgedIsReadByAllAndNeverTakenBack', (
        Edit('store/touched.cc',
             'raise(touched.keys[place], header.version);',
             'raise(touched.keys[place], PLANTED ? header.version - 1 : header.version);'),)),
    Fault('segment_entry_not_synced', 'the directory entry of a new segment is not synced',
          'StoreCrash.SegmentRoll', (
        Edit('log/segment.cc',
             'HOLDFAST_TRY(os_.rename(temporary, path(number)));'
             ' return os_.sync_directory(directory_);',
             'HOLDFAST_TRY(os_.rename(temporary, path(number)));'
             ' return PLANTED ? Status::ok() : os_.sync_directory(directory_);'),
        Edit('store/roll.cc',
             'HOLDFAST_TRY(context.os.sync_directory(files.directory()));',
             'if (!PLANTED) HOLDFAST_TRY(context.os.sync_directory(files.directory()));'),)),
    Fault('store_entry_not_synced', 'the directory entries of a new store are not synced',
          'StoreCrash.CreationIsAllOrNothing', (
        Edit('store/open.cc',
             'HOLDFAST_TRY(sync_entries(context.os, context.path));',
             'if (!PLANTED) HOLDFAST_TRY(sync_entries(context.os, context.path));'),)),

    Fault('failed_record_kept', 'a record that was reported as failed may stay in the log',
          'StoreErrors.FailedCallsAroundASegmentRollNeverLie', (
        Edit('store/append.cc',
             'if (!segment->file().write_at(offset, zeros)) {',
             'if (!PLANTED && !segment->file().write_at(offset, zeros)) {'),)),
    Fault('failed_segment_kept', 'a segment that was reported as not started stays as it is',
          'StoreErrors.FailedCallsAroundASegmentRollNeverLie', (
        Edit('store/roll.cc',
             "if (!segment->file().write_at(0, std::string(log::kSegmentHeaderSize, '\\0')) ||",
             "if (!PLANTED && (!segment->file().write_at(0,"
             " std::string(log::kSegmentHeaderSize, '\\0')) ||"),
        Edit('store/roll.cc',
             '!segment->file().sync_data()) { make_read_only',
             '!segment->file().sync_data())) { make_read_only'),)),

    # --- Voids.
    Fault('cut_not_synced', 'the segment that cuts off a voided tail is not synced',
          'StoreCrash.FailedSyncVoidsTheTail', (
        Edit('store/void_tail.cc',
             'HOLDFAST_TRY(segment->file().sync_data());',
             'if (!PLANTED) HOLDFAST_TRY(segment->file().sync_data());'),)),
    Fault('voided_root_kept', 'what was voided stays in the tree',
          'StoreCrash.FailedSyncVoidsTheTail', (
        Edit('store/void_tail.cc',
             'HOLDFAST_TRY(write_tree(context, base.root, rest, cut.version, plan));',
             'HOLDFAST_TRY(write_tree(context, PLANTED ? latest.root : base.root, rest,'
             ' cut.version, plan));'),)),
    Fault('pages_not_revived', 'pages that a voided tree had replaced are used again',
          'StoreRandom.FailedSyncsNeverLie', (
        Edit('store/void_tail.cc',
             'revive_retired(context, base); PublishPlan plan;',
             'if (!PLANTED) revive_retired(context, base); PublishPlan plan;'),)),
    Fault('epoch_end_not_noted', 'how far the voided epoch lasted is not noted',
          'StoreCrash.FailedSyncVoidsTheTail', (
        Edit('store/void_tail.cc',
             'control.epoch_end_version[epoch % kEpochEnds].store(synced);',
             'if (!PLANTED) control.epoch_end_version[epoch % kEpochEnds].store(synced);'),)),
    Fault('epoch_not_compared', 'who waits for a commit does not notice that it was voided',
          'StoreCrash.FailedSyncVoidsTheTail', (
        Edit('store/sync.cc',
             'if (epoch != commit.epoch) {',
             'if (epoch != commit.epoch && !PLANTED) {'),)),

    # --- Repairs: whoever dies, the next one completes it.
    Fault('intent_not_redone', 'who takes over APPLY does not complete what was begun',
          'StoreCrash.TwoWriters', (
        Edit('store/apply.cc',
             'if (outcome == LockOutcome::kOwnerDied) redo_intent(context); return Status::ok();',
             'if (outcome == LockOutcome::kOwnerDied && !PLANTED) redo_intent(context);'
             ' return Status::ok();'),
        Edit('store/apply.cc',
             'if (outcome == LockOutcome::kOwnerDied) redo_intent(context);'
             ' return outcome != LockOutcome::kNotNow;',
             'if (outcome == LockOutcome::kOwnerDied && !PLANTED) redo_intent(context);'
             ' return outcome != LockOutcome::kNotNow;'),)),
    Fault('intent_not_noted', 'a publication is not written down before it is carried out',
          'StoreCrash.TwoWriters', (
        Edit('store/intent.cc',
             'intent.state.store(static_cast<uint32_t>(IntentState::kPublishing));',
             'if (!PLANTED) intent.state.store(static_cast<uint32_t>(IntentState::kPublishing));'),
        )),
    Fault('tail_written_in_place', 'the copy of the tail that is being read is overwritten',
          'StoreCrash.CreationIsAllOrNothing', (
        Edit('store/published.cc',
             'line.sequence.load(kRelaxed) + 1; TailCopy& copy = line.copies[sequence & 1];',
             'line.sequence.load(kRelaxed) + 1;'
             ' TailCopy& copy = line.copies[(sequence + (PLANTED ? 1 : 0)) & 1];'),)),
    Fault('dead_owner_waited_for', 'a lock whose owner has died is never taken over',
          'StoreCrash.TwoWriters', (
        Edit('store/shared_lock.cc',
             'if (word == 0 || !attachment_.owner_dead(word)) return false;',
             'if (PLANTED || word == 0 || !attachment_.owner_dead(word)) return false;'),)),
    Fault('living_owner_robbed', 'an owner that is slow counts as dead',
          'StoreCompany.StoppedProcessIsNamedAndGoesOnLater', (
        Edit('store/attachment.cc',
             'return !alive(slot).value_or(true);',
             'return PLANTED || !alive(slot).value_or(true);'),)),
    Fault('generation_kept', 'a slot that changes hands keeps its generation',
          'StoreCompany.WhoTakesTheSlotOfADeadProcessIsNotTakenForIt', (
        Edit('store/attachment.cc',
             'uint32_t generation = (line.generation.load() + 1) & kGenerationMask;',
             'uint32_t generation = (line.generation.load() + (PLANTED ? 0 : 1))'
             ' & kGenerationMask;'),)),

    # --- Pages: none is used twice, none is lost.
    Fault('pages_freed_early', 'pages are free while the durable tree still has them',
          'StoreErrors.FailedSyncsAndCheckpointsNeverLie', (
        Edit('store/reclaim.cc',
             'if (run.death > floor) break;',
             'if (run.death > floor && !PLANTED) break;'),)),
    Fault('pin_off_by_one', 'the last version that needs a page does not count',
          'StoreCompany.LongSnapshotsSeeTheirVersionOnly', (
        Edit('store/reclaim.cc',
             'return pin != pins.end() && *pin < run.death;',
             'return pin != pins.end() && *pin + (PLANTED ? 1 : 0) < run.death;'),)),
    Fault('late_pin_accepted', 'a reader keeps a root that it has pinned too late',
          'StoreRandom.QuietRunsKeepEverything', (
        Edit('store/pins.cc',
             'if (root.version < floor) continue;',
             'if (root.version < floor && !PLANTED) continue;'),)),
    Fault('readers_not_asked', 'pages are used again without asking the readers',
          'StoreCompany.LongSnapshotsSeeTheirVersionOnly', (
        Edit('store/reclaim.cc',
             'control.readers[i].pin.load(std::memory_order_seq_cst);',
             'PLANTED ? 0 : control.readers[i].pin.load(std::memory_order_seq_cst);'),)),
    Fault('living_reader_cleared', 'the pins of living readers are cleared',
          'StoreCompany.LongSnapshotsOutlastAShortageOfPages', (
        Edit('store/attachment.cc',
             'if (owner == 0 || !owner_dead(owner)) continue;',
             'if (owner == 0 || (!owner_dead(owner) && !PLANTED)) continue;'),)),
    Fault('names_not_asked', 'pages of named snapshots are used again',
          'StoreNamed.*', (
        Edit('store/reclaim.cc',
             'control.named.pins[i].load(std::memory_order_seq_cst);',
             'PLANTED ? 0 : control.named.pins[i].load(std::memory_order_seq_cst);'),)),
    Fault('checkpoint_not_pinned', 'pages of the newest checkpoint are used again',
          'StoreCrash.CheckpointsLoseNothing', (
        Edit('store/reclaim.cc',
             'add(control.checkpoint.last_pin.load(std::memory_order_seq_cst));',
             'if (!PLANTED) add(control.checkpoint.last_pin.load(std::memory_order_seq_cst));'),)),
    Fault('pending_not_pinned', 'pages of a checkpoint that is being written are used again',
          'StoreCrash.CheckpointWhileAnotherWrites', (
        Edit('store/reclaim.cc',
             'add(control.checkpoint.pending_pin.load(std::memory_order_seq_cst));',
             'if (!PLANTED)'
             ' add(control.checkpoint.pending_pin.load(std::memory_order_seq_cst));'),)),
    Fault('older_not_pinned', 'pages of the older checkpoint are used again',
          'StoreRot.TheOtherCheckpointMakesUpForAMeta', (
        Edit('store/reclaim.cc',
             'add(control.checkpoint.prev_pin.load(std::memory_order_seq_cst));',
             'if (!PLANTED) add(control.checkpoint.prev_pin.load(std::memory_order_seq_cst));'),)),
    Fault('pages_leaked', 'pages that were replaced are never retired',
          'StoreCrash.InsertsSurviveWhole', (
        Edit('store/apply.cc',
             'retire(result.retired, version, plan);',
             'if (!PLANTED) retire(result.retired, version, plan);'),)),
    Fault('older_freed_at_start', 'a cold start frees the pages of older versions',
          'StoreNamed.ColdStartKeepsThem', (
        Edit('store/derive_pages.cc',
             'for (const PublishedRoot* root : roots) {',
             'if (PLANTED) roots.clear(); for (const PublishedRoot* root : roots) {'),)),

    # --- Checkpoints.
    Fault('pages_not_synced', 'a checkpoint is written before the pages are synced',
          'StoreCrash.CheckpointsLoseNothing', (
        Edit('store/checkpoint.cc',
             'const Status status = context.data_file->sync_data(); if (!status)',
             'const Status status = PLANTED ? Status::ok() : context.data_file->sync_data();'
             ' if (!status)'),)),
    Fault('checkpoint_takeover_trusted', 'who takes over a checkpoint does not write pages again',
          'StoreErrors.WhoComesBehindAFailedSyncTakesOverWhatItLost', (
        Edit('store/checkpoint.cc',
             'const Status status = rewrite_doubtful_pages(context, root);',
             'const Status status ='
             ' PLANTED ? Status::ok() : rewrite_doubtful_pages(context, root);'),)),
    Fault('inquiry_forgotten', 'who asked the disk about pages and died counts as never told',
          'StoreErrors.WhoAsksTheDiskAndDiesOfTheAnswerLosesNothing', (
        Edit('store/inquiry.cc',
             'silent[i] = owner;',
             'silent[i] = PLANTED ? 0 : owner;'),
        Edit('store/open.cc',
             'if (any_inquirer(control)) return false;',
             'if (!PLANTED && any_inquirer(control)) return false;'),)),
    Fault('log_removed_early', 'the log is removed up to the tail, not to the checkpoint',
          'StoreRandom.PowerCutsLoseNothingStrict', (
        Edit('store/checkpoint.cc',
             'const log::Lsn checkpoint_lsn = control.checkpoint.prev_lsn.load();',
             'const log::Lsn checkpoint_lsn = PLANTED ? read_tail(control.tail).lsn'
             ' : control.checkpoint.prev_lsn.load();'),)),
    Fault('older_log_removed', 'the log is kept for the newest checkpoint only',
          'StoreRot.*', (
        Edit('store/checkpoint.cc',
             'Status trim_log(const Context& context) { ControlBlock& control = context.control();',
             'Status trim_log(const Context& context) { ControlBlock& control = context.control();'
             ' if (PLANTED) control.checkpoint.prev_lsn.store('
             'control.checkpoint.last_lsn.load());'),)),
    Fault('verified_for_ever', 'pages that were verified are believed after a failed sync',
          'StoreErrors.PagesThatAFailedSyncLostAreNotTrustedWhenTheyComeBack', (
        Edit('store/engine.cc',
             'context_->pages->set_doubt(',
             'if (!PLANTED) context_->pages->set_doubt('),
        Edit('store/engine.cc',
             'context_->pages->set_durable(',
             'if (!PLANTED) context_->pages->set_durable('),)),

    # --- Cold starts, and what may be joined.
    Fault('boot_not_compared', 'the control block of another boot is joined',
          'StoreCrash.ColdStart', (
        Edit('store/open.cc',
             'if (!equal(context.os.boot_id(), header.boot_id)) return ControlState::kOtherBoot;',
             'if (!equal(context.os.boot_id(), header.boot_id) && !PLANTED)'
             ' return ControlState::kOtherBoot;'),)),
    Fault('control_trusted', 'what nobody is attached to is joined without looking at the files',
          'StoreErrors.LeaderThatDiesOfItsFailedSyncLosesNothing', (
        Edit('store/open.cc',
             'if (!used && !control_trustworthy(context)) return false;',
             'if (!used && !PLANTED && !control_trustworthy(context)) return false;'),)),
    Fault('payload_not_checked', 'a record counts when its header is whole',
          'StoreCrash.CreationIsAllOrNothing', (
        Edit('log/reader.cc',
             'if (crc32c(record.payload) != header.payload_crc) return kNotWhole;',
             'if (!PLANTED && crc32c(record.payload) != header.payload_crc) return kNotWhole;'),)),
    Fault('declared_end_ignored', 'a cold start reads on behind the end that was declared',
          'StoreRandom.FailedSyncsAndPowerCutsNeverLie', (
        Edit('log/reader.cc',
             'if (next != nullptr) end_declared_ = next->header().prev_end_lsn;',
             'if (next != nullptr && !PLANTED) end_declared_ = next->header().prev_end_lsn;'),)),
    Fault('witness_ignored', 'a log damaged in the middle counts as torn at its end',
          'StoreRot.*', (
        Edit('store/recovery.cc',
             'if (std::max(scan.durable_lsn_max, metas.durable_lsn) > history.end.lsn) {',
             'if (!PLANTED && std::max(scan.durable_lsn_max, metas.durable_lsn)'
             ' > history.end.lsn) {'),)),
    Fault('page_not_checked', 'a page is used without comparing its checksum',
          'StoreRot.*', (
        Edit('tree/page_source.cc',
             'if (!matches(ref, bytes, error)) return false;',
             'if (!PLANTED && !matches(ref, bytes, error)) return false;'),
        Edit('tree/page.cc',
             'if (!source.is_unchanged(ref, copy->get(), &error)) return error;',
             'if (!PLANTED && !source.is_unchanged(ref, copy->get(), &error)) return error;'),)),
    Fault('overflow_not_checked', 'a large value is handed out without comparing its checksum',
          'StoreRot.*', (
        Edit('tree/page_source.cc',
             'const uint32_t found = crc32c({bytes, ref.size_bytes}); if (found != ref.crc) {',
             'const uint32_t found = crc32c({bytes, ref.size_bytes});'
             ' if (found != ref.crc && !PLANTED) {'),)),
    Fault('meta_not_checked', 'a meta is used without comparing its checksum',
          'StoreRot.TheOtherCheckpointMakesUpForAMeta', (
        Edit('store/superblock.cc',
             'meta.crc == crc32c(before_crc(meta));',
             '(PLANTED || meta.crc == crc32c(before_crc(meta)));'),)),
    Fault('meta_not_secured', 'a cold start does not write the meta that it relies on again',
          'StoreErrors.PowerCutsDuringTheRecoveryFromAFailedSyncLoseNothing', (
        Edit('store/recovery.cc',
             'if (!metas.older) return Status::ok(); HOLDFAST_TRY(write_meta(',
             'if (!metas.older || PLANTED) return Status::ok(); HOLDFAST_TRY(write_meta('),)),
    Fault('deletion_replayed_late', 'a cold start deletes ranges behind later writes to them',
          'StoreCrash.ColdStartInStretches', (
        Edit('store/replay.cc',
             'while (erased && !changes.empty() && changes.front().order < *erased) {',
             'while (erased && !changes.empty() &&'
             ' (PLANTED || changes.front().order < *erased)) {'),)),

    # --- Transactions.
    Fault('last_records_not_validated', 'what is committed while a commit waits is not validated',
          'StoreCrash.TwoWriters', (
        Edit('store/append.cc',
             'HOLDFAST_TRY(validate(context, reads, validated, tail));',
             'if (!PLANTED) HOLDFAST_TRY(validate(context, reads, validated, tail));'),)),
    Fault('ranges_not_validated', 'a transaction does not notice keys that come into a range',
          'StoreIsolation.*', (
        Edit('store/read_set.cc',
             'return keys_.find(key) != keys_.end() || ranges_.contains(key);',
             'return keys_.find(key) != keys_.end() || (ranges_.contains(key) && !PLANTED);'),)),
    Fault('erasures_not_validated', 'a transaction does not notice that a range is deleted',
          'StoreIsolation.*', (
        Edit('store/read_set.cc',
             'return reads.overlaps(operation.key, operation.value);',
             'return !PLANTED && reads.overlaps(operation.key, operation.value);'),)),
    Fault('stamped_key_not_validated', 'a key that gets its version at commit is not validated',
          'StoreIsolation.*', (
        Edit('store/read_set.cc',
             'return reads.contains(log::written_key(operation, version));',
             'return !PLANTED && reads.contains(log::written_key(operation, version));'),)),
    Fault('recent_deletion_missed', 'a transaction reads keys that were deleted a moment ago',
          'StoreIsolation.*', (
        Edit('store/recent.cc',
             'case log::OperationKind::kDelete:'
             ' table.add(operation.key, header.version, std::nullopt);',
             'case log::OperationKind::kDelete:'
             ' if (!PLANTED) table.add(operation.key, header.version, std::nullopt);'),)),
    Fault('refusal_not_awaited', 'a refusal is given before what it has read is durable',
          'StoreCompany.WhoDiesBeforeItsSyncKeepsNobodyFromGoingOn', (
        Edit('store/engine.cc',
             'if (!is_retryable(worked)) HOLDFAST_TRY(Transaction::Impl::await_read(txn));',
             'if (!is_retryable(worked) && !PLANTED)'
             ' HOLDFAST_TRY(Transaction::Impl::await_read(txn));'),)),

    # --- Room, waiting, watching, sharing.
    Fault('leader_not_woken', 'the next leader of a sync is not woken',
          'StoreSchedule.WaitersAreWokenNotTimedOut', (
        Edit('store/sync.cc',
             'wake_next_leader(context);',
             'if (!PLANTED) wake_next_leader(context);'),)),
    Fault('lock_waiter_not_woken', 'who gives a lock back does not wake who waits for it',
          'StoreSchedule.WaitersAreWokenNotTimedOut', (
        Edit('store/shared_lock.cc',
             'if ((word & kWaitersBit) != 0) os_.futex_wake(line_.word, 1);',
             'if ((word & kWaitersBit) != 0 && !PLANTED) os_.futex_wake(line_.word, 1);'),)),
    Fault('watch_not_marked', 'a watch is not told of what it watches',
          'StoreWatch.SeesEveryCommitWhoeverDies', (
        Edit('store/watch_slots.cc',
             'if (touched || overlaps(range, erased)) mark(slot, version);',
             'if (!PLANTED && (touched || overlaps(range, erased))) mark(slot, version);'),)),
    Fault('company_not_noticed', 'who wants a store alone does not notice who has it open',
          'StoreExclusive.SharedAndExclusiveHandlesExcludeEachOther', (
        Edit('store/exclusive.cc',
             'if (!used) {',
             'if (!used || PLANTED) {'),)),

    # --- Claims: one holder at a time.
    Fault('claim_not_refused', 'a claim is given though another holds it',
          'MemoryCrash.ClaimsOfTheDeadAreFree', (
        Edit('memory/claims.cc',
             'if (!both_shared) return held(resource, holder.seen);',
             'if (!both_shared && !PLANTED) return held(resource, holder.seen);'),)),
    Fault('claim_of_dead_kept', 'a claim lasts when its process has ended',
          'MemoryCrash.ClaimsOfTheDeadAreFree', (
        Edit('memory/claims.cc',
             'return !holder.seen.bound_to_handle || access.handle_alive(holder.handle);',
             'return !holder.seen.bound_to_handle || PLANTED'
             ' || access.handle_alive(holder.handle);'),)),
    Fault('claim_token_kept', 'every claim has the same token',
          'MemoryCrash.ClaimsOfTheDeadAreFree', (
        Edit('memory/claims.cc',
             'mine.seen.token = claim.token = target.version() + 1;',
             'mine.seen.token = claim.token = PLANTED ? 1 : target.version() + 1;'),)),
    Fault('claim_expiry_not_guarded', 'a write goes through under a claim that has expired',
          'MemoryCrash.WhoHoldsAClaimTooLongIsFenced', (
        Edit('memory/claims.cc',
             'if (mine->seen.expires_us <= now_us) { return fenced(',
             'if (!PLANTED && mine->seen.expires_us <= now_us) { return fenced('),
        Edit('memory/claims.cc',
             'if (!holds(*access_, *mine, now_us)) { return fenced(',
             'if (!PLANTED && !holds(*access_, *mine, now_us)) { return fenced('),)),
    Fault('claim_guard_not_remembered', 'a guarded write commits though the claim is gone by then',
          'MemoryCrash.AStoppedHolderNeverWritesBehindTheNext', (
        Edit('memory/claims.cc',
             'HOLDFAST_ASSIGN(const auto row, source.get(row_key(space_id, resource)));',
             'HOLDFAST_ASSIGN(const auto row, PLANTED ? source.peek(row_key(space_id, resource))'
             ' : source.get(row_key(space_id, resource)));'),)),
)
