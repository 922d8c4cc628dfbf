/* SPDX-License-Identifier: MIT */
#include "anvil.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define REGION_SIZE ((size_t)1 << 20)
#define SLOTS       3u
#define TIME_NS     NS_PER_S

static const struct frame_info pixel = {
	.fourcc = 0x34325258, /* XR24 */
	.width = 1,
	.height = 1,
	.stride = 4,
};

void anvil_fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
	_exit(1);
}

static bool frame_can_begin(void *argument)
{
	struct anvil *anvil = argument;
	enum writer_result result = ring_writer_begin(&anvil->writer, &pixel, TIME_NS);

	if (result != WRITER_OK && result != WRITER_WOULD_BLOCK) {
		anvil_fail("no slot: %d", (int)result);
	}
	return result == WRITER_OK;
}

static void copy_in(struct anvil *anvil)
{
	anvil->sent++;
	ring_writer_copy(&anvil->writer, &anvil->in, &anvil->sent, NULL);
}

static void publish(struct anvil *anvil)
{
	struct frame frame = { .info = pixel };

	if (ring_writer_publish(&anvil->writer, &frame) != WRITER_OK) {
		anvil_fail("frame %" PRIu32 " was not published", anvil->sent);
	}
}

static void claim(struct anvil *anvil)
{
	if (ring_reader_claim(&anvil->reader, &anvil->claimed) != READER_FRAME) {
		anvil_fail("frame %" PRIu32 " is not there", anvil->seen + 1);
	}
}

static void take(struct anvil *anvil)
{
	uint32_t got = 0;

	anvil->seen++;
	if (ring_reader_copy(&anvil->reader, &anvil->out, &got, &anvil->claimed) != READER_FRAME ||
	        got != anvil->seen) {
		anvil_fail("frame %" PRIu32 " instead of %" PRIu32, got, anvil->seen);
	}
}

/* news: the consumer sleeps. */
static bool has_news(void *argument)
{
	struct anvil *anvil = argument;

	return ring_reader_has_news(&anvil->reader);
}

static void arm(void *argument)
{
	struct anvil *anvil = argument;

	ring_reader_arm(&anvil->reader);
}

static void disarm(void *argument)
{
	struct anvil *anvil = argument;

	ring_reader_disarm(&anvil->reader);
}

static void claim_and_take(struct anvil *anvil)
{
	claim(anvil);
	take(anvil);
}

static void begin_and_copy(struct anvil *anvil)
{
	if (!frame_can_begin(anvil)) {
		anvil_fail("a consumer of the latest frame holds its producer up");
	}
	copy_in(anvil);
}

/* space: the producer sleeps. */
static void arm_space(void *argument)
{
	struct anvil *anvil = argument;

	ring_writer_arm_space(&anvil->writer);
}

static void disarm_space(void *argument)
{
	struct anvil *anvil = argument;

	ring_writer_disarm_space(&anvil->writer);
}

static void copy_and_publish(struct anvil *anvil)
{
	copy_in(anvil);
	publish(anvil);
}

/* pointer: the consumer sleeps until it moves. */
static int32_t place_of(uint32_t number)
{
	return (int32_t)(number % 65536) - 32768;
}

static void look_at_pointer(struct anvil *anvil)
{
	uint32_t pixels[RING_SHAPE_CAPACITY_MIN / sizeof(uint32_t)];
	enum point_result expected = anvil->seen ? POINT_MOVED : POINT_SHAPE;
	struct pointer pointer;

	anvil->seen++;
	if (ring_reader_point(&anvil->reader, pixels, &pointer) != expected ||
	        pointer.x != place_of(anvil->seen)) {
		anvil_fail("the pointer is not where move %" PRIu32 " put it", anvil->seen);
	}
}

static void prepare_nothing(struct anvil *anvil)
{
	(void)anvil;
}

static void move_pointer(struct anvil *anvil)
{
	const uint32_t dot = 0xff000000;
	const struct pointer pointer = {
		.is_shown = true, .x = place_of(++anvil->sent), .shape = { 1, 1, 0, 0, &dot }
	};

	ring_writer_point(&anvil->writer, &pointer, false);
}

static const struct anvil_kind kinds[] = {
	{
	        .name = "news",
	        .wish = { has_news, arm, disarm, NULL },
	        .use = claim_and_take,
	        .prepare = begin_and_copy,
	        .give = publish,
	        .sleeper = ANVIL_CONSUMER,
	},
	{
	        .name = "pointer",
	        .wish = { has_news, arm, disarm, NULL },
	        .use = look_at_pointer,
	        .prepare = prepare_nothing,
	        .give = move_pointer,
	        .sleeper = ANVIL_CONSUMER,
	},
	{
	        .name = "space",
	        .wish = { frame_can_begin, arm_space, disarm_space, NULL },
	        .use = copy_and_publish,
	        .prepare = claim,
	        .give = take,
	        .sleeper = ANVIL_PRODUCER,
	},
};

const struct anvil_kind *anvil_find(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(name, kinds[i].name) == 0) {
			return &kinds[i];
		}
	}
	return NULL;
}

void anvil_open(struct anvil *anvil, const struct anvil_kind *kind, struct doorbell *producer,
        struct doorbell *consumer)
{
	bool lossless = kind->sleeper == ANVIL_PRODUCER;
	const struct ring_writer_config writer = {
		.slot_count = SLOTS,
		.lossless = lossless,
		.version_text = "hammer",
		.shape_capacity = RING_SHAPE_CAPACITY_MIN,
		.doorbell = producer,
	};
	struct ring_reader_config reader = {
		.mode = lossless ? READER_LOSSLESS : READER_LATEST,
		.wants_pointer = true,
		.doorbell = consumer,
	};
	struct ring_header header;
	struct ring_memory ring;

	memset(anvil, 0, sizeof(*anvil));
	anvil->memory =
	        mmap(NULL, REGION_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (anvil->memory == MAP_FAILED) {
		anvil_fail("no memory");
	}
	ring = ring_memory_of_region(anvil->memory, REGION_SIZE);
	reader.g = (struct span) { anvil->memory, REGION_SIZE };
	reader.h = ring.h;
	if (copier_init(&anvil->in, COPY_IN) < 0 || copier_init(&anvil->out, COPY_OUT) < 0 ||
	        ring_writer_occupy(&anvil->writer, ring, false) != OCCUPY_OK ||
	        ring_writer_open(&anvil->writer, &writer) < 0 ||
	        region_header_read(reader.g, &header) != HEADER_GOOD) {
		anvil_fail("no ring");
	}
	anvil->in.algorithm = DIGEST_NONE;
	ring_reader_attach(&anvil->reader, &reader, &header);
	if (!ring_writer_tend(&anvil->writer, TIME_NS)) {
		anvil_fail("deposed");
	}
	while (lossless && frame_can_begin(anvil)) {
		copy_and_publish(anvil);
	}
}

void anvil_close(struct anvil *anvil)
{
	copier_finish(&anvil->in);
	copier_finish(&anvil->out);
	munmap(anvil->memory, REGION_SIZE);
}
