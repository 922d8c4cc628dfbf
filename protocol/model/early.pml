/* SPDX-License-Identifier: MIT */
/*
 * Reading a frame while it is written.
 *
 * Modelled: one writer that announces each of FRAMES frames before it copies it, and says after
 * each of its two strips how many are finished; one reader without a lease that takes strips below
 * that number ahead of time, and then takes the published frame as always: control, strips, control.
 * A strip that was taken ahead counts where its digest is the one that the published frame says;
 * else it is copied again. What is taken ahead and what is claimed go into one buffer.
 * Abstracted: a digest is the strip's stamp, leases and epochs (ring.pml),
 * sleeping (wake.pml, ANNOUNCE).
 *
 * Proved:
 *   right   an accepted frame is whole, whatever was taken ahead of it
 *   useful  what was taken ahead of an accepted frame was right: nothing is ever copied twice,
 *           where nobody lies
 * WITNESS makes a frame that was taken ahead as a whole an error: it can be.
 *
 * Mutants, each of which must fail:
 *   NO_PROGRESS_FENCE  ring_writer_copy: progress is stored before the strip is finished
 *   NO_SEQUENCE        early_read: progress of any frame counts; with NO_RESET, which alone is no
 *                      mutant: the slot's progress of before stands until the first strip is done
 *   NO_DIGEST          frame_update: what was taken ahead counts by its number alone, and the
 *                      writer's progress is hostile (HOSTILE)
 *   NO_FORGET          frame_update: what was taken ahead of another frame is still believed to
 *                      be there when this one was copied over it
 *   NO_CONTROL         recheck: control is not looked at after the copy
 */
#ifndef FRAMES
#define FRAMES 5
#endif
#ifndef SLOTS
#define SLOTS 3
#endif
#ifndef LOOKS
#define LOOKS 4
#endif

#define STABLE(q) ((q) * 2)
#define WRITING(q) ((q) * 2 + 1)
#define PROGRESS(q, strips) ((q) * 4 + (strips))

byte control[SLOTS], progress[SLOTS];
byte strip0[SLOTS], strip1[SLOTS];
byte announced, latest;         /* sequences; the slot is sequence % SLOTS */

proctype Writer()
{
  byte q = 1, s;

  do
  :: q > FRAMES -> break
  :: else ->
     s = q % SLOTS;
     control[s] = WRITING(control[s] / 2);
#ifndef NO_RESET
     progress[s] = PROGRESS(q, 0);
#endif
     announced = q;
#ifdef NO_PROGRESS_FENCE
     progress[s] = PROGRESS(q, 1);
     strip0[s] = q;
#else
     strip0[s] = q;
     progress[s] = PROGRESS(q, 1);
#endif
     strip1[s] = q;
     progress[s] = PROGRESS(q, 2);
     control[s] = STABLE(q);
     latest = q;
     q++
  od
}

#ifdef HOSTILE
proctype Liar()
{
  do :: announced > 0 -> progress[announced % SLOTS] = PROGRESS(announced, 2); break od
}
#endif

#ifdef NO_SEQUENCE
#define FINISHED(q, strips) (progress[(q) % SLOTS] % 4 >= strips)
#else
#define FINISHED(q, strips) (progress[(q) % SLOTS] / 4 == (q) && progress[(q) % SLOTS] % 4 >= strips)
#endif

#ifdef NO_DIGEST
#define AGREES(value, q) true
#else
#define AGREES(value, q) ((value) == (q))
#endif

proctype Reader()
{
  byte last, q, ahead_q, ahead, e0, e1, looks;
  byte v0, v1;                  /* the buffer */

  do
  :: looks == LOOKS -> break
  :: else ->
     looks++;
     /* early_read */
     q = announced;
     if
     :: q > last && q != ahead_q -> ahead_q = q; ahead = 0
     :: else
     fi;
     if
     :: ahead_q > last && ahead == 0 && FINISHED(ahead_q, 1) ->
        v0 = strip0[ahead_q % SLOTS];
        e0 = v0;
        ahead = 1
     :: else
     fi;
     if
     :: ahead_q > last && ahead == 1 && FINISHED(ahead_q, 2) ->
        v1 = strip1[ahead_q % SLOTS];
        e1 = v1;
        ahead = 2
     :: else
     fi;
     /* ring_reader_claim */
     q = latest;
     if
     :: q <= last || control[q % SLOTS] != STABLE(q) -> goto next
     :: else
     fi;
     /* frame_update */
#ifndef NO_FORGET
     if :: ahead_q != q -> ahead = 0 :: else fi;
#endif
     if
     :: ahead_q == q && ahead >= 1 && AGREES(e0, q)
     :: else -> v0 = strip0[q % SLOTS]
     fi;
     if
     :: ahead_q == q && ahead >= 2 && AGREES(e1, q)
     :: else -> v1 = strip1[q % SLOTS]
     fi;
#ifndef NO_CONTROL
     if
     :: control[q % SLOTS] != STABLE(q) -> goto next
     :: else
     fi;
#endif
     assert(v0 == q && v1 == q);
#ifndef HOSTILE
     assert(ahead_q != q || ahead < 1 || e0 == q);
     assert(ahead_q != q || ahead < 2 || e1 == q);
#endif
#ifdef WITNESS
     assert(ahead_q != q || ahead < 2);
#endif
     last = q;
next:
     q = 0
  od
}

init {
  atomic {
    run Writer();
#ifdef HOSTILE
    run Liar();
#endif
    run Reader()
  }
}
