# SPDX-License-Identifier: GPL-2.0-only
"""What all tests need of the process they run in."""

import signal

# A job in the background of a script is started with SIGINT ignored, and what it starts inherits
# that; the tests of Ctrl-C start programs of ours.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# The same of SIGHUP below nohup.
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
