/* SPDX-License-Identifier: MIT */
/*
 * The alternative that was not built: one state word a slot, changed by both sides with
 * compare-and-swap. Kept because people ask for it.
 *
 * Modelled: a writer, READERS readers, SLOTS slots whose state goes FREE, WRITING, READY,
 * READING. Readers may be killed between their two steps (DEATHS). OVERWRITE lets the writer
 * take a READY slot nobody has read (mailbox); RECLAIM lets it take a READING slot, because its
 * reader seems dead.
 *
 * Found:
 *   nobody dies            right, and the writer goes on
 *   readers die            DEATHS = SLOTS and the writer is wedged (non-progress cycle)
 *   RECLAIM                a reader that was only slow accepts a torn frame: the word is READING
 *                          for the next reader, so its compare-and-swap succeeds
 * So either nothing is reclaimed and a dead reader holds a slot for ever, or frames tear.
 */
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef READERS
#define READERS 2
#endif
#ifndef FRAMES
#define FRAMES 4
#endif
#ifndef DEATHS
#define DEATHS 0
#endif

mtype = { FREE, WRITING, READY, READING };

mtype state[SLOTS];
byte d0[SLOTS], d1[SLOTS];
byte g_deaths = DEATHS;
bool g_done;

active proctype Writer()
{
  byte q = 1, s;

  do
  :: q <= FRAMES ->
     do
     :: atomic { state[s] == FREE -> state[s] = WRITING }; break
#ifdef OVERWRITE
     :: atomic { state[s] == READY -> state[s] = WRITING }; break
#endif
#ifdef RECLAIM
     :: atomic { state[s] == READING -> state[s] = WRITING }; break
#endif
     :: else -> s = (s + 1) % SLOTS
     od;
     d0[s] = q;
     d1[s] = q;
     state[s] = READY;
progress_published:
     q++;
     s = 0
  :: else -> break
  od;
  g_done = true
}

proctype Reader()
{
  byte s, v0, v1;

  do
  :: atomic { state[s] == READY -> state[s] = READING };
     v0 = d0[s];
     if :: skip :: atomic { g_deaths > 0 -> g_deaths--; goto dead } fi;
     v1 = d1[s];
     if
     :: atomic { state[s] == READING -> state[s] = FREE };
        assert(v0 == v1)
     :: else
     fi;
     v0 = 0;
     v1 = 0
  :: !g_done && state[s] != READY -> s = (s + 1) % SLOTS
  :: g_done -> break
  od;
dead:
  skip
}

init
{
  byte c;
  atomic {
    do :: c < SLOTS -> state[c] = FREE; c++ :: else -> break od;
    c = 0;
    do :: c < READERS -> run Reader(); c++ :: else -> break od
  }
}
