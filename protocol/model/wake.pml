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
 *   ANNOUNCE   a frame is rung for twice: when it is announced, which is news to a reader that
 *              did not begin with it yet, and when it is published
 *   LOSSY      rings may be lost; then only sleeping with a limit (TIMEOUT) is right
 *   POINTER=n  the pointer moves n times meanwhile, which is news to a reader whatever frame it
 *              sleeps until
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
 *   NO_POINTER_RING     ring_writer_point: nobody is rung
 *   POINTER_NUMBER      consumer_watch_wake: rings for the pointer whom a frame was due to only
 *   NO_POINTER_RECHECK  ring_reader_has_news: the second look is at frames only
 *   ANNOUNCE + SLEEPS=1 a reader that begins with a frame and sleeps again is rung for once
 *   ANNOUNCE_ONLY       ring_writer_publish: what was rung for when it was announced is not again
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
#ifndef POINTER
#define POINTER 0
#endif

#define WORD(number, sleeps) ((number) * SLEEPS + (sleeps) % SLEEPS)
#define NUMBER(word) ((word) / SLEEPS)

mtype = { WAKE_ARM, EPOCH, LATEST, PLACE, ANNOUNCED };

byte latest;                    /* the writer's */
byte announced;                 /* the writer's */
byte place;                     /* the writer's: how often the pointer moved */
byte wake_arm[READERS];         /* the reader's: 0 = awake */
bool attached[READERS];         /* the reader's epoch */
bool event[READERS];

/* Pending stores. */
chan writer_buffer = [BUFFER] of { mtype, byte };
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
  do
  :: atomic { writer_buffer ? LATEST, value -> latest = value }
  :: atomic { writer_buffer ? PLACE, value -> place = value }
  :: atomic { writer_buffer ? ANNOUNCED, value -> announced = value }
  od
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

#ifdef POINTER_NUMBER
#define IS_DUE(number, for_pointer) ((number) <= q - 1)
#else
#define IS_DUE(number, for_pointer) (for_pointer || (number) <= published)
#endif

/* consumer_watch_wake */
inline wake_all(published, for_pointer)
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
     :: known[reader] && armed != 0 && armed != rung[reader] &&
           IS_DUE(NUMBER(armed), for_pointer) ->
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
  byte q = 1, moves, reader, armed;
  byte rung[READERS];
  bool known[READERS];

  do
  :: q > FRAMES && moves == POINTER -> break
  :: q <= FRAMES ->
     look_at_blocks();
#ifdef EARLY_RING
     wake_all(q, false);
#endif
#ifdef ANNOUNCE
     writer_buffer ! ANNOUNCED, q;      /* ring_writer_announce */
     wake_all(q, false);
#endif
     writer_buffer ! LATEST, q; /* ring_writer_publish */
#if !defined(EARLY_RING) && !defined(ANNOUNCE_ONLY)
     wake_all(q, false);
#endif
     q++
#if POINTER > 0
  :: moves < POINTER ->
     moves++;
     writer_buffer ! PLACE, moves;      /* ring_writer_point */
#ifndef NO_POINTER_RING
     wake_all(q - 1, true)
#endif
#endif
  od
}

#define IS_NEWS(name) ((name) > last && (name) > refused)
#define IS_DONE ((last == FRAMES || refused == FRAMES) && seen == POINTER)
#ifdef NO_POINTER_RECHECK
#define HAS_MOVED false
#else
#define HAS_MOVED (place != seen)
#endif
#ifdef ANNOUNCE
#define IS_ANNOUNCED (announced > last && announced > begun && announced > refused)
#else
#define IS_ANNOUNCED false
#endif

proctype Reader(byte me)
{
  byte last, refused, seen, begun, now, sleeps;
  byte refusals = REFUSALS, timeouts = TIMEOUTS;

  reader_buffer[me] ! EPOCH, true;              /* move_in */
  do
  :: IS_DONE -> break
  :: else ->
     now = latest;
take:
#if POINTER > 0
     seen = place;              /* ring_reader_point */
#endif
#ifdef ANNOUNCE
     if :: announced > begun -> begun = announced :: else fi;   /* early_read */
#endif
     if
     :: IS_NEWS(now) ->
        if
        :: last = now                           /* ring_reader_claim, ring_reader_copy */
        :: refusals > 0 -> refused = now; refusals--    /* refuse; or not admitted */
        fi
#if POINTER > 0
     :: IS_DONE -> skip
#endif
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
        :: IS_NEWS(now) || HAS_MOVED || IS_ANNOUNCED -> reader_buffer[me] ! WAKE_ARM, 0; goto take
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
        if :: IS_NEWS(now) || place != seen || IS_ANNOUNCED -> goto take :: else -> goto sleep_again fi
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
