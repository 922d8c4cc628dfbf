# SPDX-License-Identifier: MIT
"""bench/report: any results folder as report.html and report.txt, a module a job."""
