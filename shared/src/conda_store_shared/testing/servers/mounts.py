"""What a server mounted, to be let go of before its directory is removed."""

import shutil
import subprocess
from pathlib import Path


def unmount_below(directory: Path) -> None:
    """Unmount everything below `directory`: a removal must not reach through what is mounted there."""
    mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    program = shutil.which("umount") or "umount"
    for place in sorted((one for one in mounted if one.startswith(f"{directory}/")), reverse=True):
        subprocess.run([program, "--lazy", place], capture_output=True, check=False)
