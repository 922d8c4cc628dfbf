/* SPDX-License-Identifier: MIT */
/*
 * Coverage-guided: a small region that a real producer made, and a program of patches and calls
 * that are made on it. Each operation is one byte, followed by what it needs:
 *
 *   0..5  patch a place (identity, index, descriptors, digests, payload, H): u16 offset,
 *         u8 count - 1 (at most 16), bytes
 *   6     mend the header's checksum         7  mend the checksum of slot u8
 *   8     read the header, attach: u8 mode   9  claim      10  copy      11  detach
 *   12    ask for news, state, grant         13 the producer publishes
 *   14    u8 x 100 ms pass, with a heartbeat 15 set a word of a place: u16 word, u8 x 8
 *
 * With clang's -fsanitize=fuzzer it fuzzes; without, it replays the files it is given.
 */
#include "ring_stand.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#define REGION ((size_t)512 * 1024)
#define SLOTS  3u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct machine {
	struct stand stand;
	struct ring_reader reader;
	struct frame frame;
	bool attached;
	bool claimed;
	const uint8_t *at;
	const uint8_t *end;
};

static uint64_t take(struct machine *machine, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes && machine->at < machine->end; i++) {
		value |= (uint64_t)*machine->at++ << (8 * i);
	}
	return value;
}

static struct span place(const struct machine *machine, unsigned number)
{
	const struct ring_geometry *geometry = &machine->stand.writer.geometry;
	uint8_t *g = machine->stand.memory.bytes;

	switch (number) {
	case 0:
		return (struct span) { g, RING_IDENTITY_SIZE };
	case 1:
		return (struct span) { g + RING_IDENTITY_SIZE, 64 * 8 };
	case 2:
		return (struct span) { g + geometry->descriptors_base, SLOTS * 1024 };
	case 3:
		return (struct span) { g + geometry->digests_base,
			SLOTS * RING_DIGEST_WORDS_MIN * 8 };
	case 4:
		return (struct span) { g + geometry->payload_base, 4096 };
	default:
		return (struct span) { machine->stand.ring.h.bytes, 8192 };
	}
}

static void patch(struct machine *machine, unsigned number)
{
	struct span to = place(machine, number);
	size_t offset = take(machine, 2) % to.size;
	size_t count = take(machine, 1) % 16 + 1;

	for (size_t i = 0; i < count && offset + i < to.size; i++) {
		to.bytes[offset + i] = (uint8_t)take(machine, 1);
	}
}

static void set_word(struct machine *machine)
{
	struct span to = place(machine, (unsigned)take(machine, 1) % 6);
	size_t word = take(machine, 2) % (to.size / 8);
	uint64_t value = take(machine, 8);

	memcpy(to.bytes + 8 * word, &value, sizeof(value));
}

static void mend_slot(struct machine *machine)
{
	struct ring_descriptor *descriptor =
	        stand_descriptor(&machine->stand, (unsigned)take(machine, 1) % SLOTS);
	size_t slot = (size_t)((uint8_t *)descriptor - place(machine, 2).bytes) / 1024;
	uint64_t digests[RING_DIGEST_WORDS_MIN];
	struct ring_claim claim;
	uint32_t words;

	memcpy(&claim, descriptor->claim, sizeof(claim));
	if (claim.damage_count > RING_DAMAGE_MAX || claim.strip_rows == 0 ||
	        claim.tile_width == 0) {
		return;
	}
	words = frame_claim_digest_words(&claim);
	if (words > RING_DIGEST_WORDS_MIN) {
		return;
	}
	memcpy(digests, place(machine, 3).bytes + slot * sizeof(digests), words * sizeof(uint64_t));
	claim.checksum = frame_claim_checksum(
	        &claim, (const void *)descriptor->damage, frame_digests_sum(digests, words));
	memcpy(descriptor->claim, &claim, sizeof(claim));
}

static void attach(struct machine *machine)
{
	enum reader_mode mode = (enum reader_mode)(take(machine, 1) % 3);
	struct span g = { machine->stand.memory.bytes, REGION };
	struct ring_header header;

	if (region_header_read(g, &header) != HEADER_GOOD) {
		return;
	}
	assert(header.geometry.end <= REGION);
	assert(strlen(header.version_text) <= 64);
	if (machine->attached) {
		ring_reader_detach(&machine->reader, RING_BYE_DETACHED);
	}
	ring_reader_attach(&machine->reader,
	        &(struct ring_reader_config) {
	                .g = g, .h = machine->stand.ring.h, .block = 1, .mode = mode },
	        &header);
	machine->attached = true;
	machine->claimed = false;
}

static void claim(struct machine *machine)
{
	struct stand *stand = &machine->stand;

	if (!machine->attached || machine->claimed) {
		return;
	}
	if (ring_reader_claim(&machine->reader, &machine->frame) == READER_FRAME) {
		assert(frame_check_info(&machine->frame.info,
		               machine->reader.geometry.slot_capacity) == FRAME_FITS);
		assert(machine->frame.damage.count <= FRAME_DAMAGE_MAX);
		free(stand->copied);
		stand->copied = malloc(frame_info_bytes(&machine->frame.info));
		assert(stand->copied);
		machine->claimed = true;
	}
}

static void copy(struct machine *machine)
{
	if (machine->claimed) {
		ring_reader_copy(&machine->reader, &machine->stand.out, machine->stand.copied,
		        &machine->frame);
		machine->claimed = false;
		assert(stand_counted(&machine->reader) == machine->reader.last);
	}
}

static void ask(struct machine *machine)
{
	if (machine->attached) {
		ring_reader_has_news(&machine->reader);
		ring_reader_in_ring(&machine->reader);
		ring_reader_granted(&machine->reader);
		assert(ring_reader_state(&machine->reader) <= RING_STATE_FAULT);
	}
}

static void pass(struct machine *machine)
{
	machine->stand.now_ns += take(machine, 1) * 100 * NS_PER_MS;
	if (machine->attached) {
		stand_beat(&machine->reader);
	}
	ring_writer_tend(&machine->stand.writer, machine->stand.now_ns);
}

static void step(struct machine *machine)
{
	unsigned operation = (unsigned)take(machine, 1) % 16;

	switch (operation) {
	case 6: {
		uint32_t checksum = XXH32(machine->stand.memory.bytes, 128, 0);

		memcpy(machine->stand.memory.bytes + 128, &checksum, sizeof(checksum));
		break;
	}
	case 7:
		mend_slot(machine);
		break;
	case 8:
		attach(machine);
		break;
	case 9:
		claim(machine);
		break;
	case 10:
		copy(machine);
		break;
	case 11:
		if (machine->attached) {
			ring_reader_detach(&machine->reader, RING_BYE_DETACHED);
			machine->attached = false;
			machine->claimed = false;
		}
		break;
	case 12:
		ask(machine);
		break;
	case 13:
		stand_publish(&machine->stand);
		break;
	case 14:
		pass(machine);
		break;
	case 15:
		set_word(machine);
		break;
	default:
		patch(machine, operation);
		break;
	}
}

/* The region as its producer left it; made once, put back before each program. */
struct template
{
	struct stand stand;
	uint8_t *bytes;
};

static const struct template *template_get(void)
{
	static struct template template;
	const struct ring_writer_config config = {
		.slot_count = SLOTS, .lossless = true, .version_text = "fuzz", .epoch = STAND_EPOCH
	};

	if (!template.bytes) {
		stand_set_up(&template.stand, REGION, &config);
		for (unsigned i = 0; i < 4; i++) {
			stand_publish(&template.stand);
		}
		template.bytes = malloc(REGION);
		assert(template.bytes);
		memcpy(template.bytes, template.stand.memory.bytes, REGION);
	}
	return &template;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct template *template = template_get();
	struct machine machine = { .stand = template->stand, .at = data, .end = data + size };

	memcpy(machine.stand.memory.bytes, template->bytes, REGION);
	machine.stand.drawn = NULL;
	machine.stand.copied = NULL;
	for (unsigned steps = 0; steps < 200 && machine.at < machine.end; steps++) {
		step(&machine);
	}
	free(machine.stand.drawn);
	free(machine.stand.copied);
	return 0;
}

#ifndef ORIEL_LIBFUZZER
int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		static uint8_t program[65536];
		FILE *from = fopen(argv[i], "rb");
		size_t size;

		if (!from) {
			perror(argv[i]);
			return 1;
		}
		size = fread(program, 1, sizeof(program), from);
		fclose(from);
		LLVMFuzzerTestOneInput(program, size);
	}
	printf("%d programs replayed\n", argc - 1);
	return argc > 1 ? 0 : 1;
}
#endif
