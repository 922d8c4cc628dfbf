/* SPDX-License-Identifier: MIT */
/*
 * Waking the producer: one that waits for a slot is not forgotten.
 *
 * Modelled: one lossless writer that publishes FRAMES frames into SLOTS slots, READERS lossless
 * readers that take each of them, and with DROPS=n a mailbox's reader that leases any slot and lets
 * go of it again n times, as take_lease() and refuse() do. The writer says with a word that it
 * sleeps: (next sequence << 8) + sleeps in the C code, q * SLEEPS + sleeps % SLEEPS here; each
 * reader rings once for each word, after it let go.
 *
 * Memory is TSO and doorbells are event counters, as in wake.pml. Abstracted: CLAIM and WRITING
 * (ring.pml), admission and revocation (lossless.pml), payload. Readers poll, or with BOTH sleep as
 * in wake.pml.
 *
 * Proved: no end state in which the writer sleeps and a slot may be had (invalid end state); with
 * BOTH also none in which both sides sleep.
 *   DETACH     any reader may leave at any time
 *   STOP       any reader may stop for ever, as one under a debugger does; then the writer may
 *              sleep as long as every slot is needed, and no longer
 *   SPURIOUS, TIMEOUTS, LOSSY, TIMEOUT   as in wake.pml
 *
 * Mutants, each of which must fail:
 *   NO_WRITER_FENCE  ring_writer_arm_space: the second look overtakes the store of space_arm
 *   NO_READER_FENCE  ring_reader_wake: the load of space_arm overtakes the store of the cursor
 *   NO_RECHECK       sleep_armed: no second look before the sleep
 *   EARLY_RING       finish: rings before the cursor is stored
 *   NO_DETACH_RING   ring_reader_detach: leaves without a ring
 *   NO_DROP_RING     drop_lease: a lease that led to no frame is given back without a ring
 *   SLEEPS=1         sleep_word: no count, one sequence is rung for once
 *   LOSSY without TIMEOUT
 */
/* SLOTS is 2 or 3, READERS 1 or 2. */
#ifndef FRAMES
#define FRAMES 4
#endif
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef READERS
#define READERS 1
#endif
#ifndef DROPS
#define DROPS 0
#endif
#ifndef SPURIOUS
#define SPURIOUS 0
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

mtype = { LATEST, SPACE_ARM, CURSOR, EPOCH, WAKE_ARM };

byte latest, space_arm;         /* the writer's */
byte cursor[READERS];           /* the readers' */
bool attached[READERS];
byte wake_arm[READERS];
byte lease;                     /* the mailbox reader's: slot + 1; 0 = none */
bool event, reader_event[READERS];
bool stopped;

/* Pending stores. */
chan writer_buffer = [BUFFER] of { mtype, byte };
chan reader_buffer[READERS] = [BUFFER] of { mtype, byte };
chan mailbox_buffer = [BUFFER] of { byte };

#ifdef NO_WRITER_FENCE
#define WRITER_FENCE skip
#else
#define WRITER_FENCE (empty(writer_buffer))
#endif
#ifdef NO_READER_FENCE
#define READER_FENCE(buffer) skip
#else
#define READER_FENCE(buffer) (empty(buffer))
#endif

#ifdef LOSSY
#define RING(bell) if :: bell = true :: skip fi
#else
#define RING(bell) bell = true
#endif

proctype WriterBuffer()
{
  byte value;

end_flush:
  do
  :: atomic { writer_buffer ? LATEST, value -> latest = value }
  :: atomic { writer_buffer ? SPACE_ARM, value -> space_arm = value }
  od
}

proctype ReaderBuffer(byte me)
{
  byte value;

end_flush:
  do
  :: atomic { reader_buffer[me] ? CURSOR, value -> cursor[me] = value }
  :: atomic { reader_buffer[me] ? EPOCH, value -> attached[me] = value }
  :: atomic { reader_buffer[me] ? WAKE_ARM, value -> wake_arm[me] = value }
  od
}

proctype MailboxBuffer()
{
  byte value;

end_flush:
  do :: atomic { mailbox_buffer ? value -> lease = value } od
}

proctype Noise()
{
  byte rings = SPURIOUS;

  do :: rings > 0 -> event = true; rings-- :: break od
}

/*
 * find_slot, by what consumer_watch_leases read: found is any slot that may be taken, or SLOTS for
 * WOULD_BLOCK. Which of several is the writer's affair, and nothing here may depend on it.
 */
inline choose(low, leased)
{
  atomic {
    found = SLOTS;
    oldest = SLOTS;
    is_held = false;
    i = 0;
    do
    :: i == SLOTS -> break
    :: i < SLOTS && i == newest -> i++
    :: i < SLOTS && i != newest ->
       if
       :: oldest == SLOTS || sequence[i] < sequence[oldest] -> oldest = i
       :: else
       fi;
       if
       :: sequence[i] > low -> is_held = true
       :: sequence[i] <= low && leased != i + 1 -> found = i
       :: sequence[i] <= low && leased != i + 1 && found != SLOTS
       :: else
       fi;
       i++
    od;
    /* Leases alone make nobody wait. */
    if :: found == SLOTS && !is_held -> found = oldest :: else fi;
    oldest = 0;
    is_held = false;
    i = 0
  }
}

/* ring_writer_begin: each word is loaded once, one after the other. */
inline look()
{
  seen_lease = lease;
  lowest = 255;
  r = 0;
  do
  :: r == READERS -> break
  :: r < READERS && attached[r] ->
     atomic { lowest = (cursor[r] < lowest -> cursor[r] : lowest); r++ }
  :: r < READERS && !attached[r] -> r++
  od;
  r = 0;
  choose(lowest, seen_lease);
  lowest = 0;
  seen_lease = 0
}

/* A look at this instant finds nothing. */
#define CURSOR_OF(r) (attached[r] -> cursor[r] : 255)
#define LOWEST \
  (CURSOR_OF(0) < CURSOR_OF(READERS - 1) -> CURSOR_OF(0) : CURSOR_OF(READERS - 1))
#define IS_FREE(i) ((i) != newest && sequence[i] <= LOWEST && lease != (i) + 1)
#define IS_HELD(i) ((i) != newest && sequence[i] > LOWEST)
#define IS_BLOCKED \
  (!(IS_FREE(0) || IS_FREE(1) || IS_FREE(SLOTS - 1)) && \
   (IS_HELD(0) || IS_HELD(1) || IS_HELD(SLOTS - 1)))

proctype Writer()
{
  byte q = 1, newest = SLOTS;
  byte sequence[SLOTS];
  byte found, oldest, i, r, lowest, seen_lease, sleeps, armed;
  byte rung[READERS];
  byte timeouts = TIMEOUTS;
  bool is_held;

  do
  :: q > FRAMES -> break
  :: else ->
     look();
     if
     :: found < SLOTS -> skip
     :: else ->
sleep_again:
        sleeps = (sleeps + 1) % SLEEPS;
        /* ring_writer_arm_space; the fence pairs with the one in ring_reader_wake */
        writer_buffer ! SPACE_ARM, WORD(q, sleeps);
        WRITER_FENCE;
        /* sleep_armed */
#ifndef NO_RECHECK
        look();
        if :: found < SLOTS -> goto awake :: else fi;
#endif
        if
        :: event
#ifdef TIMEOUT
        :: true
#endif
        :: timeouts > 0 -> timeouts--
        :: stopped && IS_BLOCKED -> goto done
        fi;
        look();
        event = false;                          /* doorbell_drain */
        if
        :: found < SLOTS -> skip
        :: else ->
           writer_buffer ! SPACE_ARM, 0;        /* ring_writer_disarm_space */
           goto sleep_again
        fi;
awake:
        writer_buffer ! SPACE_ARM, 0            /* ring_writer_disarm_space */
     fi;
     sequence[found] = q;
     newest = found;
     writer_buffer ! LATEST, q;                 /* ring_writer_publish */
#ifdef BOTH
     WRITER_FENCE;                              /* ring_writer_wake */
     do
     :: r == READERS -> r = 0; break
     :: r < READERS ->
        armed = wake_arm[r];                    /* consumer_watch_wake */
        if
        :: armed != 0 && armed != rung[r] && NUMBER(armed) <= q ->
           rung[r] = armed;
           RING(reader_event[r])
        :: else
        fi;
        armed = 0;
        r++
     od;
#endif
     q++
  od;
done:
  skip
}

/* ring_reader_wake; the fence pairs with the one in ring_writer_arm_space */
inline wake_writer(buffer)
{
  READER_FENCE(buffer);
  armed = space_arm;
  if
  :: armed != 0 && armed != rung -> rung = armed; RING(event)
  :: else
  fi;
  armed = 0
}

proctype Reader(byte me)
{
  byte last, rung, armed, sleeps;

  do
  :: last == FRAMES -> break
#ifdef DETACH
  :: reader_buffer[me] ! EPOCH, false;          /* ring_reader_detach */
#ifndef NO_DETACH_RING
     wake_writer(reader_buffer[me]);
#endif
     break
#endif
#ifdef STOP
  :: stopped = true; break
#endif
  :: last < FRAMES ->
#ifdef BOTH
     do
     :: latest > last -> break
     :: else ->
        sleeps = (sleeps + 1) % SLEEPS;
        reader_buffer[me] ! WAKE_ARM, WORD(last + 1, sleeps);   /* ring_reader_arm */
        (empty(reader_buffer[me]));
        if :: latest > last :: else -> reader_event[me]; reader_event[me] = false fi;
        reader_buffer[me] ! WAKE_ARM, 0         /* ring_reader_disarm */
     od;
#else
end_poll:
     latest > last;
#endif
#ifdef EARLY_RING
     wake_writer(reader_buffer[me]);
#endif
     last++;
     reader_buffer[me] ! CURSOR, last;          /* finish: advance_cursor */
#ifndef EARLY_RING
     wake_writer(reader_buffer[me])
#endif
  od
}

proctype Mailbox()
{
  byte drops = DROPS, slot, rung, armed;

  do
  :: drops == 0 -> break
  :: else ->
     drops--;
     select(slot : 1 .. SLOTS);
     mailbox_buffer ! slot;                     /* take_lease */
     (empty(mailbox_buffer));
     mailbox_buffer ! 0;                        /* drop_lease */
#ifndef NO_DROP_RING
     wake_writer(mailbox_buffer);
#endif
     slot = 0
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
       attached[reader] = true;
       run Reader(reader);
       reader++
    od;
#if DROPS > 0
    run MailboxBuffer();
    run Mailbox();
#endif
#if SPURIOUS > 0
    run Noise();
#endif
  }
}
