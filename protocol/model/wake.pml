/* SPDX-License-Identifier: MIT */
/*
 * Waking the consumers: a sleeping reader is not forgotten.
 *
 * Modelled: one writer that publishes FRAMES frames, READERS readers that sleep when there is
 * nothing for them. A reader says with a word that it sleeps: (number << 8) + sleeps in the C code,
 * number * SLEEPS + sleeps % SLEEPS here; the writer rings once for each word. A reader may refuse
 * REFUSALS times what it was woken for (a name that its slot contradicts, a frame before it is
 * admitted) and then sleeps for the same number again. Up to TIMEOUTS sleeps end by themselves.
 *
 * Memory is TSO, as on x86: each side has a store buffer of BUFFER stores that a flusher empties
 * when it likes, so a load may overtake the stores before it unless a full fence stands between
 * them. A doorbell is an event counter: rings while it is set merge. Abstracted: payload and slots.
 *
 * Proved: no end state in which a reader sleeps and a frame for it is there (invalid end state).
 *   SPURIOUS   the event may be set by anybody at any time (SPURIOUS times)
 *   ATTACH     the readers come at any time; the writer knows whom it saw at the look before a
 *              frame, and looks again before it rings
 *   LOSSY      rings may be lost; then only sleeping with a limit (TIMEOUT) is right
 *
 * Mutants, each of which must fail:
 *   NO_WRITER_FENCE  ring_writer_wake: the load of wake_arm overtakes the store of latest
 *   NO_READER_FENCE  ring_reader_arm: the second look overtakes the store of wake_arm
 *   NO_RECHECK       sleep_armed: no second look before the sleep
 *   EARLY_RING       ring_writer_publish: rings before latest is stored
 *   LATE_DRAIN       sleep_armed: rings are thrown away between the second look and the sleep
 *   EXACT            consumer_watch_wake: rings for the number itself only, not for later ones
 *   SLEEPS=1         sleep_word: no count, a number is rung for once
 *   SLEEPS=2         a count that comes round while no frame does: the limit of the 8 bits
 *   KNOWN_ONLY       consumer_watch_wake: rings whom it saw before the frame only
 *   LOSSY without TIMEOUT
 *   BLIND            sleep_armed: a sleep that only its limit ended is followed by no look
 */
#ifndef FRAMES
#define FRAMES 3
#endif
#ifndef READERS
#define READERS 1
#endif
#ifndef SPURIOUS
#define SPURIOUS 0
#endif
#ifndef REFUSALS
#define REFUSALS 0
#endif
#ifndef TIMEOUTS
#define TIMEOUTS 0
#endif
#ifndef SLEEPS
#define SLEEPS 16
#endif
#ifndef BUFFER
#define BUFFER 2
#endif

#define WORD(number, sleeps) ((number) * SLEEPS + (sleeps) % SLEEPS)
#define NUMBER(word) ((word) / SLEEPS)

mtype = { WAKE_ARM, EPOCH };

byte latest;                    /* the writer's */
byte wake_arm[READERS];         /* the reader's: 0 = awake */
bool attached[READERS];         /* the reader's epoch */
bool event[READERS];

/* Pending stores. */
chan writer_buffer = [BUFFER] of { byte };
chan reader_buffer[READERS] = [BUFFER] of { mtype, byte };

#ifdef NO_WRITER_FENCE
#define WRITER_FENCE skip
#else
#define WRITER_FENCE (empty(writer_buffer))
#endif
#ifdef NO_READER_FENCE
#define READER_FENCE skip
#else
#define READER_FENCE (empty(reader_buffer[me]))
#endif

proctype WriterBuffer()
{
  byte value;

end_flush:
  do :: atomic { writer_buffer ? value -> latest = value } od
}

proctype ReaderBuffer(byte me)
{
  byte value;

end_flush:
  do
  :: atomic { reader_buffer[me] ? WAKE_ARM, value -> wake_arm[me] = value }
  :: atomic { reader_buffer[me] ? EPOCH, value -> attached[me] = value }
  od
}

proctype Noise(byte reader)
{
  byte rings = SPURIOUS;

  do :: rings > 0 -> event[reader] = true; rings-- :: break od
}

/* consumer_watch_wake */
inline wake_all(published)
{
  WRITER_FENCE;                 /* ring_writer_wake; pairs with the one in ring_reader_arm */
  reader = 0;
  do
  :: reader == READERS -> break
  :: else ->
#ifndef KNOWN_ONLY
     if :: attached[reader] -> known[reader] = true :: else fi;
#endif
     armed = wake_arm[reader];
     if
#ifdef EXACT
     :: known[reader] && armed != 0 && armed != rung[reader] && NUMBER(armed) == published ->
#else
     :: known[reader] && armed != 0 && armed != rung[reader] && NUMBER(armed) <= published ->
#endif
        rung[reader] = armed;
#ifdef LOSSY
        if :: event[reader] = true :: skip fi
#else
        event[reader] = true
#endif
     :: else
     fi;
     reader++
  od;
  reader = 0;
  armed = 0
}

/* ring_writer_begin looks at every block: consumer_arrive */
inline look_at_blocks()
{
  reader = 0;
  do
  :: reader == READERS -> break
  :: else ->
     if
     :: attached[reader] -> known[reader] = true
     :: else
     fi;
     reader++
  od;
  reader = 0
}

proctype Writer()
{
  byte q = 1, reader, armed;
  byte rung[READERS];
  bool known[READERS];

  do
  :: q > FRAMES -> break
  :: else ->
     look_at_blocks();
#ifdef EARLY_RING
     wake_all(q);
#endif
     writer_buffer ! q;         /* ring_writer_publish */
#ifndef EARLY_RING
     wake_all(q);
#endif
     q++
  od
}

#define IS_NEWS(name) ((name) > last && (name) > refused)

proctype Reader(byte me)
{
  byte last, refused, now, sleeps;
  byte refusals = REFUSALS, timeouts = TIMEOUTS;

  reader_buffer[me] ! EPOCH, true;              /* move_in */
  do
  :: last == FRAMES || refused == FRAMES -> break
  :: else ->
     now = latest;
take:
     if
     :: IS_NEWS(now) ->
        if
        :: last = now                           /* ring_reader_claim, ring_reader_copy */
        :: refusals > 0 -> refused = now; refusals--    /* refuse; or not admitted */
        fi
     :: else ->
sleep_again:
        sleeps = (sleeps + 1) % SLEEPS;
        /* ring_reader_arm; the fence pairs with the one in ring_writer_wake */
        reader_buffer[me] ! WAKE_ARM, WORD(last + 1, sleeps);
        READER_FENCE;
        /* sleep_armed */
#if !defined(NO_RECHECK) && !defined(BLIND)
        now = latest;                           /* ring_reader_has_news */
        if
        :: IS_NEWS(now) -> reader_buffer[me] ! WAKE_ARM, 0; goto take
        :: else
        fi;
#endif
#ifdef LATE_DRAIN
        event[me] = false;
#endif
        if
        :: event[me]
#ifdef TIMEOUT
        :: true
#endif
        :: timeouts > 0 -> timeouts--
        fi;
#ifndef BLIND
        now = latest;
#endif
        event[me] = false;                      /* doorbell_drain */
        reader_buffer[me] ! WAKE_ARM, 0;        /* ring_reader_disarm */
        if :: IS_NEWS(now) -> goto take :: else -> goto sleep_again fi
     fi;
     now = 0
  od
}

init {
  byte reader;

  atomic {
    run WriterBuffer();
    run Writer();
    do
    :: reader == READERS -> break
    :: else ->
       run ReaderBuffer(reader);
#ifndef ATTACH
       attached[reader] = true;
#endif
       run Reader(reader);
#if SPURIOUS > 0
       run Noise(reader);
#endif
       reader++
    od
  }
}
