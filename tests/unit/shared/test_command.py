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

TELLS = """
import sys, types
from conda_store_shared.command import command
sys.modules["this"] = module = types.ModuleType("this")
module.main = lambda: print("structlog" in sys.modules, "rich" in sys.modules)
command("this", "main")()
import rich
"""


def test_command_looks_for_garbage_when_its_modules_are_there_and_not_among_them() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"


def test_command_leaves_rich_alone_which_a_library_would_take() -> None:
    done = subprocess.run([sys.executable, "-c", TELLS], capture_output=True, text=True, check=True)
    assert done.stdout == "True False\n"
