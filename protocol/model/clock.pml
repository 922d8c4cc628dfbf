/* SPDX-License-Identifier: MIT */
/*
 * The clocks' questions and answers: one word that asks, an answer of a time and the word it is for.
 *
 * Modelled: one producer that answers whenever it likes, OWNERS consumers in turn in one block, each
 * of QUESTIONS questions; a question may be replaced before it was answered, and its owner may stop
 * at any step. Time is a number that goes on at any moment, up to LAST. Abstracted: what the answers
 * are made of, announcements, lingering.
 *
 * Proved: an answer that is taken was given between the look at the clock before its question was
 * asked and the look at the clock after it was seen. WITNESS shows that answers are taken.
 *
 * Mutants, each of which must fail:
 *   NO_ASK_ORDER      ask: our clock is read when the question can be seen already
 *   NO_ANSWER_ORDER   ring_writer_answer: its clock is read before the question is
 *   NO_PUBLISH_FENCE  ring_writer_answer: the word is there before the time
 *   NO_SEEN_ORDER     collect: our clock is read before the word is
 *   NO_COLLECT_FENCE  collect: the time is loaded before the word is
 *   REUSED_NUMBERS    follow_attach: each owner begins with the same number
 */
#ifndef QUESTIONS
#define QUESTIONS 2
#endif
#ifndef OWNERS
#define OWNERS 2
#endif
#ifndef LAST
#define LAST 6
#endif

byte now = 1;
byte question;                  /* in H; 0: none */
byte answer_word, answer_time;  /* in G */
bool is_over;

proctype Time()
{
  do
  :: now < LAST -> now++
  :: break
  od
}

/* ring_writer_answer */
proctype Producer()
{
  byte word, answered, time;

  do
  :: is_over -> break
  :: else ->
#ifdef NO_ANSWER_ORDER
     time = now;
     word = question;
#else
     word = question;
     time = now;
#endif
     if
     :: word != 0 && word != answered ->
        answered = word;
#ifdef NO_PUBLISH_FENCE
        answer_word = word;
        answer_time = time
#else
        answer_time = time;
        answer_word = word
#endif
     :: else
     fi
  od
}

proctype Consumer()
{
  byte owner = 1, i, number, asked, seen, word, time;
  bool is_taken;

  do
  :: owner > OWNERS -> break
  :: else ->
     question = 0;              /* move_in */
     i = 0;
     do
     :: i == QUESTIONS -> break
     :: i > 0 && owner < OWNERS -> break    /* it leaves; the next one moves in */
     :: i < QUESTIONS ->
        i++;
#ifdef REUSED_NUMBERS
        number = i;
#else
        number = owner * 16 + i;
#endif
        is_taken = false;
#ifdef NO_ASK_ORDER
        question = number;
        asked = now;
#else
        asked = now;
        question = number;
#endif
        do
        :: break                /* taken, or it asks the next instead */
        :: !is_taken ->
#ifdef NO_SEEN_ORDER
           seen = now;
#endif
#ifdef NO_COLLECT_FENCE
           time = answer_time;
           word = answer_word;
#else
           word = answer_word;
           time = answer_time;
#endif
#ifndef NO_SEEN_ORDER
           seen = now;
#endif
           if
           :: word == number ->
              is_taken = true;
              assert(asked <= time && time <= seen);
#ifdef WITNESS
              assert(owner != OWNERS);
#endif
           :: else
           fi
        od
     od;
     owner++
  od;
  is_over = true
}

init { atomic { run Time(); run Producer(); run Consumer() } }
