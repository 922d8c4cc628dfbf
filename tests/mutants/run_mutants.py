#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Breaks one rule of the ring at a time and sees a test fail.

    run_mutants.py [--only NAME] [--keep]

Each mutant is a search and a replacement in one file, which must apply exactly once. The tests are
built in a copy of the tree, outside of it. A mutant that no test notices is a survivor: exit code 1.

Of the fences only those of waking are in the table: each stands between a store and a load, which
even x86 swaps, and the hammer sees it within a second. x86 orders other loads and stores of cached
memory well enough to keep each of these tests content without the other fences; the models and a
run on ARM are what proves them.
"""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
R, W, C = 'protocol/ring_reader.c', 'protocol/ring_writer.c', 'protocol/consumer_watch.c'
F, H, L = 'protocol/frame_check.c', 'protocol/region_header.c', 'protocol/liveness.c'
N, K, A = 'protocol/next_frame.c', 'protocol/ring_wake.c', 'protocol/ring_address.c'
U, V = 'common/wakeup.c', 'host-viewer/view.c'
S, P, T = 'protocol/slot_update.c', 'protocol/frame_update.c', 'protocol/frame_grid.c'
E = 'protocol/early_read.c'
X, D = 'common/copy_passes.c', 'common/copy_digest.c'
G, Y, Z = 'protocol/pointer_reader.c', 'protocol/pointer_writer.c', 'host-viewer/view_pointer.c'
O, Q, J = (f'protocol/clock_{room}.c' for room in ('offset', 'question', 'answer'))

TESTS = ['unit/test_frame_check', 'unit/test_region_header', 'unit/test_ring_reader',
         'unit/test_ring_writer', 'unit/test_ring_lossless', 'unit/test_ring_leases',
         'unit/test_ring_schedule', 'unit/test_damage', 'unit/test_frame_grid',
         'unit/test_early_read',
         'unit/test_pointer_reader', 'unit/test_pointer_writer', 'unit/test_pointer_schedule',
         'unit/test_pointer_wake', 'unit/test_view_pointer',
         'unit/test_ring_judgement', 'unit/test_consumer_watch',
         'unit/test_clock_offset', 'unit/test_clock_question',
         'unit/test_liveness', 'unit/test_wakeup', 'unit/test_wakeup_doorbell',
         'unit/test_wakeup_doubts', 'unit/test_ring_wake', 'unit/test_ring_wake_schedule',
         'unit/test_view', 'unit/test_copy_digest', 'unit/test_copy_passes',
         'fuzz/test_ring_fetches', 'fuzz/test_ring_races', 'fuzz/test_ring_takeover',
         'fuzz/test_ring_bombs', 'fuzz/test_ring_flips 5000', 'fuzz/test_ring_adversary 200000',
         'stress/hammer news', 'stress/hammer pointer', 'stress/hammer space']

# name, file, search, replacement
MUTANTS = [
    # the reader's looks and looks again
    ('no epoch before', R, 'if (shared_load_acquire_u64(&reader->identity->epoch) != reader->epoch) {\n\t\treturn READER_STALE;', 'if (0) {\n\t\treturn READER_STALE;'),
    ('no control before', R, 'if (control == reader->sequence << RING_CONTROL_SHIFT) {', 'if (control || 1) {'),
    ('claim flag is enough', R, 'if (control == reader->sequence << RING_CONTROL_SHIFT) {', 'if ((control & ~RING_CONTROL_CLAIM) == reader->sequence << RING_CONTROL_SHIFT) {'),
    ('no control after', R, 'if ((untrusted_control & ~RING_CONTROL_CLAIM) != reader->sequence << RING_CONTROL_SHIFT) {', 'if (untrusted_control == 1) {'),
    ('claim flag tears', R, '(untrusted_control & ~RING_CONTROL_CLAIM) !=', 'untrusted_control !='),
    ('writing flag ignored', R, '(untrusted_control & ~RING_CONTROL_CLAIM) !=', '(untrusted_control & ~RING_CONTROL_FLAGS) !='),
    ('no epoch after', R, 'shared_fence_acquire();\n\tif (shared_load_u64(&reader->identity->epoch) != reader->epoch) {\n\t\treturn READER_STALE;\n\t}\n\treturn READER_FRAME;', 'return READER_FRAME;'),
    ('no digest compare', R, 'if (result == READER_FRAME && !digests_agree(reader)) {', 'if (0) {'),
    ('first digest only', R, 'frame_claim_digest_words(&reader->claim) * sizeof(uint64_t)', 'sizeof(uint64_t)'),
    ('a table of digests for all slots', R, '(uint64_t)reader->slot * reader->geometry.digest_words * 8', '0 * (uint64_t)reader->slot'),
    ('no checksum', R, 'return FRAME_BAD_CHECKSUM;', ';'),
    ('no slot bound', R, 'slot >= reader->geometry.slot_count || ', ''),
    ('contradicted name is busy', R, ' || untrusted_name == tried', ''),
    ('refused name is tried again', R, ' || untrusted_name == reader->refused', ''),
    ('other number is believed', R, 'return fault != FRAME_OTHER_EPOCH && fault != FRAME_OTHER_SEQUENCE;', 'return true;'),
    ('no lease', R, '(reader->sequence << RING_NAME_SHIFT) | (slot + 1));', '0);'),
    ('lease of another slot', R, '(reader->sequence << RING_NAME_SHIFT) | (slot + 1));', '(reader->sequence << RING_NAME_SHIFT) | (slot + 2));'),
    ('lease is kept', R, '\t\tshared_store_release_u64(&reader->block->leases[0], 0);\n\t}\n}', '\t}\n}'),
    ('cursor is not moved', R, 'shared_store_release_u64(&reader->block->cursor, reader->last);', ''),
    ('cursor one ahead', R, '(&reader->block->cursor, reader->last);', '(&reader->block->cursor, reader->last + 1);'),
    ('old frames again', N, '>> RING_NAME_SHIFT > reader->last ? untrusted_name : 0', '>> RING_NAME_SHIFT >= reader->last ? untrusted_name : 0'),
    ('gap is not counted', R, 'reader->counts.skipped += gap;', ''),
    ('no quarantine for a row', R, 'reader->bad_row >= RING_QUARANTINE_ROW ||', ''),
    ('no quarantine for a hundredth', R, ' ||\n\t        reader->bad_window >= RING_QUARANTINE_WINDOW / 100', ''),
    ('window never ends', R, 'reader->bad_window = 0;', ''),
    ('no look at the own block', R, 'if (reader->block && shared_load_u64(&reader->block->epoch) != reader->own_epoch) {', 'if (0) {'),
    ('goodbye in a foreign block', R, 'reader->block && shared_load_u64(&reader->block->epoch) == reader->own_epoch', 'reader->block'),
    ('revocation is not said', N, 'shared_store_u32(&reader->block->revocations_seen, untrusted_revocations);', ''),
    ('admission is not awaited', N, '(untrusted_from & RING_FROM_REVOCATIONS_MASK) !=\n\t                (reader->revocations_seen & RING_FROM_REVOCATIONS_MASK)', '0'),
    ('grant of another', N, 'shared_load_acquire_u64(&reader->grant->epoch_acknowledged) != reader->own_epoch', 'shared_load_acquire_u64(&reader->grant->epoch_acknowledged) == 0'),
    ('from_sequence is ignored', N, 'if (reader->from_sequence > next) {', 'if (0) {'),
    ('state is believed', R, 'untrusted_state <= RING_STATE_FAULT ? untrusted_state : RING_STATE_NONE', 'untrusted_state'),
    ('epoch before the block', R, 'shared_store_release_u64(&block->epoch, 0);\n\tshared_fence_release();\n\twipe_block', 'shared_store_release_u64(&block->epoch, reader->own_epoch);\n\tshared_fence_release();\n\twipe_block'),
    ('old leases are kept', R, 'shared_store_u64(&block->leases[i], 0);', ''),
    ('old cursor is kept', R, 'shared_store_u64(&block->cursor, 0);', ''),
    # a frame that is read while it is written
    ('what was taken ahead is believed', E, 'words * sizeof(uint64_t)) == 0', '0) == 0'),
    ('the first tile taken ahead is enough', E, 'words * sizeof(uint64_t)) == 0', 'sizeof(uint64_t)) == 0'),
    ('begun with and still the old frame', E, 'reader->content.pixels = NULL;', ''),
    ('more strips finished than there are', E, 'finished < early->grid.strips ? (uint32_t)finished : early->grid.strips', '(uint32_t)finished'),
    ('begins in any slot', E, ' ||\n\t        (untrusted_name & RING_NAME_SLOT_MASK) >= reader->geometry.slot_count', ''),
    ('lossless begins with any', E, 'reader->admitted && sequence == reader->last + 1', 'reader->admitted && sequence > reader->last'),
    ('begins when quarantined', E, ' || reader->quarantined', ''),
    ('taken ahead and copied again', P, 'i < job.early && early_read_strip(reader, i)', 'false'),
    ('nobody is rung for what is announced', S, 'ring_writer_wake_early(writer);', ''),
    ('announced without a digest', S, ' && copier->algorithm != DIGEST_NONE', ''),

    # the writer
    ('no second look at the leases', W, 'if (*leased >> slot & 1) {', 'if (0) {'),
    ('backs off to writing', W, 'shared_store_release_u64(control, before);', 'shared_store_release_u64(control, before | RING_CONTROL_WRITING);'),
    ('backs off to nothing', W, 'shared_store_release_u64(control, before);', ''),
    ('dirty is forgotten', W, 'writer->slots[slot].dirty = true;', ''),
    ('the latest may be written', W, 'i == writer->latest || ', ''),
    ('leases are ignored', W, '(leased >> i & 1) || ', ''),
    ('cursors are ignored', W, ' || slot->sequence > cursor', ''),
    ('cursor one too far', W, 'slot->sequence > cursor', 'slot->sequence > cursor + 1'),
    ('newest slot first', W, 'slot->sequence < other->sequence', 'slot->sequence > other->sequence'),
    ('oldest slot first for damage, too', W, 'slot->sequence > other->sequence', 'slot->sequence < other->sequence'),
    ('a slot that lacks all for damage', W, 'slot->content.is_known != other->content.is_known', 'false'),
    ('not said that it writes', W, '(sequence << RING_CONTROL_SHIFT) | RING_CONTROL_WRITING);', '(sequence << RING_CONTROL_SHIFT));'),
    ('leases hold lossless up', W, 'if (cursor_holds_any(writer, cursor)) {', 'if (writer->lossless) {'),
    ('steals early', W, 'if (cursor_holds_any(writer, cursor)) {', 'if (choose_slot(writer, 0, cursor) < 0) {'),
    ('deposed begins', W, 'if (ring_writer_is_deposed(writer)) {\n\t\treturn WRITER_DEPOSED;\n\t}\n\tif (writer->sequence', 'if (writer->sequence'),
    ('deposed publishes', W, 'writer->current = -1;\n\tif (ring_writer_is_deposed(writer)) {', 'writer->current = -1;\n\tif (0) {'),
    ('deposed tends', W, 'if (ring_writer_is_deposed(writer)) {\n\t\treturn false;', 'if (0) {\n\t\treturn false;'),
    ('2^56 and on', W, 'writer->sequence >= RING_SEQUENCE_MAX', '0'),
    ('no index', W, 'shared_store_release_u64(index_at(writer, frame->sequence), name);', ''),
    ('magic is wiped', W, 'store_zeroes(g + sizeof(shared_u64),\n\t        offsetof(struct ring_identity, heartbeat) - sizeof(shared_u64));', 'store_zeroes(g, offsetof(struct ring_identity, heartbeat));'),
    ('epoch is left at the start', W, 'shared_store_release_u64(&identity->epoch, 0);', ''),
    ('nobody watches for another', W, 'shared_load_u64(&identity->epoch) != 0 && somebody_produces(identity)', '0'),
    ('foreign memory is taken', W, '!page_is_blank(identity)', '0'),
    ('frame is not checked', W, 'if (writer->fault != FRAME_FITS) {', 'if (0) {'),
    ('too many strips', T, 'grid->strips <= RING_STRIPS_MAX && ', ''),
    ('too many columns', T, 'grid->columns <= RING_COLUMNS_MAX &&', ''),
    ('too many digests', T, 'frame_grid_words(grid, algorithm) <= words', 'frame_grid_tiles(grid) <= words'),
    # what the writer knows of consumers
    ('another session counts', C, 'if (untrusted->attached_epoch != watch->producer_epoch) {', 'if (0) {'),
    ('leases never age', C, 'clock_elapsed_ns(consumer->leases[j].since_ns, now_ns) >=\n\t\t\t                CONSUMER_LEASE_NS', '0'),
    ('silent leases count', C, 'if (!consumer->epoch ||\n\t\t        consumer_silent_ns(consumer, now_ns) >= CONSUMER_SILENT_NS) {\n\t\t\tcontinue;', 'if (!consumer->epoch) {\n\t\t\tcontinue;'),
    ('no bound for a lease', C, 'if (slot >= RING_SLOTS_MAX) {', 'if (0) {'),
    ('second lease is ignored', C, 'for (unsigned j = 0; j < RING_LEASES_MAX; j++) {\n\t\t\tuint64_t slot', 'for (unsigned j = 0; j < 1; j++) {\n\t\t\tuint64_t slot'),
    ('cursor of the future', C, 'if (untrusted_cursor > published) {', 'if (0) {'),
    ('cursor goes back', C, 'if (untrusted_cursor <= consumer->cursor) {', 'if (untrusted_cursor == consumer->cursor) {'),
    ('patience never ends', C, 'consumer->cursor < published &&', '0 &&'),
    ('idle is given up', C, 'consumer->cursor < published &&', ''),
    ('no patience', C, 'if (clock_elapsed_ns(watch->blocked_since_ns, now_ns) < CONSUMER_PATIENCE_NS) {', 'if (0) {'),
    ('the silent are kept', C, 'if (consumer_silent_ns(consumer, now_ns) >= CONSUMER_PATIENCE_NS) {', 'if (0) {'),
    ('let in again unasked', C, 'reading.revocations_seen == consumer->revocations &&', '1 &&'),
    ('the silent are let in', C, ' &&\n\t           consumer_silent_ns(consumer, now_ns) < CONSUMER_SILENT_NS', ''),
    ('admitted one late', C, 'grant_admit(grant, consumer, published + 1);', 'grant_admit(grant, consumer, published + 2);'),
    ('admitted one early', C, 'grant_admit(grant, consumer, published + 1);', 'grant_admit(grant, consumer, published);'),
    ('grants are said once', C, 'grant_repeat(&watch->grants[i], &watch->consumers[i]);', ''),
    ('goodbye is not heard', C, 'memset(&watch->consumers[i], 0, sizeof(watch->consumers[i]));', ''),
    # the judgement of a claim
    ('any epoch', F, 'untrusted->epoch != epoch', '0'),
    ('any sequence', F, 'untrusted->sequence != sequence', '0'),
    ('any width', F, 'info->width > FRAME_SIDE_MAX ||', ''),
    ('any height', F, 'info->height == 0 ||\n\t        info->height > FRAME_SIDE_MAX', 'info->height == 0'),
    ('no height', F, 'info->height == 0 ||', ''),
    ('odd stride', F, 'info->stride % 4 ||', ''),
    ('short stride', F, ' || info->stride < (uint64_t)info->width * format->bytes', ''),
    ('over capacity', F, 'frame_info_bytes(info) > slot_capacity', '0'),
    ('capacity in 32 bits', F, 'frame_info_bytes(info) > slot_capacity', '(uint32_t)frame_info_bytes(info) > slot_capacity'),
    ('any length', F, 'untrusted->data_size != frame_info_bytes(&info)', '0'),
    ('any digest', F, '!digest_is_known(untrusted->digest_algorithm)', '0'),
    ('strips need not cover', F, 'grid.strips == untrusted->strip_count &&', ''),
    ('more digests than the table holds', F, 'frame_grid_fits(&grid, untrusted->digest_algorithm, words)', 'true'),
    ('tiles of no width', F, 'untrusted->tile_width == 0 || ', ''),
    ('no rows', F, 'rows == 0 ||', ''),
    ('too much damage', F, 'untrusted->damage_count > FRAME_DAMAGE_MAX', '0'),
    ('damage to the right', F, '(uint32_t)rect.x + rect.width > claim->width ||', ''),
    ('damage below', F, ' ||\n\t\t        (uint32_t)rect.y + rect.height > claim->height', ''),
    ('empty damage', F, 'rect.width == 0 || rect.height == 0 ||', ''),
    ('damage since the future', F, 'base_sequence < claim->sequence ? base_sequence : 0', 'base_sequence'),
    ('digests unchecked', F, 'XXH32(claim, RING_CLAIM_CHECKED, digests_sum)', 'XXH32(claim, RING_CLAIM_CHECKED, 0 * digests_sum)'),
    ('damage unchecked', F, 'return XXH32(damage, claim->damage_count * sizeof(uint64_t), sum);', '(void)damage;\n\treturn sum;'),
    # damage
    ('a slot forgets what it lacks', S, 'tile_marks_join(&content->stale, changed);', ';'),
    ('what changed keeps its digest', S, 'is_changed ? algorithm : DIGEST_NONE', 'DIGEST_NONE'),
    ('a table of digests for all slots of a writer', W, '(uint64_t)slot * writer->geometry.digest_words * 8', '0 * (uint64_t)slot'),
    ('damage of another geometry', S, 'frame_info_equal(&writer->digests_info, &writer->info)', 'true'),
    ('damage without a base', S, 'damage->base_sequence != 0 &&', ''),
    ('damage upon what was not published', W, '&= writer->current < 0', '&= true'),
    ('damage over a gap', P, 'reader->damage.base_sequence <= content->sequence &&', ''),
    ('a mark too few to the right', T, 'column <= right', 'column < right'),
    ('a mark too few below', T, 'strip <= bottom', 'strip < bottom'),
    ('padding belongs to nobody', T, 'end == grid->columns ? info->stride : end * tile_bytes', 'end * tile_bytes'),
    ('the last strip is as high as all', T, 'least(info->height - top, grid->strip_rows)', 'grid->strip_rows'),
    ('marks outside of the frame', T, '/ grid->strip_rows, grid->strips - 1)', '/ grid->strip_rows, UINT32_MAX)'),
    ('what was taken ahead is there for ever', P, 'reader->early.done = job.early;', ''),
    ('a lease is broken on the newest', W, 'slot = oldest_slot(writer);', 'slot = choose_slot(writer, 0, UINT64_MAX);'),
    # the header
    ('header unchecked', H, 'untrusted->checksum != XXH32(untrusted, HEADER_CHECKED, 0)', '0'),
    ('any major', H, 'header->major != RING_MAJOR', '0'),
    ('any feature', H, 'untrusted->features_required & ~RING_FEATURES_KNOWN', '0'),
    ('payloads outside', H, ' ||\n\t        geometry->end > header->region_size', ''),
    ('region not mapped', H, 'header->region_size > mapped ? HEADER_TOO_LARGE : HEADER_GOOD', 'HEADER_GOOD'),
    ('epoch read once', H, ' || shared_load_u64(&identity->epoch) != header->epoch', ''),
    ('no epoch is ready', H, 'header->epoch == 0 || ', ''),
    ('any slot count', H, ' || geometry->slot_count > RING_SLOTS_MAX', ''),
    ('any descriptor stride', H, ' || geometry->descriptor_stride % 64', ''),
    ('short index', H, 'length < 2 * geometry->slot_count || ', ''),
    ('long index', H, ' || length > RING_INDEX_MAX', ''),
    ('index no power of two', H, ' ||\n\t        (length & (length - 1))', ''),
    ('any capacity', H, ' ||\n\t        geometry->slot_capacity > UINT64_C(1) << 40', ''),
    ('control characters', H, "untrusted[i] < 0x20 || untrusted[i] > 0x7e ? '?' : untrusted[i]", 'untrusted[i]'),
    # hearts
    ('first sight is life', L, 'liveness->seen = true;\n\t\tliveness->value = untrusted;', 'liveness->seen = true;\n\t\tliveness->value = untrusted;\n\t\tliveness->moved = true;\n\t\tliveness->moved_ns = now_ns;'),
    ('never gone', L, 'silent_ns < LIVENESS_GONE_NS ? LIVENESS_STALE : LIVENESS_GONE', 'LIVENESS_STALE'),
    ('stopped and resting', L, 'heartbeat->running = false;\n\theartbeat->resting = false;', 'heartbeat->running = false;'),
    ('rests without a beat', L, 'heartbeat->resting = true;\n\t\tbeat(heartbeat);', 'heartbeat->resting = true;'),
    ('resume wakes nobody', L, 'heartbeat->resting = false;\n\t\tpthread_cond_signal(&heartbeat->change);', 'heartbeat->resting = false;'),
    ('beats while it rests', L, 'if (heartbeat->resting) {\n\t\t\tpthread_cond_wait', 'if (0) {\n\t\t\tpthread_cond_wait'),
    ('busy and resting', V, 'view->quiet = 0;\n\tlink_resume(view->link);\n\tresult', 'result'),
    # clocks
    ('clocks never run apart', O, '/ wander) + 1;', '/ wander) * 0 + 1;'),
    ('clocks agree whatever they say', O, 'aged.low > sample.high || sample.low > aged.high', '0'),
    ('the last answer alone counts', O, 'range->at == 0 || aged.low', 'range->at || aged.low'),
    ('an answer was given when it was seen', O, '(int64_t)untrusted_answer - (int64_t)early,', '(int64_t)untrusted_answer - (int64_t)late,'),
    ('an answer was given when it was asked', O, '(int64_t)untrusted_answer - (int64_t)late,', '(int64_t)untrusted_answer - (int64_t)early,'),
    ('counters are read at once', O, 'CLOCK_READING_APART_NS + 1 +', '0 *'),
    ('counters are not looked at', O, 'if (has_counters(exchange)) {', 'if (0) {'),
    ('our counter goes on', O, ' && exchange->asked.counter < exchange->seen.counter', ''),
    ('any time', O, 'time > 0 && time < CLOCK_OFFSET_LIMIT', 'time > 0'),
    ('one answer is enough', O, 'offset->agreeing < CLOCK_OFFSET_AGREEING || ', ''),
    ('a contradiction is forgotten', O, '\t\toffset->agreeing = 0;\n\t}\n\toffset->agreeing +=', '\t\t;\n\t}\n\toffset->agreeing +='),
    ('any bound', O, 'return *bound_ns <= CLOCK_OFFSET_BOUND_NS;', 'return true;'),
    ('the bound does not grow', O, 'range = at_time(offset->ns, now_ns, CLOCK_OFFSET_WANDER);', 'range = offset->ns;'),
    ('half a bound', O, '(uint64_t)(range.high - range.low) + 1) / 2', '(uint64_t)(range.high - range.low) + 1) / 4'),
    ('frames may come from the future', O, 'if (ago_ns < -(int64_t)latency->bound_ns) {', 'if (0) {'),
    ('what was seen tells nothing', O, '} else if (low > aged.low) {', '} else if (0) {'),
    ('numbers of questions are used again', Q, 'ring_random_epoch() & ~RING_QUESTION_SOON', '0'),
    ('asks in a foreign block', Q, 'return shared_load_u64(&reader->block->epoch) == reader->own_epoch;', 'return true;'),
    ('the offset outlives an attach', Q, 'if (question->own_epoch != reader->own_epoch) {', 'if (!question->own_epoch) {'),
    ('any answer is ours', Q, 'shared_load_acquire_u64(&answer->question) != question->number', 'shared_load_acquire_u64(&answer->question) == 0'),
    ('asks unannounced', Q, 'if (!(question->number & RING_QUESTION_SOON)) {', 'if (!question->number) {'),
    ('announces all the time', Q, '(is_steady ? CLOCK_STEADY_NS : CLOCK_EARLY_NS)', '0'),
    ('an answer beside the time', J, 'shared_store_u64(&answer->answer_ns, now.ns);', 'shared_store_u64(&answer->answer_ns, now.ns + 1000000);'),
    ('tend does not answer', W, 'now_ns);\n\tring_writer_answer(writer);\n\treturn true;', 'now_ns);\n\treturn true;'),
    ('begin does not answer', W, '\tring_writer_answer(writer);\n\treturn find_slot', '\treturn find_slot'),
    ('deposed answers', J, 'if (ring_writer_is_deposed(writer)) {', 'if (0) {'),
    ('lingers again and again', J, '\tnote_awaited(writer);\n', ''),
    ('lingers for ever', J, 'clock_elapsed_ns(clocks->lingered_ns, CLOCK_LINGER_SUM_NS)', 'CLOCK_LINGER_NS'),
    ('lingers for nothing', J, '(last & RING_QUESTION_SOON) &&', ''),
    # waking: the fences and the second look
    ('publish without a fence, wake', K, 'shared_fence_full();\n\t\tconsumer_watch_wake(\n\t\t        &writer->watch, writer->sequence, writer->sequence, 0,', 'consumer_watch_wake(\n\t\t        &writer->watch, writer->sequence, writer->sequence, 0,'),
    ('arm without a fence', K, '/* Pairs with the fence in ring_writer_wake(): it rings, or we see its frame. */\n\t\tshared_fence_full();', ''),
    ('let go without a fence, wake', K, '/* Pairs with the fence in ring_writer_arm_space(). */\n\tshared_fence_full();', ''),
    ('arm space without a fence', K, '/* Pairs with the fence in ring_reader_wake(): it rings, or we see its slot. */\n\tshared_fence_full();', ''),
    ('armed, no second look', U, 'if (wish->holds(wish->argument)) {\n\t\treturn WAKEUP_NEWS;\n\t}\n\tend = sleep_until', 'end = sleep_until'),
    # waking: who is rung, when, and where
    ('nobody is rung', W, '\tring_writer_wake(writer);\n', ''),
    ('rung before it is published', W, 'shared_store_release_u64(&writer->identity->latest, name);\n\tshared_fence_release();\n\twriter->slots[slot].sequence = frame->sequence;\n\twriter->slots[slot].dirty = false;\n\twriter->latest = slot;\n\twriter->sequence = frame->sequence;\n\twriter->counts.published++;\n\tring_writer_wake(writer);', 'writer->slots[slot] = (struct ring_writer_slot) { .sequence = frame->sequence };\n\twriter->latest = slot;\n\twriter->sequence = frame->sequence;\n\twriter->counts.published++;\n\tring_writer_wake(writer);\n\tshared_store_release_u64(&writer->identity->latest, name);\n\tshared_fence_release();'),
    ('rung again and again', C, ' && untrusted_arm != consumer->rung', ''),
    ('awake and rung', C, 'untrusted_arm != 0 && untrusted_arm != consumer->rung', 'untrusted_arm != consumer->rung'),
    ('rung too early', C, ' &&\n\t\t        untrusted_arm >> RING_ARM_SHIFT <= until', ''),
    ('newcomers are not rung', C, 'if (shared_load_u64(&consumer_watch_block(watch, i)->epoch) != consumer->epoch) {', 'if (0) {'),
    ('space without a ring', C, 'if (!ring_address_rings(consumer->address)) {\n\t\t\t\treturn false;', 'if (0) {\n\t\t\t\treturn false;'),
    ('space with nobody', C, 'bool any = false;', 'bool any = true;'),
    ('sleeps look alike', K, ' | (sleeps & RING_ARM_SLEEPS_MASK)', ' | (sleeps & 0)'),
    ('armed for the last frame', K, 'sleep_word(reader->last + 1,', 'sleep_word(reader->last,'),
    ('disarm is not said', K, 'shared_store_u64(&reader->block->wake_arm, 0);', ''),
    ('space disarm is not said', K, 'shared_store_u64(&writer->identity->space_arm, 0);', ''),
    ('rung for space again and again', K, ' && untrusted_arm != reader->space_rung', ''),
    ('awake and rung for space', K, 'untrusted_arm != 0 && untrusted_arm != reader->space_rung', 'untrusted_arm != reader->space_rung'),
    ('deposed arms', K, 'if (!ring_writer_is_deposed(writer)) {\n\t\tshared_store_u64(&writer->identity->space_arm,\n', 'if (1) {\n\t\tshared_store_u64(&writer->identity->space_arm,\n'),
    ('deposed disarms', K, 'if (!ring_writer_is_deposed(writer)) {\n\t\tshared_store_u64(&writer->identity->space_arm, 0);', 'if (1) {\n\t\tshared_store_u64(&writer->identity->space_arm, 0);'),
    ('no ring for a slot', R, 'publish_counts(reader);\n\tring_reader_wake(reader);', 'publish_counts(reader);'),
    ('no ring at the goodbye', R, 'shared_fence_release();\n\t\tring_reader_wake(reader);', 'shared_fence_release();'),
    ('no ring for a dropped lease', R, 'release_lease(reader);\n\tring_reader_wake(reader);', 'release_lease(reader);'),
    ('armed in a foreign block', K, 'shared_load_u64(&reader->block->epoch) == reader->own_epoch', '1'),
    ('nobody says hello', R, '\tring_reader_call(reader);\n', ''),
    ('torn address', R, ' ||\n\t        shared_load_u64(&identity->doorbell_generation) != untrusted_generation', ''),
    ('address of no generation', R, 'untrusted_generation == 0 ||', ''),
    ('any peer', A, 'untrusted_peer - 1 > DOORBELL_PEER_MAX ||', ''),
    ('any vector', A, '(untrusted_vector > DOORBELL_VECTOR_MAX && untrusted_vector != RING_VECTOR_DEAF)', '0'),
    ('peer off by one', A, 'doorbell->peer + 1', 'doorbell->peer'),
    ('deaf and does not say so', A, 'doorbell->fd >= 0 ? doorbell->vector : RING_VECTOR_DEAF', 'doorbell->vector'),
    # waking: how it is waited
    ('rings are not taken off', U, 'if (end == SLEEP_RUNG) {\n\t\tdoorbell_drain(wakeup->doorbell);', 'if (end == SLEEP_RUNG) {'),
    ('late rings are not taken off', U, '== SLEEP_RUNG) {\n\t\tdoorbell_drain(wakeup->doorbell);\n\t\twakeup->counts.rung++;\n\t\twakeup->lost_row = 0;\n\t\treturn;', '== SLEEP_RUNG) {\n\t\twakeup->counts.rung++;\n\t\twakeup->lost_row = 0;\n\t\treturn;'),
    ('awake and armed', U, 'if (wish->disarm) {', 'if (0) {'),
    ('lost ones need not be in a row', U, 'wakeup->counts.rung++;\n\t\twakeup->lost_row = 0;\n\t\twakeup->counts.spurious', 'wakeup->counts.rung++;\n\t\twakeup->counts.spurious'),
    ('no ring is missed', U, '++wakeup->lost_row >= WAKEUP_LOST', '0'),
    ('a limit is a loss', U, 'end == SLEEP_OVER && found', 'end == SLEEP_OVER'),
    ('late rings are lost', U, 'sleep_until(wakeup, wakeup->doorbell->fd, -1, now_ns + WAKEUP_GRACE_NS) == SLEEP_RUNG', '0'),
    ('an event for the ring', U, '-1, now_ns + WAKEUP_GRACE_NS', 'wakeup->events_fd, now_ns + WAKEUP_GRACE_NS'),
    ('no storm', U, 'if (!found && note_fruitless(&wakeup->bell_storm', 'if (0 && note_fruitless(&wakeup->bell_storm'),
    ('good rings are a storm', U, 'if (!found && note_fruitless(&wakeup->bell_storm', 'if (note_fruitless(&wakeup->bell_storm'),
    ('no storm of events', U, 'note_fruitless(&wakeup->event_storm, clock_now_ns());', ''),
    ('masked and armed', U, 'if (!is_listening(wakeup, now_ns)) {', 'if (!wakeup->doorbell) {'),
    ('polls and listens', U, 'bool may = wakeup->way == WAKEUP_AUTO || wakeup->way == WAKEUP_DOORBELL;', 'bool may = true;'),
    ('listens to the deaf', U, ' && doorbell && doorbell->fd >= 0', ' && doorbell'),
    ('spins and sleeps', U, 'if (wakeup->way == WAKEUP_SPIN) {\n\t\treturn spin_and_look', 'if (0) {\n\t\treturn spin_and_look'),
    ('spins past events', U, 'if (wakeup->events_fd >= 0 && poll(&events, 1, 0) > 0) {', 'if (0) {'),
    ('rings are all good', U, 'wakeup->counts.spurious += !found;', ''),
    # copy and digest in one pass
    ('last stripe of the source', X, 'accumulate(lanes, private_side + size', 'accumulate(lanes, from + size'),
    ('words read twice', X, 'memcpy(to, &word, sizeof(word));', 'memcpy(to, from, sizeof(word));'),
    ('scrambled too early', X, 'while (left.size > STRIPES_PER_BLOCK', 'while (left.size >= STRIPES_PER_BLOCK'),
    ('a block ends with its tile', X, 'const size_t end = row->stripes - row->is_last;', 'const size_t end = row->stripes;'),
    ('no scrambling between rows', X, 'if (had == STRIPES_PER_BLOCK) {', 'if (had == STRIPES_PER_BLOCK && i) {'),
    ('each row begins a block', X, 'had[i] = xxh3_row(lanes[i].lanes, had[i],', 'had[i] = xxh3_row(lanes[i].lanes, 0,'),
    ('the last tile is as wide as all', 'common/copy_digest.h', 'i + 1 < band->tiles ? band->tile_bytes', 'true ? band->tile_bytes'),
    ('tiles of a few bytes', D, '(first < last ? first : last) * band->rows >= COPY_TILE_LEAST', 'true'),
    ('tiles of no whole lines', D, '(band->pitch | first | last) % COPY_LINE_BYTES == 0', 'true'),
    ('no short ones', X, 'size <= XXH3_MIDSIZE_MAX', 'size < XXH3_MIDSIZE_MAX'),
    ('vectors anywhere', D, 'return bits % COPY_LINE_BYTES == 0;', 'return true;'),
    ('the shared side is digested', D, 'kernel->direction == COPY_IN ? from : to', 'kernel->direction == COPY_IN ? to : from'),
    # the pointer
    ('pointer: any capacity below', G, 'untrusted_capacity < RING_SHAPE_CAPACITY_MIN ||', '0 ||'),
    ('pointer: any capacity above', G, 'untrusted_capacity > RING_SHAPE_CAPACITY_MAX ||', '0 ||'),
    ('pointer: any alignment', G, 'untrusted_capacity % RING_SHAPE_ALIGNMENT ||', '0 ||'),
    ('pointer: shapes outside', G, 'header->geometry.end + RING_POINTER_SIZE +\n\t                        (uint64_t)RING_SHAPES * untrusted_capacity >\n\t                g.size', '0'),
    ('pointer: not offered', G, '!(header->features_offered & RING_FEATURE_POINTER) ||', '0 ||'),
    ('pointer: any width', G, 'shape->width <= POINTER_SIDE_MAX &&', ''),
    ('pointer: any height', G, 'shape->height <= POINTER_SIDE_MAX &&', ''),
    ('pointer: hot x outside', G, 'shape->hot_x < shape->width &&', ''),
    ('pointer: hot y outside', G, 'shape->hot_y < shape->height &&', ''),
    ('pointer: over capacity', G, ' && pointer_shape_bytes(shape) <= capacity', ''),
    ('pointer: first look', G, 'if (shared_load_acquire_u64(&line->control) != control) {', 'if (0) {'),
    ('pointer: second look', G, 'if (shared_load_u64(&line->control) != control) {', 'if (0) {'),
    ('pointer: size is loaded twice', G, 'XXH64(pixels, pointer_shape_bytes(shape), untrusted_size)', 'XXH64(pixels, pointer_shape_bytes(shape), shared_load_u64(&line->size))'),
    ('pointer: digest without its size', G, 'pointer_shape_bytes(shape), untrusted_size) != untrusted_digest', 'pointer_shape_bytes(shape), 0 * untrusted_size) != untrusted_digest'),
    ('pointer: any digest', G, 'XXH64(pixels, pointer_shape_bytes(shape), untrusted_size) != untrusted_digest', '0 * untrusted_digest'),
    ('pointer: any session', G, 'if (session_is_over(reader)) {', 'if (0) {'),
    ('pointer: seen again and again', G, 'mine->seen = untrusted_place;', ''),
    ('pointer: quarantine is not heeded', G, ' || reader->quarantined', ''),
    ('pointer: each move is a shape', G, 'number && number != mine->number', 'number'),
    ('pointer: no odd pixel out', G, 'if (count % 2) {', 'if (0) {'),
    ('pointer: no news', G, 'return pointer->area && shared_load_u64(&pointer->area->place) != pointer->seen;', 'return false;'),
    ('pointer: accepts unasked', R, 'reader->pointer.area ? RING_FEATURE_POINTER : 0', 'RING_FEATURE_POINTER'),
    ('pointer: accepts nothing', R, 'reader->pointer.area ? RING_FEATURE_POINTER : 0', '0'),
    ('pointer: deposed points', Y, ' || ring_writer_is_deposed(writer)', ''),
    ('pointer: WRITING is not said', Y, '\tshared_store_u64(&line->control, control | RING_SHAPE_WRITING);\n', '\tshared_store_u64(&line->control, 0 * RING_SHAPE_WRITING + shared_load_u64(&line->control));\n'),
    ('pointer: one place', Y, 'unsigned i = number % RING_SHAPES;', 'unsigned i = 0 * number;'),
    ('pointer: no odd pixel in', Y, 'if (count % 2) {', 'if (0) {'),
    ('pointer: number 0', Y, 'pointer->number + 1 ? pointer->number + 1 : 1', 'pointer->number + 1'),
    ('pointer: page is not wiped', Y, 'shared_store_u64(&words[i], 0);', ''),
    ('pointer: x anywhere', Y, '!is_in_reach(pointer->x) ||', ''),
    ('pointer: y anywhere', Y, ' || !is_in_reach(pointer->y)', ''),
    ('pointer: shape over capacity', Y, ' &&\n\t       pointer_shape_bytes(shape) <= writer->pointer.shape_capacity', ''),
    ('pointer: first is not stored', Y, '(is_new_shape || mine->number == 0)', 'is_new_shape'),
    ('pointer: same place again', Y, 'if (place == mine->place) {', 'if (0) {'),
    ('pointer: reserve is not kept', H, '(g_size - reserve - geometry->payload_base)', '(g_size - geometry->payload_base)'),
    ('pointer: region without it', H, 'geometry.end + ring_pointer_area_size(ring_shape_capacity_for(size)) +', 'geometry.end +'),
    ('pointer: rung for its frame only', K, 'RING_SEQUENCE_MAX,\n\t\t        RING_FEATURE_POINTER', 'writer->sequence,\n\t\t        RING_FEATURE_POINTER'),
    ('pointer: all are rung', K, 'RING_FEATURE_POINTER, writer->doorbell', '0, writer->doorbell'),
    ('pointer: who follows is not noted', C, 'consumer->features = shared_load_u64(&block->features_accepted);', ''),
    ('pointer: nobody is rung', Y, '\tring_writer_wake_pointer(writer);\n', ''),
    ('pointer: rung before it moved', Y, '\tshared_store_release_u64(&mine->area->place, place);\n\tshared_fence_release();\n\tring_writer_wake_pointer(writer);\n', '\tring_writer_wake_pointer(writer);\n\tshared_store_release_u64(&mine->area->place, place);\n\tshared_fence_release();\n'),
    ('pointer: no second look', N, ' ||\n\t       pointer_reader_has_news(&reader->pointer)', ''),
    ('pointer: moved without a fence, wake', K, 'shared_fence_full();\n\t\tconsumer_watch_wake(&writer->watch, writer->sequence, RING_SEQUENCE_MAX,', 'consumer_watch_wake(&writer->watch, writer->sequence, RING_SEQUENCE_MAX,'),
    ('pointer: stays after session', Z, 'return pointer->is_shown && show(pointer, &seen, sink);', 'return false;'),
    ('pointer: hidden again and again', Z, 'return pointer->is_shown && show(pointer, &seen, sink);', 'return show(pointer, &seen, sink);'),
    ('pointer: deaf is told', Z, 'if (!sink->ops->pointer) {', 'if (0) {'),
    ('pointer: no growth', Z, 'if (channel->shape_capacity <= pointer->capacity) {', 'if (pointer->capacity) {'),
    ('pointer: torn is shown', Z, '\t\tpointer->torn++;\n\t\tbreak;', '\t\tpointer->torn++;\n\t\treturn show(pointer, &seen, sink);'),
    ('pointer: bad is shown', Z, '\t\tpointer->bad++;\n\t\tbreak;', '\t\tpointer->bad++;\n\t\treturn show(pointer, &seen, sink);'),
    ('pointer: idle and looked for seldom', V, 'if (!view->quiet) {', 'if (!view->quiet && view->link->state == LINK_LIVE) {'),
]


def run(command, folder, seconds):
    try:
        return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=seconds).returncode
    except subprocess.TimeoutExpired:
        return 'hangs'


def build(tree):
    targets = sorted({'tests/' + test.split()[0] for test in TESTS})
    return run(['ninja', '-C', 'build'] + targets, tree, 600)


def killer(tree):
    """The first test that fails, and how; None when all of them pass."""
    for test in TESTS:
        code = run([os.path.join(tree, 'build/tests', test.split()[0])] + test.split()[1:], tree, 60)
        if code != 0:
            return '%s (%s)' % (os.path.basename(test), code)
    return None


def try_mutant(tree, mutant):
    name, path, search, replacement = mutant
    whole = os.path.join(tree, path)
    with open(whole, encoding='utf-8') as source:
        text = source.read()
    if text.count(search) != 1:
        return 'applies %d times instead of once' % text.count(search), False
    with open(whole, 'w', encoding='utf-8') as source:
        source.write(text.replace(search, replacement))
    try:
        if build(tree) != 0:
            return 'does not build', False
        killed_by = killer(tree)
    finally:
        with open(whole, 'w', encoding='utf-8') as source:
            source.write(text)
    return killed_by or 'SURVIVES', killed_by is not None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('--only', help='the mutants whose name contains this')
    parser.add_argument('--keep', action='store_true', help='keep the copy of the tree')
    options = parser.parse_args()
    # Ended from outside, the copy of the tree goes too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    tree = os.path.join(tempfile.mkdtemp(prefix='oriel-mutants-'), 'tree')
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns('build*', '.git', 'results'))
    failed = 0
    try:
        if run(['meson', 'setup', 'build', '-Dwindow=disabled'], tree, 300) != 0:
            sys.exit('the copy of the tree does not configure')
        if build(tree) != 0 or killer(tree):
            sys.exit('the tests fail without any mutant')
        for mutant in MUTANTS:
            if options.only and options.only not in mutant[0]:
                continue
            verdict, good = try_mutant(tree, mutant)
            failed += not good
            print('%-32s %s' % (mutant[0], verdict), flush=True)
    finally:
        if not options.keep:
            shutil.rmtree(os.path.dirname(tree))
    print('%d not killed' % failed)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
