"""How a command starts."""

import subprocess
import sys

PROGRAM = """
import gc
from conda_store_shared.command import command
run = command("this", "main")
import types, sys
sys.modules["this"] = module = types.ModuleType("this")
module.main = lambda: print(gc.isenabled(), gc.get_freeze_count() > 1000)
run()
"""


def test_command_looks_for_garbage_when_its_modules_are_there_and_not_among_them() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"
