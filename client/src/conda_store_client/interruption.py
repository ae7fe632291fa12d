"""Somebody who presses Ctrl-C is heard, even when the exception it raises is lost on its way.

It is raised between any two steps of Python, also inside of what libraries do and forget about: then nothing stopped.
"""

import signal
import threading
from types import FrameType

_heard = threading.Event()


def listen() -> None:
    """Remember from now on whether somebody pressed Ctrl-C; from the main thread only."""
    signal.signal(signal.SIGINT, _hear)


def pause(seconds: float) -> None:
    """Do nothing for a while; raises KeyboardInterrupt when somebody pressed Ctrl-C, also before."""
    if _heard.wait(seconds):
        raise KeyboardInterrupt


def _hear(number: int, frame: FrameType | None) -> None:
    _heard.set()
    signal.default_int_handler(number, frame)
