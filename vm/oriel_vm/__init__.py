# SPDX-License-Identifier: MIT
"""Makes and runs the guests that carry frames through shared memory.

One module for each thing: image, kernel, programs (what is booted); region
(the shared memory); machine, qmp, console (QEMU); supervisor, desk (the process
that owns QEMU, and its control socket); guest, session, transfer (the verbs).
"""
