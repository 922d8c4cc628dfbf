/* SPDX-License-Identifier: MIT */
/*
 * GStreamer's shared memory: appsrc ! shmsink | shmsrc ! appsink. shmsink copies the frame into its
 * memory, once; the receiver maps that, and copies the frame out once if it wants to keep it.
 *
 * Made as fast as the elements allow: nothing waits for a clock, no element keeps a frame that
 * nobody asked it for, and the memory has room for those that are on their way.
 */
#include "peer.h"
#include "stop.h"

#include <errno.h>
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SLOTS    4u
#define WAIT_MS  10
#define PATIENCE 1000 /* times WAIT_MS, for the other side to come up */

struct stream {
	GstElement *pipeline;
	GstElement *end; /* appsrc or appsink */
	GstSample *sample;
	GstBuffer *buffer;
	GstMapInfo map;
};

static bool prepare(struct peer *peer, struct complaint *why)
{
	char *folder;

	snprintf(peer->path, sizeof(peer->path), "/tmp/oriel-peer-XXXXXX");
	folder = mkdtemp(peer->path);
	if (!folder) {
		complain(why, "%s: %s", peer->path, strerror(errno));
		return false;
	}
	strncat(peer->path, "/socket", sizeof(peer->path) - strlen(peer->path) - 1);
	return true;
}

static struct stream *start(struct peer *peer, const char *text, const char *end)
{
	struct stream *stream = calloc(1, sizeof(*stream));

	gst_init(NULL, NULL);
	stream->pipeline = gst_parse_launch(text, NULL);
	if (!stream->pipeline) {
		free(stream);
		return NULL;
	}
	stream->end = gst_bin_get_by_name(GST_BIN(stream->pipeline), end);
	peer->memory = stream;
	gst_element_set_state(stream->pipeline, GST_STATE_PLAYING);
	return stream;
}

static struct stream *start_sender(struct peer *peer)
{
	char text[512];

	snprintf(text, sizeof(text),
	        "appsrc name=end block=true max-buffers=1 max-bytes=0 format=bytes "
	        "caps=application/x-oriel ! shmsink socket-path=%s shm-size=%zu sync=false "
	        "enable-last-sample=false wait-for-connection=true",
	        peer->path, SLOTS * peer->bytes + (1u << 20));
	return start(peer, text, "end");
}

static bool send_frame(struct peer *peer, const void *frame)
{
	struct stream *stream = peer->memory ? peer->memory : start_sender(peer);
	GstBuffer *buffer;

	if (!stream) {
		return false;
	}
	buffer = gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY, (gpointer)(guintptr)frame,
	        peer->bytes, 0, peer->bytes, NULL, NULL);
	return gst_app_src_push_buffer(GST_APP_SRC(stream->end), buffer) == GST_FLOW_OK;
}

static struct stream *start_receiver(struct peer *peer)
{
	const struct timespec nap = { .tv_nsec = WAIT_MS * 1000000 };
	char text[512];

	for (int i = 0; i < PATIENCE && access(peer->path, F_OK) != 0; i++) {
		nanosleep(&nap, NULL);
	}
	snprintf(text, sizeof(text),
	        "shmsrc socket-path=%s ! application/x-oriel ! appsink name=end sync=false "
	        "enable-last-sample=false max-buffers=1",
	        peer->path);
	return start(peer, text, "end");
}

static void let_go(struct stream *stream)
{
	if (stream->sample) {
		gst_buffer_unmap(stream->buffer, &stream->map);
		gst_sample_unref(stream->sample);
		stream->sample = NULL;
	}
}

static const void *show(struct peer *peer)
{
	struct stream *stream = peer->memory ? peer->memory : start_receiver(peer);

	if (!stream) {
		return NULL;
	}
	let_go(stream);
	while (!stop_requested() && !gst_app_sink_is_eos(GST_APP_SINK(stream->end))) {
		stream->sample = gst_app_sink_try_pull_sample(
		        GST_APP_SINK(stream->end), WAIT_MS * GST_MSECOND);
		if (!stream->sample) {
			continue;
		}
		stream->buffer = gst_sample_get_buffer(stream->sample);
		if (gst_buffer_map(stream->buffer, &stream->map, GST_MAP_READ) &&
		        stream->map.size == peer->bytes) {
			return stream->map.data;
		}
		return NULL;
	}
	return NULL;
}

static bool receive(struct peer *peer, void *into)
{
	const void *frame = show(peer);

	if (frame) {
		memcpy(into, frame, peer->bytes);
		let_go(peer->memory);
	}
	return frame != NULL;
}

static void finish(struct peer *peer, bool is_sender)
{
	struct stream *stream = peer->memory;

	if (stream) {
		let_go(stream);
		gst_element_set_state(stream->pipeline, GST_STATE_NULL);
		gst_object_unref(stream->end);
		gst_object_unref(stream->pipeline);
		free(stream);
	}
	if (is_sender) {
		unlink(peer->path);
		*strrchr(peer->path, '/') = '\0';
		rmdir(peer->path);
	}
}

const struct peer_ops peer_gstreamer = {
	.name = "gstreamer",
	.prepare = prepare,
	.send = send_frame,
	.receive = receive,
	.show = show,
	.finish = finish,
};
