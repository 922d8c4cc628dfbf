/* SPDX-License-Identifier: MIT */
/*
 * The ring in LOSSLESS mode, with readers of both kinds attached together.
 *
 * Modelled: one writer, LOSSLESS readers that are admitted, follow the publication index and
 * move a cursor, and MAILBOX readers that lease the latest frame as in ring.pml. Every reader
 * attaches whenever it likes. Lossless readers may be killed, or detach, at any step, and a new
 * process may take over the block (DEATHS). With PATIENCE the writer may revoke any admitted
 * reader that holds a slot at any moment (every timeout); without, it revokes only the dead. One
 * more block may be written by a hostile process (HOSTILE), which the writer revokes each time
 * it is in the way. What an earlier session left in the readers' section is there at the start
 * (LEFTOVER).
 *
 * The rules proved here:
 *   admission   only the writer admits, in ring_writer_tend: it stores `from` = (next sequence to
 *               be published, revocations so far) in ONE word, then echoes the reader's epoch.
 *               From then on the cursor counts: as it is, if it lies in from - 1 .. last
 *               published, else as from - 1
 *   start       a reader zeroes its cursor before it shows its epoch; begins at `from`
 *   choice      choose_slot may take a slot that is not `latest`, whose sequence every admitted
 *               cursor has passed and that no mailbox reader leases (looked at again after CLAIM;
 *               cursors need no second look, they only grow and admissions start behind them)
 *   blocked     while a cursor holds a slot and nothing else is free, the answer is WOULD_BLOCK. A
 *               leased slot is taken only when no cursor holds any; a held one, never
 *   revocation  the writer stops counting the cursor and stores revocations + 1, before it
 *               touches a slot. The reader stores the number it saw as acknowledged, and waits
 *               until `from` carries that number: the new start. The gap is next .. from - 1
 *   index       as many entries as slots are enough
 *
 * Abstracted: payload, steps and mutants as in ring.pml; the session (see ring.pml, handshake.pml);
 * 8 bits of the revocations in `from` suffice: a reader is never revoked twice without having
 * acknowledged between.
 *
 * Proved:
 *   right      an accepted frame is whole and is the one asked for
 *   no gap     an admitted reader takes every sequence from `from` on, each once, in order. It is
 *              never lapped unless it was revoked, and can see so at that moment
 *   reported   after a revocation it goes on at `from`, never behind what it had, never at an
 *              old grant
 *   protected  a mailbox lease found stable stands (unless g_stolen)
 *   enough     with 2 + MAILBOX slots no leased slot is ever taken
 *   alive      the writer publishes every frame as long as the living go on reading, and every
 *              living admitted reader gets the last one (non-progress cycles, invalid end states)
 *
 * Mutants, each of which must fail:
 *   SELF_READMIT      a revoked reader chooses its own new start, behind `latest`
 *   FROM_LATE         the epoch is echoed before `from` is stored
 *   LATE_BASELINE     the reader learns the count of revocations after it was admitted
 *   NO_CURSOR_RESET   the reader leaves the old cursor in its block
 *   CURSOR_EARLY      ring_reader_copy moves the cursor before the copy is complete
 *   NO_CTL_RECHECK    recheck: ctl is not looked at
 *   NO_REVOKE         the dead are waited for
 *   LATE_REVOKE       the slot is written first, the reader told afterwards
 *   CURSOR_BLIND      choose_slot does not look at cursors
 *   LEASE_BLIND       choose_slot and claim_slot do not look at leases
 *   NO_RESCAN         claim_slot: no second look at the leases
 *   STEAL_ANY         after the back-offs any slot that is not `latest` is taken
 *   STEAL_EARLY       a leased slot is taken although a cursor will yet let go of another
 * and an INDEX_LENGTH below SLOTS. Not a mutant:
 *   FROM_LATEST       a new reader is admitted at `latest`, not behind it: the picture at once
 * WITNESS_LAST, WITNESS_GAP make the last frame, a reported gap an error.
 */
#ifndef SLOTS
#define SLOTS 3
#endif
#ifndef LOSSLESS
#define LOSSLESS 1
#endif
#ifndef MAILBOX
#define MAILBOX 0
#endif
#ifndef FRAMES
#define FRAMES 5
#endif
#ifndef INDEX_LENGTH
#define INDEX_LENGTH SLOTS
#endif
#ifndef DEATHS
#define DEATHS 0
#endif
#ifndef LEFTOVER
#define LEFTOVER 2
#endif
#ifdef HOSTILE
#define BLOCKS (LOSSLESS + 1)
#else
#define BLOCKS LOSSLESS
#endif
#define BACKOFF_MAX (MAILBOX + 1)

#define CLAIM 1
#define WRITING 2
#define STABLE(q) (4 * (q))
#define SEQUENCE_BITS(word) ((word) & 252)
#define SEQUENCE(word) ((word) >> 2)

/* The writer's shared words. */
byte ctl[SLOTS];
byte d0[SLOTS], d1[SLOTS];
byte index_q[INDEX_LENGTH], index_s[INDEX_LENGTH];      /* one 64-bit word an entry */
byte latest_q, latest_s;                                /* one 64-bit word */
byte granted[BLOCKS];                                   /* grant: the epoch acknowledged */
byte from_q[BLOCKS], from_r[BLOCKS];                    /* grant: one 64-bit word */
byte revocations[BLOCKS];                               /* grant */

/* The readers' shared words. */
byte asked[BLOCKS];                                     /* own epoch, 0 = detached */
byte acknowledged[BLOCKS];                              /* the last revocation seen */
byte cursor[BLOCKS];
#if MAILBOX > 0
byte lease[MAILBOX];                                    /* slot + 1, 0 = none */
#endif

/* The writer's own memory. */
bool admitted[BLOCKS];
byte known[BLOCKS];
byte from[BLOCKS];

/* Ghosts. */
bool g_dead[BLOCKS];                                    /* the heartbeat stands still */
byte g_deaths = DEATHS;
bool g_stolen;
bool g_done;

#if DEATHS > 0
#define MAY_DIE if :: skip :: atomic { g_deaths > 0 -> g_deaths--; goto dead } fi
#else
#define MAY_DIE skip
#endif

#ifdef FROM_LATEST
#define START(q) (q > 1 -> q - 1 : q)
#else
#define START(q) (q)
#endif

/* ring_writer_tend: admits the new, admits the revoked again once they know. */
inline tend()
{
  i = 0;
  do
  :: i < BLOCKS ->
     v = asked[i];
     if
     :: v != 0 && v != known[i] ->              /* the block has a new owner */
        known[i] = v;
        from[i] = START(q);
#ifdef FROM_LATE
        granted[i] = v;
        atomic { from_q[i] = from[i]; from_r[i] = revocations[i] };
#else
        atomic { from_q[i] = from[i]; from_r[i] = revocations[i] };
        granted[i] = v;
#endif
        admitted[i] = true
     :: v == 0 && known[i] != 0 ->
        known[i] = 0;
        admitted[i] = false
     :: v != 0 && v == known[i] && !admitted[i] ->
        v = acknowledged[i];
        if
        :: v == revocations[i] ->
#ifdef SELF_READMIT
           from[i] = 1;
#else
           from[i] = q;
           atomic { from_q[i] = q; from_r[i] = v };
#endif
           admitted[i] = true
        :: else
        fi
     :: else
     fi;
     i++
  :: else -> break
  od;
  atomic { i = 0; v = 0 }
}

/* Does any admitted cursor still need the frame in this slot? One load a cursor. */
inline slot_is_held(slot, held)
{
  held = false;
#ifndef CURSOR_BLIND
  i = 0;
  do
  :: i < BLOCKS ->
     atomic {
       v = cursor[i];
       if :: v < from[i] - 1 || v > q - 1 -> v = from[i] - 1 :: else fi;
       if :: admitted[i] && v < SEQUENCE(ctl[slot]) -> held = true :: else fi;
       v = 0
     };
     i++
  :: else -> break
  od;
  i = 0
#endif
}

inline slot_is_leased(slot, leased)
{
  leased = false;
#if MAILBOX > 0
#ifndef LEASE_BLIND
  i = 0;
  do
  :: i < MAILBOX ->
     if :: lease[i] == slot + 1 -> leased = true :: else fi;
     i++
  :: else -> break
  od;
  i = 0
#endif
#endif
}

/* consumer_watch_blocked: gives up those who hold a slot and are dead, or too slow. */
inline revoke_the_late()
{
  i = 0;
  do
  :: i < BLOCKS ->
     atomic {
       v = cursor[i];
       if :: v < from[i] - 1 || v > q - 1 -> v = from[i] - 1 :: else fi
     };
     if
#ifdef PATIENCE
     :: admitted[i] && v < q - 1 -> admitted[i] = false; revocations[i]++
     :: true
#else
#ifndef NO_REVOKE
     :: admitted[i] && v < q - 1 && (g_dead[i] || i >= LOSSLESS) ->
        admitted[i] = false;
        revocations[i]++
#endif
     :: else
#endif
     fi;
     i++
  :: else -> break
  od;
  atomic { i = 0; v = 0 }
}

active proctype Writer()
{
  byte q = 1, s, i, v, tried, backoffs;
  bool taken, held, leased;
#ifdef LATE_REVOKE
  bool late;
#endif

  do
  :: q <= FRAMES ->
ring_writer_begin:
     tend();
choose_slot:
     /* From any slot on, so for every order of search. */
     s = 0;
     do :: s < SLOTS - 1 -> s++ :: break od;
     tried = 0;
     held = false;
     do
     :: tried < SLOTS ->
        taken = (latest_q != 0 && s == latest_s);
        if
        :: !taken ->
           slot_is_held(s, taken);
           held = held || taken;
           if
           :: !taken ->
              slot_is_leased(s, taken);
#ifdef STEAL_EARLY
              if :: taken && backoffs >= BACKOFF_MAX -> g_stolen = true; taken = false :: else fi;
#endif
           :: else
           fi
        :: else
        fi;
        if :: !taken -> break :: else -> tried++; s = (s + 1) % SLOTS fi
     :: else -> break
     od;
     tried = 0;
     if
     :: taken && held ->                        /* WOULD_BLOCK: the caller waits and asks again */
        atomic { s = 0; taken = false; held = false };
#ifdef LATE_REVOKE
        if :: admitted[0] -> admitted[0] = false; late = true :: true fi;
#else
        revoke_the_late();
#endif
#if defined(STEAL_ANY) || defined(STEAL_EARLY)
        if :: backoffs < BACKOFF_MAX -> backoffs++ :: else fi;
#endif
#ifdef STEAL_ANY
        if :: backoffs >= BACKOFF_MAX -> s = (latest_s + 1) % SLOTS; goto claim_slot :: else fi;
#endif
        goto ring_writer_begin
     :: taken && !held ->                       /* only leases are in the way */
        taken = false;
        if
        :: backoffs < BACKOFF_MAX -> backoffs++; goto choose_slot
        :: else -> g_stolen = true; s = (latest_s + 1) % SLOTS
        fi
     :: else
     fi;

claim_slot:
     held = false;
     ctl[s] = ctl[s] | CLAIM;
     /* shared_fence_full: pairs with the one in take_lease */
#ifndef NO_RESCAN
     slot_is_leased(s, leased);
     if
     :: leased && backoffs < BACKOFF_MAX ->
        ctl[s] = SEQUENCE_BITS(ctl[s]);
        leased = false;
        backoffs++;
        goto choose_slot
     :: else -> leased = false
     fi;
#endif
     ctl[s] = SEQUENCE_BITS(ctl[s]) | WRITING;
     /* ring_writer_copy */
     d0[s] = q;
     d1[s] = q;
     /* ring_writer_publish */
     ctl[s] = STABLE(q);
     atomic { index_q[q % INDEX_LENGTH] = q; index_s[q % INDEX_LENGTH] = s };
     atomic { latest_q = q; latest_s = s };
#ifdef LATE_REVOKE
     if :: late -> late = false; revocations[0]++ :: else fi;
#endif
     assert(!g_stolen);                         /* enough */
progress_published:
     s = 0;
     backoffs = 0;
     q++
  :: else -> break
  od;
  g_done = true
}

proctype LosslessReader(byte c)
{
  byte epoch, next, seen, r, s, iq, v0, v1, word;

born:
  /* ring_reader_attach, at any time */
  g_dead[c] = false;
#ifndef NO_CURSOR_RESET
  cursor[c] = 0;
#endif
  seen = latest_q;
  epoch++;
  asked[c] = epoch;
  if
  :: granted[c] == epoch
  :: g_done -> goto finished
  fi;
  atomic { next = from_q[c]; r = from_r[c] };
#ifdef LATE_BASELINE
  r = revocations[c];
#endif
  assert(next >= START(seen + 1));                      /* not an old grant */
  seen = 0;
  MAY_DIE;

  do
  :: revocations[c] != r ->
     /* follow_revocation */
     r = revocations[c];
#ifdef SELF_READMIT
     next = latest_q + 1;
     cursor[c] = next - 1;
     acknowledged[c] = r;
#else
     acknowledged[c] = r;
     if
     :: from_r[c] == r
     :: g_done -> goto finished
     fi;
     atomic {
       assert(from_r[c] == r);
       assert(from_q[c] >= next);                       /* reported: next .. from - 1 */
#ifdef WITNESS_GAP
       assert(from_q[c] == next);
#endif
       next = from_q[c]
     }
#endif

  :: revocations[c] == r && index_q[next % INDEX_LENGTH] >= next ->
     /* ring_reader_claim */
     atomic { iq = index_q[next % INDEX_LENGTH]; s = index_s[next % INDEX_LENGTH] };
     if :: iq != next -> goto lapped :: else fi;
     word = ctl[s];
     if :: word != STABLE(next) -> goto lapped :: else fi;
     /* ring_reader_copy */
     v0 = d0[s];
     MAY_DIE;
#ifdef CURSOR_EARLY
     cursor[c] = next;
#endif
     v1 = d1[s];
     /* recheck */
#ifndef NO_CTL_RECHECK
     word = ctl[s];
     if :: word != STABLE(next) -> goto lapped :: else fi;
#endif
     assert(v0 == next && v1 == next);                  /* right */
#ifdef WITNESS_LAST
     assert(next != FRAMES);
#endif
     cursor[c] = next;
     next++;
     goto again;
lapped:
     assert(revocations[c] != r);                       /* no gap */
again:
     atomic { iq = 0; s = 0; v0 = 0; v1 = 0; word = 0 }

  :: g_done && next > latest_q && revocations[c] == r -> break
  od;
  assert(next == FRAMES + 1);
  goto finished;
dead:
  atomic { iq = 0; s = 0; v0 = 0; v1 = 0; word = 0; next = 0; r = 0 };
  if
  :: g_dead[c] = true                                   /* killed */
  :: asked[c] = 0                                       /* ring_reader_detach */
  fi;
  if :: goto born :: skip fi;
finished:
  skip
}

#if MAILBOX > 0
/* As in ring.pml. */
proctype MailboxReader(byte c)
{
  byte last, q, s, v0, v1, word;

  do
  :: latest_q != last ->
     atomic { q = latest_q; s = latest_s };
     lease[c] = s + 1;
     word = ctl[s];
     if :: word != STABLE(q) -> goto next :: else fi;
     v0 = d0[s];
     v1 = d1[s];
     word = ctl[s];
     if
     :: (word & ~CLAIM) != STABLE(q) ->
        assert(g_stolen);                               /* protected */
        goto next
     :: else
     fi;
     assert(v0 == q && v1 == q);                        /* right */
     last = q;
next:
     lease[c] = 0;
     atomic { q = 0; s = 0; v0 = 0; v1 = 0; word = 0 }
  :: g_done && latest_q == last -> break
  od
}
#endif

#ifdef HOSTILE
/* Writes whatever it likes into its block, as often as it likes. */
active proctype Hostile()
{
  do
  :: !g_done ->
     if
     :: asked[LOSSLESS] = 0 :: asked[LOSSLESS] = 1 :: asked[LOSSLESS] = 2
     :: acknowledged[LOSSLESS] = 0 :: acknowledged[LOSSLESS] = 1
     :: cursor[LOSSLESS] = 0 :: cursor[LOSSLESS] = 1 :: cursor[LOSSLESS] = 255
     fi
  :: g_done -> break
  od
}
#endif

init
{
  byte c;
  atomic {
    do
    :: c < LOSSLESS -> cursor[c] = LEFTOVER; acknowledged[c] = 1; run LosslessReader(c); c++
    :: else -> break
    od;
#if MAILBOX > 0
    c = 0;
    do :: c < MAILBOX -> run MailboxReader(c); c++ :: else -> break od
#endif
  }
}
