/* SPDX-License-Identifier: MIT */
/*
 * The pointer's channel: one word that names a shape, two places for shapes.
 *
 * Modelled: SESSIONS sessions of one writer, each of SHAPES shapes; shape n lies in place n % 2, as
 * two halves. The writer may stop at any step, and the next session may begin there. One reader
 * looks LOOKS times at what the word names, each value of the word once, and attaches again when
 * the session is another. Abstracted: where the pointer is (it is in the word), digests, sleeping
 * (wake.pml, POINTER).
 *
 * Proved: both halves of a shape that is accepted are those of the shape and the session that the
 * word named. An overrun reader gives the shape up and waits for another word; WITNESS shows that
 * the last shape can be reached.
 *
 * Mutants, each of which must fail:
 *   NO_WRITING_FENCE  store_shape: a half is stored before control says WRITING
 *   NO_PUBLISH_FENCE  store_shape: control is stable before the second half is stored
 *   NO_RECHECK        copy_shape: control is not looked at after the copy
 *   NO_RECHECK_FENCE  copy_shape: that look comes before the second half is loaded
 *   NO_EPOCH_RECHECK  ring_reader_point: the session is not looked at after the copy
 *   LATE_WIPE         wipe_session: the session is named before the old one's words are gone
 */
#ifndef SHAPES
#define SHAPES 4
#endif
#ifndef SESSIONS
#define SESSIONS 1
#endif
#ifndef LOOKS
#define LOOKS 3
#endif

#define PLACES 2
#define STABLE(n) ((n) * 2)
#define WRITING(n) ((n) * 2 + 1)
#define TAG(session, n) ((session) * 16 + (n))

byte epoch;                     /* 0: no session */
byte word;                      /* the shape's number; 0: no pointer */
byte control[PLACES];
byte half0[PLACES], half1[PLACES];

/* pointer_wipe, while the epoch is 0 */
inline wipe()
{
  word = 0;
  control[0] = 0;
  control[1] = 0
}

/* store_shape */
inline store_shape(n)
{
#ifdef NO_WRITING_FENCE
  half0[n % PLACES] = TAG(session, n);
  control[n % PLACES] = WRITING(n);
#else
  control[n % PLACES] = WRITING(n);
  half0[n % PLACES] = TAG(session, n);
#endif
#ifdef NO_PUBLISH_FENCE
  control[n % PLACES] = STABLE(n);
  word = n;
  half1[n % PLACES] = TAG(session, n)
#else
  half1[n % PLACES] = TAG(session, n);
  control[n % PLACES] = STABLE(n);
  word = n
#endif
}

proctype Writer()
{
  byte session = 1, n;

  do
  :: session > SESSIONS -> break
  :: else ->
     epoch = 0;
#ifdef LATE_WIPE
     epoch = session;
     wipe();
#else
     wipe();
     epoch = session;
#endif
     n = 1;
     do
     :: n > SHAPES -> break
     :: n > 1 && session < SESSIONS -> break    /* it stops; the next one begins */
     :: else -> store_shape(n); n++
     od;
     session++
  od
}

proctype Reader()
{
  byte session, seen, n, v0, v1, looks, got;

  do
  :: looks == LOOKS -> break
  :: else ->
     looks++;
     if
     :: session == 0 -> session = epoch; seen = 0
     :: else
     fi;
     n = word;
     if
     :: session == 0 || n == 0 || n == seen -> goto next
     :: else -> seen = n
     fi;
     if
     :: control[n % PLACES] != STABLE(n) -> goto next
     :: else
     fi;
     v0 = half0[n % PLACES];
#ifndef NO_RECHECK_FENCE
     v1 = half1[n % PLACES];
#endif
#ifndef NO_RECHECK
     if
     :: control[n % PLACES] != STABLE(n) -> goto next
     :: else
     fi;
#endif
#ifdef NO_RECHECK_FENCE
     v1 = half1[n % PLACES];
#endif
#ifndef NO_EPOCH_RECHECK
     if
     :: epoch != session -> session = 0; goto next
     :: else
     fi;
#endif
     assert(v0 == v1);
     assert(v0 == TAG(session, n));
     got = n;
#ifdef WITNESS
     assert(got != SHAPES);
#endif
next:
     v0 = 0;
     v1 = 0;
     n = 0
  od
}

init { atomic { run Writer(); run Reader() } }
