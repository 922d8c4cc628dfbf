/* SPDX-License-Identifier: MIT */
/*
 * The ring in LATEST mode: a wait-free mailbox.
 *
 * Modelled: one writer (ring_writer.c), CONSUMERS readers (ring_reader.c), SLOTS slots, FRAMES
 * frames a session. The writer may be killed and started again at any step (RESTARTS), readers
 * may be killed at any step and a new process may take over the block, lease word and all
 * (DEATHS). Leases may expire at any moment (EXPIRY; it stands for every timeout). Readers may
 * have no block and no lease at all (OBSERVER). One more block may be written by a hostile
 * process (HOSTILE).
 *
 * Abstracted: a payload is two words, d0 and d1, stamped with session and sequence, so a torn or
 * foreign frame is seen. The words of one 64-bit store (latest: sequence and slot) are stored in
 * one atomic step; every other shared access is a step of its own. The sequence in the lease
 * word is left out: it serves diagnostics only. A reader with two leases is two readers. The
 * writer starts its search at any slot, so the result holds for every order of search.
 * BACKOFF_MAX is smaller than in the code: what needs no theft with fewer tries needs none with
 * more. Steps interleave in program order; what a missing fence would let overtake is a mutant.
 *
 * Proved:
 *   right      an accepted frame is whole, is the frame asked for, and is of the attached session
 *   forward    accepted sequences only grow
 *   protected  a frame leased and found stable is not written to while the lease stands, unless
 *              the writer knowingly took it (g_stolen) or was started again
 *   enough     with 2 + CONSUMERS slots the writer never needs to take a leased slot
 *   waitfree   the writer publishes whatever readers do or leave undone (non-progress cycles)
 *   newest     every reader that lives ends with the last frame (no invalid end state)
 *
 * Mutants, each of which must fail:
 *   NO_CLAIM_FENCE    claim_slot: the second look at the leases overtakes the CLAIM store
 *   NO_RESCAN         claim_slot: no second look
 *   NO_WRITING_FENCE  claim_slot: a payload byte overtakes the WRITING store
 *   ONE_BIT           one flag for CLAIM and WRITING
 *   NO_PUBLISH_FENCE  ring_writer_publish: the stable ctl overtakes a payload byte
 *   LATE_EPOCH        ring_writer_open: the old epoch stands while the region is wiped
 *   NO_BACKOFF_LIMIT  choose_slot looks for an unleased slot for ever
 *   NO_LEASE_FENCE    take_lease: the ctl load overtakes the lease store
 *   NO_RECHECK_FENCE  recheck: the ctl load overtakes a payload load
 *   NO_CTL_RECHECK    recheck: ctl is not looked at
 *   NO_EPOCH_RECHECK  recheck: the epoch is not looked at
 *   READ_TWICE        ring_reader_attach: epoch tested with one load and used from another
 *   WATCH + NO_ATTACH_FENCE  the first load of latest overtakes the store of attached
 *   WATCH + RARE_TEND        ring_writer_tend does not look at the blocks before every frame
 * Not a mutant:
 *   WATCH             slot_is_leased goes by what ring_writer_tend saw of a block's owner, not
 *                     by the block itself. Right if tend looks before every choose_slot, and takes
 *                     an owner for living at the first sight of its epoch
 * WITNESS makes the acceptance of a frame an error: shows that the proofs are not about nothing.
 */
#ifndef SLOTS
#define SLOTS 3
#endif
#ifndef CONSUMERS
#define CONSUMERS 1
#endif
#ifndef FRAMES
#define FRAMES 3
#endif
#ifndef RESTARTS
#define RESTARTS 0
#endif
#ifndef DEATHS
#define DEATHS 0
#endif
#ifdef HOSTILE
#define BLOCKS (CONSUMERS + 1)
#else
#define BLOCKS CONSUMERS
#endif
#define BACKOFF_MAX (BLOCKS + 1)

#define CLAIM 1
#define WRITING 2
#define STABLE(q) (4 * (q))
#define SEQUENCE_BITS(word) ((word) & 252)
#define STAMP(session, q) ((session) * 16 + (q))

/* The writer's shared words. */
byte epoch;                     /* 0 = not ready */
byte header0, header1;          /* the rest of the identity page: constant within a session */
byte ctl[SLOTS];
byte d0[SLOTS], d1[SLOTS];
byte latest_q, latest_s;        /* one 64-bit word */

/* The readers' shared words, one block each. */
byte attached[BLOCKS];          /* the epoch this block's owner works with */
byte lease[BLOCKS];             /* slot + 1, 0 = none */

/* Ghosts: known to the proof, to no program. */
byte g_restarts = RESTARTS;
byte g_deaths = DEATHS;
bool g_kill;                    /* the writer dies before its next step */
bool g_stolen;                  /* the writer took a slot in spite of a lease */
bool g_done;

#ifdef WATCH
byte watched[BLOCKS];           /* the writer's own: attached, as ring_writer_tend saw it */
#define ATTACHED(i) watched[i]
#else
#define ATTACHED(i) attached[i]
#endif

#ifdef OBSERVER
#define STORE_LEASE(value) g_stolen = true
#else
#define STORE_LEASE(value) lease[c] = value
#endif

#if DEATHS > 0
#define MAY_DIE if :: skip :: atomic { g_deaths > 0 -> g_deaths--; goto dead } fi
#else
#define MAY_DIE skip
#endif

inline slot_is_leased(slot, leased)
{
  leased = false;
  i = 0;
  do
  :: i < BLOCKS ->
     if
     :: ATTACHED(i) == session ->
        if
        :: lease[i] == slot + 1 ->
#ifdef EXPIRY
           if :: leased = true :: g_stolen = true fi
#else
           leased = true
#endif
        :: else
        fi
     :: else
     fi;
     i++
  :: else -> break
  od;
  i = 0
}

active proctype Writer()
{
  byte session, q, s, i, tried, backoffs;
  bool leased;
#ifdef NO_CLAIM_FENCE
  bool early;
#endif

start:
  {
    /* ring_writer_occupy, ring_writer_open (wipe_session): unpublish, wipe, publish. */
#ifndef LATE_EPOCH
    epoch = 0;
#endif
    s = 0;
    do :: s < SLOTS -> ctl[s] = 0; s++ :: else -> break od;
    atomic { latest_q = 0; latest_s = 0 };
    session++;
    header0 = session;
    header1 = session;
    epoch = session;

    q = 1;
    do
    :: q <= FRAMES ->
#ifdef WATCH
       /* ring_writer_tend, before every frame */
       i = 0;
       do
       :: i < BLOCKS -> watched[i] = attached[i]; i++
       :: else -> i = 0; break
#ifdef RARE_TEND
       :: i == 0 -> break
#endif
       od;
#endif
choose_slot:
       if
#ifndef NO_BACKOFF_LIMIT
       :: backoffs >= BACKOFF_MAX ->
          g_stolen = true;
          s = (latest_s + 1) % SLOTS;
          goto claim_slot
#endif
       :: else
       fi;
       s = 0;
       do :: s < SLOTS - 1 -> s++ :: break od;
       tried = 0;
       do
       :: tried < SLOTS ->
          if
          :: latest_q != 0 && s == latest_s -> leased = true
          :: else -> slot_is_leased(s, leased)
          fi;
          if :: !leased -> break :: else -> tried++; s = (s + 1) % SLOTS fi
       :: else -> break
       od;
       tried = 0;
       if
       :: leased ->
#ifndef NO_BACKOFF_LIMIT
          backoffs++;
#endif
          goto choose_slot
       :: else
       fi;

claim_slot:
#ifdef NO_CLAIM_FENCE
       slot_is_leased(s, early);
#endif
       ctl[s] = ctl[s] | CLAIM;
       /* shared_fence_full: pairs with the one in take_lease */
#ifndef NO_RESCAN
       if
       :: backoffs < BACKOFF_MAX ->
#ifdef NO_CLAIM_FENCE
          leased = early;
          early = false;
#else
          slot_is_leased(s, leased);
#endif
          if
          :: leased ->
             ctl[s] = SEQUENCE_BITS(ctl[s]);
#ifndef NO_BACKOFF_LIMIT
             backoffs++;
#endif
             goto choose_slot
          :: else
          fi
       :: else
       fi;
#endif
#ifdef NO_WRITING_FENCE
       d0[s] = STAMP(session, q);
#endif
#ifndef ONE_BIT
       ctl[s] = SEQUENCE_BITS(ctl[s]) | WRITING;
#endif
       /* store fence: pairs with the acquire fence in recheck */

       /* ring_writer_copy */
       d0[s] = STAMP(session, q);
#ifdef NO_PUBLISH_FENCE
       ctl[s] = STABLE(q);
       atomic { latest_q = q; latest_s = s };
       d1[s] = STAMP(session, q);
#else
       d1[s] = STAMP(session, q);

       /* ring_writer_publish */
       ctl[s] = STABLE(q);
       atomic { latest_q = q; latest_s = s };
#endif
#if !defined(EXPIRY) && !defined(HOSTILE) && !defined(OBSERVER)
       assert(!g_stolen);                       /* enough */
#endif
progress_published:
       s = 0;
       backoffs = 0;
       q++
    :: else -> break
    od;
    goto finished
  } unless {
    atomic {
      g_kill ->
      g_kill = false;
      q = 0; s = 0; i = 0; tried = 0; backoffs = 0; leased = false;
      goto start
    }
  };
finished:
  g_done = true
}

#if RESTARTS > 0
active proctype WriterKiller()
{
  do
  :: g_restarts > 0 -> atomic { g_restarts--; g_kill = true }; (!g_kill || g_done)
  :: break
  od
}
#endif

proctype Reader(byte c)
{
  byte session, last, q, s, v0, v1, word;

born:
  STORE_LEASE(0);
  last = 0;
  session = 0;
  do
  :: session == 0 || epoch != session ->
     /* ring_reader_attach */
     last = 0;
#ifdef READ_TWICE
     (epoch != 0);
     session = epoch;
#else
     session = epoch;
     if :: session == 0 -> (epoch != 0); goto next :: else fi;
#endif
     v0 = header0;
     v1 = header1;
     if :: epoch != session -> session = 0; goto next :: else fi;
     assert(v0 == session && v1 == session);    /* right: the private copy of the header */
#ifndef NO_ATTACH_FENCE
     attached[c] = session
     /* shared_fence_full, before the first load of latest */
#endif

  :: session != 0 && epoch == session && latest_q != last && latest_q != 0 ->
     /* ring_reader_claim */
     atomic { q = latest_q; s = latest_s };
     if :: q == 0 -> goto next :: else fi;

#ifdef NO_ATTACH_FENCE
     attached[c] = session;
#endif

     /* take_lease */
#ifdef NO_LEASE_FENCE
     word = ctl[s];
     STORE_LEASE(s + 1);
#else
     STORE_LEASE(s + 1);
     MAY_DIE;
     /* shared_fence_full: pairs with the one in claim_slot */
     word = ctl[s];
#endif
     if :: word != STABLE(q) -> STORE_LEASE(0); goto next :: else fi;

     /* ring_reader_copy */
     MAY_DIE;
     v0 = d0[s];
#ifdef NO_RECHECK_FENCE
     word = ctl[s];
     v1 = d1[s];
#else
     v1 = d1[s];
     /* acquire fence: pairs with the store fence in claim_slot */
     /* recheck */
     word = ctl[s];
#endif
#ifdef NO_CTL_RECHECK
     word = STABLE(q);
#endif
     if
#ifdef ONE_BIT
     :: word != STABLE(q) ->
#else
     :: (word & ~CLAIM) != STABLE(q) ->         /* CLAIM: the payload is untouched */
#endif
        assert(g_stolen || epoch != session);   /* protected */
        STORE_LEASE(0);
        goto next
     :: else
     fi;
#ifndef NO_EPOCH_RECHECK
     if :: epoch != session -> STORE_LEASE(0); goto next :: else fi;
#endif
#ifdef WITNESS
     assert(q != FRAMES);
#endif
     assert(v0 == STAMP(session, q) && v1 == v0);       /* right */
     assert(q > last);                                  /* forward */
     last = q;
     STORE_LEASE(0);                                      /* release_lease */
next:
     atomic { v0 = 0; v1 = 0; word = 0; q = 0; s = 0 }

  :: g_done && session != 0 && epoch == session && latest_q == last -> break
  od;
  goto finished;
dead:
  /* The lease word stays as it was. Another process may take over the block. */
  atomic { v0 = 0; v1 = 0; word = 0; q = 0; s = 0 };
  if :: goto born :: skip fi;
finished:
  skip
}

#ifdef HOSTILE
/* Writes whatever it likes into its block, as often as it likes. */
active proctype Hostile()
{
  do
  :: !g_done ->
     if
     :: lease[CONSUMERS] = 0
     :: lease[CONSUMERS] = 1
     :: lease[CONSUMERS] = 2
     :: lease[CONSUMERS] = 3
     :: lease[CONSUMERS] = 255
     :: attached[CONSUMERS] = 0
     :: attached[CONSUMERS] = 1
     fi
  :: g_done -> break
  od
}
#endif

init
{
  byte c;
  atomic {
    do :: c < CONSUMERS -> run Reader(c); c++ :: else -> break od
  }
}
