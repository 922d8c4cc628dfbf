# SPDX-License-Identifier: MIT
"""Oriel's benchmark: bench/run, a module a job. bench/report reads what it leaves."""
