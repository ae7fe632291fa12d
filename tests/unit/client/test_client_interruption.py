"""Ctrl-C ends what waits, whatever became of the exception that it raised."""

import subprocess
import sys

LOST = """
import os, signal, sys
from conda_store_client import interruption
interruption.listen()
try:
    os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt:
    print("lost")
try:
    interruption.pause(60)
except KeyboardInterrupt:
    print("heard")
"""


def test_interruption_is_heard_when_a_library_forgot_its_exception() -> None:
    done = subprocess.run([sys.executable, "-c", LOST], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "lost\nheard\n"
