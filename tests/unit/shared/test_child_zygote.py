"""What a zygote does when it is nobody's any more."""

import os
import socket
import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["json", "no_such_module"])
def test_zygote_ends_without_a_word_when_its_parent_is_gone_before_it_is_ready(module: str) -> None:
    parent, control = socket.socketpair()
    lifeline, _ = ends = os.pipe()
    command = [sys.executable, "-m", "conda_store_shared.child", str(control.fileno()), str(lifeline), f'["{module}"]']
    parent.close()
    ended = subprocess.run(command, pass_fds=(control.fileno(), lifeline), capture_output=True, timeout=20, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
    control.close()
    for end in ends:
        os.close(end)
