/* SPDX-License-Identifier: MIT */
#include "stage.h"

#include "clock.h"
#include "complaint.h"
#include "link.h"
#include "region.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_NS     (200 * NS_PER_US)
#define FLOW_FRAMES 5u

static void end_children(struct stage *stage)
{
	for (unsigned i = 0; i < STAGE_ACTORS_MAX; i++) {
		if (stage->actors[i].pid > 0) {
			kill(stage->actors[i].pid, SIGKILL);
			waitpid(stage->actors[i].pid, NULL, 0);
			stage->actors[i].pid = 0;
		}
	}
}

static void remove_files(struct stage *stage)
{
	if (stage->folder[0]) {
		unlink(stage->path);
		rmdir(stage->folder);
		stage->folder[0] = '\0';
	}
}

static void print_counters(const struct stage *stage)
{
	for (unsigned i = 0; i < STATS_PRODUCERS_MAX; i++) {
		const struct producer_stats *p = &stage->stats->producers[i];

		if (p->session) {
			fprintf(stderr,
			        "  producer %u: session %" PRIu64 " published %" PRIu64
			        " here %" PRIu64 " overruns %" PRIu64 " back-offs %" PRIu64
			        " revocations %" PRIu64 " uncleared %" PRIu64 "\n",
			        i, p->session, p->published, p->published_here, p->overruns,
			        p->back_offs, p->revocations, p->uncleared);
		}
	}
	for (unsigned i = 0; i < STATS_CONSUMERS_MAX; i++) {
		const struct consumer_stats *c = &stage->stats->consumers[i];

		if (c->turns) {
			fprintf(stderr,
			        "  consumer %u: link state %" PRIu64 ", session %" PRIu64
			        " attaches %" PRIu64 " accepted %" PRIu64 "; verified %" PRIu64
			        " skipped %" PRIu64 " torn %" PRIu64 " (leased %" PRIu64
			        ") stale %" PRIu64 " bad %" PRIu64 " (refused %" PRIu64
			        ") in ring %" PRIu64 "; wrong: pixels %" PRIu64 " geometry %" PRIu64
			        " epoch %" PRIu64 " dead %" PRIu64 " early %" PRIu64
			        " order %" PRIu64 " sums %" PRIu64 "\n",
			        i, c->state, c->session, c->attaches, c->accepted, c->verified,
			        c->skipped, c->torn, c->torn_leased, c->stale, c->bad, c->refused,
			        c->in_ring, c->wrong_pixels, c->wrong_geometry, c->wrong_epoch,
			        c->dead_epoch, c->early, c->order, c->unreconciled);
		}
	}
}

void stage_fail(struct stage *stage, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s --seed %" PRIu64 ": FAILED: ", stage->test, stage->seed);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	print_counters(stage);
	end_children(stage);
	remove_files(stage);
	exit(1);
}

static void open_stats(struct stage *stage)
{
	stage->stats = mmap(NULL, sizeof(*stage->stats), PROT_READ | PROT_WRITE,
	        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (stage->stats == MAP_FAILED) {
		perror("statistics page");
		exit(1);
	}
	stage->spoilt = false;
	memset(stage->actors, 0, sizeof(stage->actors));
}

void stage_open(struct stage *stage, uint64_t region_size)
{
	open_stats(stage);
	stage->region_size = region_size;
	stage->folder[0] = '\0';
	stage->fd = memfd_create("oriel-stress", MFD_CLOEXEC);
	if (stage->fd < 0 || ftruncate(stage->fd, (off_t)region_size) != 0) {
		stage_fail(stage, "no memory: %s", strerror(errno));
	}
	snprintf(stage->path, sizeof(stage->path), "/proc/self/fd/%d", stage->fd);
}

void stage_make_file(struct stage *stage)
{
	struct complaint why;

	if (stage->fd >= 0) {
		close(stage->fd);
		unlink(stage->path);
	}
	if (region_create(stage->path, stage->region_size, &why) < 0) {
		stage_fail(stage, "%s: %s", stage->path, why.text);
	}
	stage->fd = open(stage->path, O_RDWR | O_CLOEXEC);
}

void stage_open_file(struct stage *stage, uint64_t region_size)
{
	open_stats(stage);
	stage->region_size = region_size;
	stage->fd = -1;
	snprintf(stage->folder, sizeof(stage->folder), "/tmp/oriel-stress-XXXXXX");
	if (!mkdtemp(stage->folder)) {
		perror("mkdtemp");
		exit(1);
	}
	snprintf(stage->path, sizeof(stage->path), "%s/region", stage->folder);
	stage_make_file(stage);
}

void stage_close(struct stage *stage)
{
	end_children(stage);
	stage_check(stage);
	remove_files(stage);
	close(stage->fd);
	munmap(stage->stats, sizeof(*stage->stats));
	stage->stats = NULL;
}

uint64_t stage_roll(struct stage *stage, uint64_t below)
{
	stage->dice = picture_mix(stage->dice);
	return stage->dice % below;
}

void stage_sleep_us(uint64_t us)
{
	clock_sleep_until_ns(clock_now_ns() + us * NS_PER_US);
}

uint8_t *stage_map(struct stage *stage)
{
	uint8_t *bytes =
	        mmap(NULL, stage->region_size, PROT_READ | PROT_WRITE, MAP_SHARED, stage->fd, 0);

	if (bytes == MAP_FAILED) {
		stage_fail(stage, "mmap: %s", strerror(errno));
	}
	return bytes;
}

void stage_unmap(struct stage *stage, uint8_t *bytes)
{
	munmap(bytes, stage->region_size);
}

struct producer_plan stage_producer_plan(struct stage *stage, unsigned index)
{
	return (struct producer_plan) {
		.index = index,
		.seed = stage_roll(stage, UINT64_MAX),
		.path = stage->path,
		.pictures = { .width = 64, .height = 64, .change_every = 1 },
		.digest = DIGEST_XXH3,
		.slots = 4,
		.goodbye_ns = 300 * NS_PER_MS,
	};
}

struct consumer_plan stage_consumer_plan(struct stage *stage, unsigned index, enum reader_mode mode)
{
	return (struct consumer_plan) {
		.index = index,
		.seed = stage_roll(stage, UINT64_MAX),
		.path = stage->path,
		.pictures = { .width = 64, .height = 64, .change_every = 1 },
		.mode = mode,
		.block = LINK_BLOCK_ANY,
	};
}

static void start(struct stage *stage, struct actor *actor,
        int (*run)(const void *plan, struct stats *stats), const void *plan)
{
	pid_t driver = getpid();
	pid_t pid;

	if (actor->pid) {
		stage_fail(stage, "the test starts somebody who runs already");
	}
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		stage_fail(stage, "fork: %s", strerror(errno));
	}
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != driver) {
			_exit(1);
		}
		_exit(run(plan, stage->stats));
	}
	*actor = (struct actor) { .pid = pid };
}

void stage_start_producer(struct stage *stage, const struct producer_plan *plan)
{
	stage->stats->producing = 1;
	start(stage, stage_producer(stage, plan->index), producer_run, plan);
}

void stage_start_consumer(struct stage *stage, const struct consumer_plan *plan)
{
	start(stage, stage_consumer(stage, plan->index), consumer_run, plan);
}

struct actor *stage_producer(struct stage *stage, unsigned index)
{
	return &stage->actors[index];
}

struct actor *stage_consumer(struct stage *stage, unsigned index)
{
	return &stage->actors[STATS_PRODUCERS_MAX + index];
}

void stage_signal(struct stage *stage, struct actor *actor, int signal_number)
{
	if (actor->pid <= 0 || kill(actor->pid, signal_number) != 0) {
		stage_fail(stage, "kill: %s", strerror(errno));
	}
}

int stage_kill_or_reap(struct stage *stage, struct actor *actor)
{
	int status;

	stage_signal(stage, actor, SIGKILL);
	if (waitpid(actor->pid, &status, 0) != actor->pid) {
		stage_fail(stage, "waitpid: %s", strerror(errno));
	}
	actor->pid = 0;
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL) {
		stage_fail(stage, "a child crashed with signal %d", WTERMSIG(status));
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void stage_kill(struct stage *stage, struct actor *actor)
{
	int code = stage_kill_or_reap(stage, actor);

	if (code >= 0) {
		stage_fail(stage, "a child ended before it was killed: code %d", code);
	}
}

bool stage_has_exited(struct stage *stage, struct actor *actor, int *code)
{
	int status;
	pid_t pid = waitpid(actor->pid, &status, WNOHANG);

	if (pid == 0) {
		return false;
	}
	actor->pid = 0;
	if (pid < 0 || !WIFEXITED(status)) {
		stage_fail(stage, "a child crashed: status %x", status);
	}
	*code = WEXITSTATUS(status);
	return true;
}

int stage_wait_exit(struct stage *stage, struct actor *actor)
{
	uint64_t end_ns = clock_now_ns() + STAGE_DEADLINE_S * NS_PER_S;
	int code;

	while (!stage_has_exited(stage, actor, &code)) {
		if (clock_now_ns() > end_ns) {
			stage_fail(stage, "a child did not end by itself");
		}
		clock_sleep_until_ns(clock_now_ns() + LOOK_NS);
	}
	return code;
}

static bool has_crashed(const struct actor *actor, int *signal_number)
{
	siginfo_t info = { 0 };

	if (actor->pid <= 0 ||
	        waitid(P_PID, (id_t)actor->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
	        info.si_pid == 0 || info.si_code == CLD_EXITED) {
		return false;
	}
	*signal_number = info.si_status;
	return true;
}

/*
 * A child that crashes must not look like one that is slow. A trap kills a child right after it
 * counted it: what is waited for may hold by the time that the death is seen, so it is asked again.
 */
static void look_for_crashes(
        struct stage *stage, bool (*holds)(const void *argument), const void *argument)
{
	for (unsigned i = 0; i < STAGE_ACTORS_MAX; i++) {
		int signal_number;

		if (has_crashed(&stage->actors[i], &signal_number) && !(holds && holds(argument))) {
			stage_fail(stage, "%s %u crashed with signal %d",
			        i < STATS_PRODUCERS_MAX ? "producer" : "consumer",
			        i < STATS_PRODUCERS_MAX ? i : i - STATS_PRODUCERS_MAX,
			        signal_number);
		}
	}
}

void stage_wait_end(struct stage *stage, unsigned producer)
{
	const counter *published = &stage->stats->producers[producer].published;
	uint64_t before = *published;
	uint64_t end_ns = clock_now_ns() + STAGE_DEADLINE_S * NS_PER_S;
	int code;

	while (!stage_has_exited(stage, stage_producer(stage, producer), &code)) {
		look_for_crashes(stage, NULL, NULL);
		if (*published != before) {
			before = *published;
			end_ns = clock_now_ns() + STAGE_DEADLINE_S * NS_PER_S;
		}
		if (clock_now_ns() > end_ns) {
			stage_fail(stage, "the producer stands still");
		}
		clock_sleep_until_ns(clock_now_ns() + LOOK_NS);
	}
	if (code != PRODUCER_ENDED) {
		stage_fail(stage, "the producer ended with code %d", code);
	}
}

static void wait_until(
        struct stage *stage, bool (*holds)(const void *), const void *argument, const char *what)
{
	uint64_t end_ns = clock_now_ns() + STAGE_DEADLINE_S * NS_PER_S;

	while (!holds(argument)) {
		look_for_crashes(stage, holds, argument);
		if (clock_now_ns() > end_ns) {
			stage_fail(stage, "not within %u s: %s", STAGE_DEADLINE_S, what);
		}
		clock_sleep_until_ns(clock_now_ns() + LOOK_NS);
	}
}

struct at_least {
	const counter *which;
	uint64_t least;
};

static bool is_at_least(const void *argument)
{
	const struct at_least *want = argument;

	return *want->which >= want->least;
}

void stage_wait_counter(struct stage *stage, const counter *which, uint64_t least, const char *what)
{
	const struct at_least want = { which, least };

	wait_until(stage, is_at_least, &want, what);
}

static bool is_equal(const void *argument)
{
	const struct at_least *want = argument;

	return *want->which == want->least;
}

void stage_wait_state(struct stage *stage, unsigned consumer, uint64_t state)
{
	const struct at_least want = { &stage->stats->consumers[consumer].state, state };
	char what[40];

	snprintf(what, sizeof(what), "link state %" PRIu64, state);
	wait_until(stage, is_equal, &want, what);
}

uint64_t stage_wait_session(struct stage *stage, unsigned producer, uint64_t older)
{
	const counter *session = &stage->stats->producers[producer].session;

	stage_wait_counter(stage, session, older + 1, "a new session");
	return *session;
}

void stage_wait_flow(struct stage *stage, unsigned producer, unsigned consumer)
{
	const struct consumer_stats *c = &stage->stats->consumers[consumer];
	const struct at_least here = { &c->session, stage->stats->producers[producer].session };

	wait_until(stage, is_equal, &here, "a frame of the present session");
	stage_wait_counter(stage, &c->accepted, c->accepted + FLOW_FRAMES, "frames that flow");
}

/* A producer that finds no other slot says so; two that were killed before they could. */
static uint64_t torn_leased_limit(const struct stage *stage)
{
	uint64_t limit = 2;

	for (unsigned i = 0; i < STATS_PRODUCERS_MAX; i++) {
		limit += stage->stats->producers[i].overruns;
	}
	return limit;
}

static void check_consumer(struct stage *stage, unsigned i)
{
	const struct consumer_stats *c = &stage->stats->consumers[i];

	if (c->wrong_pixels || c->wrong_geometry || c->wrong_epoch || c->dead_epoch || c->early ||
	        c->order || c->unreconciled) {
		stage_fail(stage, "consumer %u accepted what it should not have", i);
	}
	if (stage->spoilt) {
		return;
	}
	if (c->bad || c->refused) {
		stage_fail(stage, "consumer %u found bad frames of a good producer", i);
	}
	if (c->torn_leased > torn_leased_limit(stage)) {
		stage_fail(stage, "consumer %u: leased frames were overwritten", i);
	}
}

void stage_check(struct stage *stage)
{
	for (unsigned i = 0; i < STATS_PRODUCERS_MAX; i++) {
		if (stage->stats->producers[i].uncleared && !stage->spoilt) {
			stage_fail(stage, "a start left an old control word behind");
		}
	}
	for (unsigned i = 0; i < STATS_CONSUMERS_MAX; i++) {
		check_consumer(stage, i);
	}
}
