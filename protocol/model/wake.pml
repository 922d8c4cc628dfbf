/* SPDX-License-Identifier: MIT */
/*
 * Waking: a sleeping reader is not forgotten.
 *
 * Modelled: one writer that publishes FRAMES frames, one reader that sleeps when there is
 * nothing new. Memory is TSO, as on x86: each side has a store buffer that a flusher empties
 * when it likes, so a load may overtake the store before it unless a full fence stands between
 * them. The doorbell is an event counter: rings while it is set merge. Abstracted: payload and
 * slots; a buffer holds one store.
 *
 * Proved: no end state in which the reader sleeps and a frame is there (invalid end state).
 *   LOSSY      rings may be lost; then only sleeping with a limit (TIMEOUT) is right
 *   SPURIOUS   the event may be set by anybody at any time (SPURIOUS times)
 *
 * Mutants, each of which must fail:
 *   NO_WRITER_FENCE  ring_writer_wake: the load of wake_arm overtakes the store of latest
 *   NO_READER_FENCE  ring_reader_arm: the second look overtakes the store of wake_arm
 *   NO_RECHECK       ring_reader_arm: no second look before the sleep
 *   LOSSY without TIMEOUT
 */
#ifndef FRAMES
#define FRAMES 3
#endif
#ifndef SPURIOUS
#define SPURIOUS 0
#endif

byte latest;                    /* the writer's */
byte wake_arm;                  /* the reader's: ring at this sequence, 0 = awake */
bool event;

/* One pending store a side. */
bool writer_pending, reader_pending;
byte writer_value, reader_value;

#ifdef NO_WRITER_FENCE
#define WRITER_FENCE skip
#else
#define WRITER_FENCE (!writer_pending)
#endif
#ifdef NO_READER_FENCE
#define READER_FENCE skip
#else
#define READER_FENCE (!reader_pending)
#endif

inline store_latest(value)
{
  atomic { !writer_pending -> writer_value = value; writer_pending = true }
}

inline store_wake_arm(value)
{
  atomic { !reader_pending -> reader_value = value; reader_pending = true }
}

active proctype WriterBuffer()
{
end_flush:
  do :: atomic { writer_pending -> latest = writer_value; writer_pending = false } od
}

active proctype ReaderBuffer()
{
end_flush:
  do :: atomic { reader_pending -> wake_arm = reader_value; reader_pending = false } od
}

#if SPURIOUS > 0
active proctype Noise()
{
  byte rings = SPURIOUS;

  do :: rings > 0 -> event = true; rings-- :: break od
}
#endif

active proctype Writer()
{
  byte q = 1, armed, rung;

  do
  :: q <= FRAMES ->
     store_latest(q);                           /* ring_writer_publish */
     /* ring_writer_wake; the fence pairs with the one in ring_reader_arm */
     WRITER_FENCE;
     armed = wake_arm;
     if
     :: armed != 0 && q >= armed && armed != rung ->
#ifdef LOSSY
        if :: event = true :: skip fi;
#else
        event = true;
#endif
        rung = armed
     :: else
     fi;
     q++
  :: else -> break
  od
}

active proctype Reader()
{
  byte seen, now;

  do
  :: seen == FRAMES -> break
  :: else ->
     now = latest;
     if
     :: now > seen -> seen = now
     :: else ->
        /* ring_reader_arm; the fence pairs with the one in ring_writer_wake */
        store_wake_arm(seen + 1);
        READER_FENCE;
#ifndef NO_RECHECK
        now = latest;
        if :: now > seen -> store_wake_arm(0); goto again :: else fi;
#endif
        /* the sleep */
#ifdef TIMEOUT
        if :: event -> event = false :: skip fi;
#else
        event -> event = false;
#endif
        store_wake_arm(0)                       /* ring_reader_disarm */
     fi;
again:
     skip
  od
}
