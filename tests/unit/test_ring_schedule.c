/* SPDX-License-Identifier: MIT */
/*
 * Random schedules on one thread: frames are begun, copied, published and abandoned, consumers come
 * and go, claim and copy, stop for seconds and are killed, sessions end. In any order, each
 * accepted frame is the one that was drawn, each sequence is counted once, and lossless means
 * lossless.
 *
 *   test_ring_schedule [STEPS [SEED]]
 */
#include "ring_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

#define READERS 8u

static unsigned long steps_wanted = 100000;
static uint64_t seed = 20;

struct player {
	struct ring_reader reader;
	enum reader_mode mode;
	bool attached;
	bool claimed;
	uint64_t asleep_until_ns; /* neither beats nor reads */
	struct frame frame;
	uint8_t *pixels;
};

struct game {
	struct stand stand;
	uint64_t random;
	enum { IDLE, BEGUN, COPIED } writing;
	struct player players[READERS];
	uint64_t accepted;
};

static bool chance(struct game *game, unsigned one_in)
{
	return stand_below(&game->random, one_in) == 0;
}

static void attach(struct game *game, unsigned i)
{
	struct player *player = &game->players[i];

	player->mode = (enum reader_mode)stand_below(&game->random, 3);
	stand_attach(&game->stand, &player->reader, i, player->mode);
	player->attached = true;
	player->claimed = false;
	player->asleep_until_ns = 0;
}

static void leave(struct game *game, struct player *player)
{
	assert_true(stand_counted(&player->reader) == player->reader.last);
	/* Killed: nothing is said, and the block stays as it is. */
	if (!chance(game, 2)) {
		ring_reader_detach(&player->reader, RING_BYE_DETACHED);
	}
	player->attached = false;
}

/* A lossless consumer that was never given up has every frame since it was let in. */
static void check_lossless(const struct player *player, uint64_t last_before)
{
	const struct ring_reader *reader = &player->reader;

	if (player->mode != READER_LOSSLESS || !reader->admitted || reader->revocations_seen) {
		return;
	}
	if (reader->counts.verified > 1) {
		assert_true(reader->last == last_before + 1);
	}
	assert_int_equal(reader->counts.torn, 0);
	assert_true(reader->counts.skipped == reader->counts.before_first);
}

static void take(struct game *game, struct player *player)
{
	struct stand *stand = &game->stand;
	uint64_t last = player->reader.last;
	enum reader_result result;

	stand->copied = player->pixels;
	result = ring_reader_copy(&player->reader, &stand->out, player->pixels, &player->frame);
	player->claimed = false;
	if (result == READER_FRAME) {
		stand_check(stand, &player->frame);
		game->accepted++;
		if (stand->config.lossless) {
			check_lossless(player, last);
		}
	}
	stand->copied = NULL;
	assert_int_not_equal(result, READER_BAD);
}

static void read_some(struct game *game, struct player *player)
{
	enum reader_result result;

	if (player->claimed) {
		take(game, player);
		return;
	}
	result = ring_reader_claim(&player->reader, &player->frame);
	assert_int_not_equal(result, READER_BAD);
	assert_int_not_equal(result, READER_QUARANTINED);
	if (result == READER_STALE || result == READER_DEPOSED) {
		leave(game, player);
	} else if (result == READER_FRAME) {
		player->claimed = true;
		free(player->pixels);
		player->pixels = malloc(frame_info_bytes(&player->frame.info));
		assert_non_null(player->pixels);
		if (!chance(game, 4)) {
			take(game, player);
		}
	}
}

static void consume(struct game *game)
{
	unsigned i = (unsigned)stand_below(&game->random, READERS);
	struct player *player = &game->players[i];

	if (!player->attached) {
		if (chance(game, 4)) {
			attach(game, i);
		}
		return;
	}
	if (game->stand.now_ns < player->asleep_until_ns) {
		return;
	}
	if (chance(game, 300)) {
		player->asleep_until_ns =
		        game->stand.now_ns + stand_below(&game->random, 4000) * NS_PER_MS;
	} else if (chance(game, 200)) {
		leave(game, player);
	} else {
		read_some(game, player);
	}
}

static void produce(struct game *game)
{
	struct stand *stand = &game->stand;

	switch (game->writing) {
	case IDLE:
		if (chance(game, 50)) {
			stand->info.width = (uint32_t)(1 + stand_below(&game->random, 16));
			stand->info.height = (uint32_t)(1 + stand_below(&game->random, 8));
		}
		if (stand_begin(stand) == WRITER_OK) {
			game->writing = BEGUN;
		}
		break;
	case BEGUN:
		if (chance(game, 30)) {
			game->writing = IDLE;
			break;
		}
		stand_copy(stand);
		game->writing = COPIED;
		break;
	case COPIED:
		assert_int_equal(stand_finish(stand), WRITER_OK);
		game->writing = IDLE;
		break;
	}
}

static void pass(struct game *game)
{
	for (unsigned i = 0; i < READERS; i++) {
		struct player *player = &game->players[i];

		if (player->attached && game->stand.now_ns >= player->asleep_until_ns) {
			stand_beat(&player->reader);
		}
	}
	stand_pass(&game->stand, stand_below(&game->random, 40));
}

static void check_counts(const struct game *game)
{
	for (unsigned i = 0; i < READERS; i++) {
		const struct ring_reader *reader = &game->players[i].reader;

		if (game->players[i].attached) {
			assert_true(stand_counted(reader) == reader->last);
			if (reader->epoch == game->stand.writer.epoch) {
				assert_true(reader->last + ring_reader_in_ring(reader) ==
				            game->stand.writer.sequence);
			}
		}
	}
}

static void play(bool lossless, uint32_t slots)
{
	static struct game game;
	uint64_t epoch = STAND_EPOCH;

	memset(&game, 0, sizeof(game));
	game.random = seed + slots + 100 * lossless;
	stand_set_up_plain(&game.stand, slots, lossless);
	for (unsigned long i = 0; i < steps_wanted; i++) {
		if (chance(&game, 3)) {
			produce(&game);
		} else if (chance(&game, 12)) {
			pass(&game);
		} else {
			consume(&game);
		}
		if (chance(&game, 20000)) {
			stand_reopen(&game.stand, ++epoch);
			game.writing = IDLE;
		}
		if (i % 64 == 0) {
			check_counts(&game);
		}
	}
	assert_true(game.accepted > steps_wanted / 100);
	print_message("%u slots, %s: %lu steps, %llu accepted, %llu revoked, %llu overruns\n",
	        slots, lossless ? "lossless" : "latest", steps_wanted,
	        (unsigned long long)game.accepted,
	        (unsigned long long)game.stand.writer.watch.revocations,
	        (unsigned long long)game.stand.writer.counts.overruns);
	for (unsigned i = 0; i < READERS; i++) {
		free(game.players[i].pixels);
	}
	stand_tear_down(&game.stand);
}

static void latest(void **state)
{
	(void)state;
	play(false, 3);
	play(false, 4);
	play(false, 12);
}

static void lossless(void **state)
{
	(void)state;
	play(true, 3);
	play(true, 4);
	play(true, 12);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(latest),
		cmocka_unit_test(lossless),
	};

	if (argc > 1) {
		steps_wanted = strtoul(argv[1], NULL, 10);
	}
	if (argc > 2) {
		seed = strtoull(argv[2], NULL, 10);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
