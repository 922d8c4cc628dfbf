/* SPDX-License-Identifier: MIT */
/*
 * The handshake: writer and reader find each other in every order of start, death and restart.
 *
 * Modelled: one writer and one reader, each killed and started again at any step, RESTARTS
 * times; memory that at first holds what an earlier boot left in it (STALE; 0 = fresh memory).
 * Each word has one writer; nobody waits for an answer before going on. Abstracted: epochs are
 * random in the code, here numbers never used before; the identity page is one word that names
 * the writer's life; frames are in ring.pml.
 *
 * Proved (no fairness needed: nothing here goes round for ever):
 *   settled    once the dying stops, both are attached to each other for good, and the reader's
 *              copy of the identity page is of the writer's present life
 *
 * Mutants, each of which must fail:
 *   REUSED_EPOCH   a restarted writer shows the epoch it had before
 *   LOOK_ONCE      the reader looks at the epoch only until it is attached
 *   GRANT_ONCE     the writer acknowledges one reader and looks no further
 *   TRUST_LEFTOVER the reader takes the `attached` of its predecessor for its own
 */
#ifndef RESTARTS
#define RESTARTS 2
#endif
#ifndef STALE
#define STALE 1
#endif

/* The writer's shared words. */
byte epoch = STALE;
byte granted = STALE;           /* the reader's epoch acknowledged */
byte header = STALE;
/* The reader's shared words. */
byte reader_epoch = STALE;
byte attached = STALE;

/* Ghosts. */
byte g_fresh = 3;               /* the next number never used before */
byte g_writer_restarts = RESTARTS, g_reader_restarts = RESTARTS;
bool g_kill_writer, g_kill_reader;
byte g_view;                    /* the reader's private copy of the header */

active proctype Writer()
{
  byte me, life = 10, word;

start:
  {
    /* ring_writer_open, format_session */
    epoch = 0;
    granted = 0;
    life++;
    header = life;
#ifdef REUSED_EPOCH
    me = 100;
#else
    atomic { me = g_fresh; g_fresh++ };
#endif
    epoch = me;
    do
    :: granted != reader_epoch ->               /* ring_writer_tend */
       word = reader_epoch;
       granted = word
#ifdef GRANT_ONCE
       ; break
#endif
    od
#ifdef GRANT_ONCE
    ; false
#endif
  } unless { atomic { g_kill_writer -> g_kill_writer = false; goto start } }
}

active proctype Reader()
{
  byte me, word, seen;

start:
  {
    /* ring_reader_attach */
#ifndef TRUST_LEFTOVER
    attached = 0;
#endif
    atomic { me = g_fresh; g_fresh++ };
    reader_epoch = me;
    do
    :: epoch != 0 && epoch != attached ->
       word = epoch;
       if
       :: word != 0 ->
          seen = header;
          if
          :: epoch == word ->
             atomic { g_view = seen; attached = word }
#ifdef LOOK_ONCE
             ; break
#endif
          :: else
          fi
       :: else
       fi
    od
#ifdef LOOK_ONCE
    ; false
#endif
  } unless { atomic { g_kill_reader -> g_kill_reader = false; g_view = 0; goto start } }
}

active proctype Killer()
{
  do
  :: atomic { g_writer_restarts > 0 && !g_kill_writer -> g_writer_restarts--; g_kill_writer = true }
  :: atomic { g_reader_restarts > 0 && !g_kill_reader -> g_reader_restarts--; g_kill_reader = true }
  :: break
  od
}

ltl settled {
  <>[] (epoch > 2 && attached == epoch && reader_epoch > 2 && granted == reader_epoch
        && g_view == header)
}
