/* SPDX-License-Identifier: MIT */
/*
 * Sends frames from one process to another by one of the ways of peer.h and tells what came of it.
 *
 *   peer WAY WORK WIDTHxHEIGHT FORMAT DIGEST FPS SECONDS
 *
 * WORK is a word of peer_work.h. Prints JSON: frames, seconds, frames_per_second, bytes_per_second,
 * latency_ns (before it is digested and sent -> its work is done), CPU seconds of both sides. The
 * first WARM frames are not counted.
 */
#include "clock.h"
#include "exit_code.h"
#include "frame_memory.h"
#include "log.h"
#include "pattern.h"
#include "peer_work.h"
#include "pixel_format.h"
#include "resolution.h"
#include "stop.h"
#include "summary.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define USAGE       "peer WAY WORK WIDTHxHEIGHT FORMAT DIGEST FPS SECONDS"
#define WARM        4u
#define SAMPLES_MAX (1u << 20)
#define FRAMES      4u /* private ones, plus as many as a pipe may hold */

/* What the receiver leaves in shared memory. */
struct outcome {
	uint64_t frames;
	uint64_t first_ns; /* the last warm one was done */
	uint64_t last_ns;
	double cpu_s;
	bool is_wrong; /* a frame was not the next one, or not what was sent */
	uint64_t samples;
	uint64_t latency_ns[SAMPLES_MAX];
};

struct job {
	struct peer peer;
	struct peer_side side; /* either process has its own */
	double frames_per_second;
	double seconds;
	struct outcome *outcome;
};

static const struct peer_ops *const ways[] = {
	&peer_pipe,
	&peer_vmsplice,
	&peer_socket,
	&peer_memcpy_ring,
#if ORIEL_GSTREAMER
	&peer_gstreamer,
#endif
};

static double cpu_seconds(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void note_frame(struct outcome *outcome, uint64_t sent_ns)
{
	const uint64_t now_ns = clock_now_ns();

	outcome->frames++;
	if (outcome->frames == WARM) {
		outcome->first_ns = now_ns;
	} else if (outcome->frames > WARM && outcome->samples < SAMPLES_MAX) {
		outcome->latency_ns[outcome->samples++] = now_ns - sent_ns;
	}
	outcome->last_ns = now_ns;
}

static int receive_all(struct job *job)
{
	struct outcome *outcome = job->outcome;
	void *into = frame_memory_alloc(job->peer.bytes);
	enum peer_verdict verdict;
	uint64_t sent_ns;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (job->peer.fds[1] >= 0) {
		close(job->peer.fds[1]);
	}
	/* Also after a wrong one: a sender that nobody listens to may wait for ever. */
	while (into && (verdict = peer_take(&job->side, into, outcome->frames + 1, &sent_ns)) !=
	                       PEER_END) {
		if (verdict == PEER_WRONG) {
			outcome->is_wrong = true;
		} else {
			note_frame(outcome, sent_ns);
		}
	}
	if (job->side.ops->finish) {
		job->side.ops->finish(&job->peer, false);
	}
	free(into);
	outcome->cpu_s = cpu_seconds();
	return EXIT_GOOD;
}

static void send_all(struct job *job, uint8_t *frames, unsigned count)
{
	const uint64_t start_ns = clock_now_ns();
	const uint64_t end_ns = start_ns + (uint64_t)(job->seconds * (double)NS_PER_S);
	uint64_t number = 0;

	while (!stop_requested() && clock_now_ns() < end_ns) {
		if (job->frames_per_second > 0) {
			clock_sleep_until_ns(
			        start_ns + (uint64_t)((double)number * (double)NS_PER_S /
			                              job->frames_per_second));
		}
		if (!peer_send(&job->side, frames + number % count * job->peer.bytes, number + 1)) {
			return;
		}
		number++;
	}
	peer_send(&job->side, frames + number % count * job->peer.bytes, 0);
}

/* Noise, so that nothing on the way can save work. */
static uint8_t *make_frames(const struct job *job, unsigned count)
{
	struct pattern *pattern = pattern_create(PATTERN_RANDOM);
	uint8_t *frames = frame_memory_alloc(job->peer.bytes * count);

	for (unsigned i = 0; pattern && frames && i < count; i++) {
		const void *noise = pattern_draw(pattern, &job->peer.info, 1, i + 1);

		if (!noise) {
			free(frames);
			frames = NULL;
			break;
		}
		memcpy(frames + i * job->peer.bytes, noise, frame_info_bytes(&job->peer.info));
	}
	pattern_destroy(pattern);
	return frames;
}

static void print_outcome(const struct job *job, double sender_cpu_s)
{
	const struct outcome *outcome = job->outcome;
	const double seconds = (double)(outcome->last_ns - outcome->first_ns) / (double)NS_PER_S;
	const double rate = (double)(outcome->frames - WARM) / seconds;
	struct samples samples;
	json_t *all;

	samples_init(&samples);
	for (uint64_t i = 0; i < outcome->samples; i++) {
		samples_add(&samples, outcome->latency_ns[i]);
	}
	all = json_pack("{ss sI sf sf sf sf sf so}", "way", job->side.ops->name, "frames",
	        (json_int_t)outcome->frames, "seconds", seconds, "frames_per_second", rate,
	        "bytes_per_second", rate * (double)job->peer.bytes, "sender_cpu_s", sender_cpu_s,
	        "receiver_cpu_s", outcome->cpu_s, "latency_ns", summary_percentiles(&samples));
	json_dumpf(all, stdout, JSON_COMPACT);
	fputc('\n', stdout);
	json_decref(all);
	samples_finish(&samples);
}

static int run(struct job *job)
{
	const unsigned count = FRAMES + (unsigned)(PEER_PIPE_BYTES / job->peer.bytes);
	uint8_t *frames = make_frames(job, count);
	double before_s = cpu_seconds();
	int status = 0;
	pid_t child = frames ? fork() : -1;

	if (child == 0) {
		_exit(receive_all(job));
	}
	if (child > 0) {
		if (job->peer.fds[0] >= 0) {
			close(job->peer.fds[0]);
		}
		send_all(job, frames, count);
		if (job->peer.fds[1] >= 0) {
			close(job->peer.fds[1]);
		}
		waitpid(child, &status, 0);
		if (job->side.ops->finish) {
			job->side.ops->finish(&job->peer, true);
		}
	}
	free(frames);
	if (child < 0 || status != 0 || job->outcome->is_wrong ||
	        job->outcome->frames <= WARM + 1) {
		log_error("%s: %s", job->side.ops->name,
		        job->outcome->is_wrong
		                ? "a frame was not the next one, or not what was sent"
		                : "too few frames came through");
		return EXIT_OTHER;
	}
	print_outcome(job, cpu_seconds() - before_s);
	return EXIT_GOOD;
}

static bool parse_way(struct peer_side *side, const char *name)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(ways[i]->name, name) == 0) {
			side->ops = ways[i];
		}
	}
	return side->ops != NULL;
}

static bool parse_work(struct peer_side *side, const char *name)
{
	return peer_work_by_name(name, &side->work) &&
	       (side->work != PEER_IN_PLACE || side->ops->show);
}

/* returns: the word that cannot be used, NULL: none */
static const char *parse(struct job *job, char **words)
{
	const struct pixel_format *format = pixel_format_by_name(words[4]);
	struct resolution sizes[RESOLUTION_LIST_MAX];
	struct complaint why;

	job->frames_per_second = atof(words[6]);
	job->seconds = atof(words[7]);
	if (!parse_way(&job->side, words[1])) {
		return words[1];
	}
	if (!parse_work(&job->side, words[2])) {
		return words[2];
	}
	if (resolution_parse_list(words[3], sizes, &why) != 1) {
		return words[3];
	}
	if (!format) {
		return words[4];
	}
	job->peer.info = (struct frame_info) { format->fourcc, sizes[0].width, sizes[0].height,
		pixel_format_stride(format, sizes[0].width) };
	job->peer.bytes = frame_info_bytes(&job->peer.info) + sizeof(struct peer_trailer);
	return digest_by_name(words[5], &job->side.algorithm) < 0 ? words[5]
	       : job->seconds <= 0                                ? words[7]
	                                                          : NULL;
}

int main(int argc, char **argv)
{
	struct job job = { .peer = { .fds = { -1, -1 } } };
	struct complaint why = { "" };
	const char *wrong;
	int status;

	log_init("peer", LOG_LEVEL_INFO);
	if (argc != 8) {
		log_error("usage: " USAGE);
		return EXIT_USAGE;
	}
	wrong = parse(&job, argv);
	if (wrong) {
		log_error("'%.60s' cannot be used; " USAGE, wrong);
		return EXIT_USAGE;
	}
	job.side.peer = &job.peer;
	job.side.digester = digester_create();
	signal(SIGPIPE, SIG_IGN);
	stop_on_signals();
	job.outcome = mmap(NULL, sizeof(*job.outcome), PROT_READ | PROT_WRITE,
	        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (job.outcome == MAP_FAILED || !job.side.digester) {
		log_error("out of memory");
		return EXIT_OTHER;
	}
	if (job.side.ops->prepare && !job.side.ops->prepare(&job.peer, &why)) {
		log_error("%s: %s", job.side.ops->name, why.text);
		return EXIT_OTHER;
	}
	status = run(&job);
	digester_destroy(job.side.digester);
	return status;
}
