"""Code that packages bring along runs apart: it sees its prefix and the system's programs, and nothing else.

    child ──► stage.main ──unshare──► (user, mount, pid, network, ipc, uts) ──fork──► first process ──fork──► command
                                                                                      makes the mounts

``confinement`` is the side of the service; ``stage`` and ``mounts`` run in a process of their own, on the standard
library alone.  What was measured and decided: docs/decisions/0020.
"""
