# SPDX-License-Identifier: MIT
"""What ./demo does, a module for each part: options (the command line), subject (what the guest
shows, and how it is captured), steps (build, and how a step runs or fails), run (guest, producer
and viewer together), results (run.json, and the verdict).
"""
