/* SPDX-License-Identifier: MIT */
/*
 * stress TEST [--seed N] [--rounds N | --long]
 *
 * Runs one of the tests below. The seed is printed, so that a failure can be had again as far as
 * the machine's own timing allows.
 */
#include "clock.h"
#include "log.h"
#include "naps.h"
#include "tests.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct stress_test {
	const char *name;
	void (*run)(struct stage *stage);
	uint64_t rounds;
	uint64_t long_rounds;
	bool needs_hooks;
} tests[] = {
	{ "anew", test_anew, 20, 500, false },
	{ "change", test_change, 2000, 100000, false },
	{ "crowd", test_crowd, 6, 1800, false },
	{ "end", test_end, 4, 200, false },
	{ "kill-latest", test_kill_latest, 180, 3000, false },
	{ "kill-lossless", test_kill_lossless, 120, 2000, false },
	{ "other-size", test_other_size, 9, 90, false },
	{ "revoke", test_revoke, 2, 100, false },
	{ "rivals", test_rivals, 50, 1000, false },
	{ "soak", test_soak, 200000, 5200000, false },
	{ "start-orders", test_start_orders, 1, 50, false },
	{ "stop", test_stop, 4, 100, false },
	{ "truncate", test_truncate, 50, 500, false },
	{ "ghost", test_ghost, 12, 200, true },
	{ "kill-everywhere", test_kill_everywhere, 2, 50, true },
	{ "lease", test_lease, 5000, 500000, true },
	{ "windows", test_windows, 48, 3000, true },
};

static int usage(void)
{
	fprintf(stderr, "usage: stress TEST [--seed N] [--rounds N | --long]\ntests:");
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (!tests[i].needs_hooks || naps_are_built_in()) {
			fprintf(stderr, " %s", tests[i].name);
		}
	}
	fputc('\n', stderr);
	return 2;
}

static const struct stress_test *find_test(const char *name)
{
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (strcmp(tests[i].name, name) == 0 &&
		        (!tests[i].needs_hooks || naps_are_built_in())) {
			return &tests[i];
		}
	}
	return NULL;
}

int main(int count, char **words)
{
	const struct stress_test *test = count > 1 ? find_test(words[1]) : NULL;
	struct stage stage = { .fd = -1 };

	if (!test) {
		return usage();
	}
	stage.test = test->name;
	stage.rounds = test->rounds;
	stage.seed = clock_now_ns() % 1000000007;
	for (int i = 2; i < count; i++) {
		if (strcmp(words[i], "--long") == 0) {
			stage.rounds = test->long_rounds;
		} else if (strcmp(words[i], "--seed") == 0 && i + 1 < count) {
			stage.seed = strtoull(words[++i], NULL, 0);
		} else if (strcmp(words[i], "--rounds") == 0 && i + 1 < count) {
			stage.rounds = strtoull(words[++i], NULL, 0);
		} else {
			return usage();
		}
	}
	stage.dice = stage.seed;
	log_init("stress", LOG_LEVEL_WARNING);
	printf("%s --seed %" PRIu64 " --rounds %" PRIu64 "\n", stage.test, stage.seed,
	        stage.rounds);
	test->run(&stage);
	printf("passed\n");
	return 0;
}
