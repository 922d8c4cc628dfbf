/* SPDX-License-Identifier: MIT */
/*
 * The stress tests, one function each. They run stage->rounds rounds, whatever a round is to them,
 * and return when all is well; else stage_fail() does not.
 */
#ifndef ORIEL_STRESS_TESTS_H
#define ORIEL_STRESS_TESTS_H

#include "stage.h"

#define STRESS_REGION (UINT64_C(1) << 20)

void test_start_orders(struct stage *stage);
void test_kill_latest(struct stage *stage);
void test_kill_lossless(struct stage *stage);
void test_kill_everywhere(struct stage *stage);
void test_revoke(struct stage *stage);
void test_stop(struct stage *stage);
void test_change(struct stage *stage);
void test_rivals(struct stage *stage);
void test_ghost(struct stage *stage);
void test_anew(struct stage *stage);
void test_other_size(struct stage *stage);
void test_truncate(struct stage *stage);
void test_crowd(struct stage *stage);
void test_end(struct stage *stage);
void test_soak(struct stage *stage);
void test_lease(struct stage *stage);
void test_windows(struct stage *stage);

#endif
