"""The states of a build, and the ranks it climbs between them (design §3)."""

from enum import IntEnum, StrEnum
from typing import NewType

BuildId = NewType("BuildId", int)
# What the integers of the database can hold; nothing larger may even be asked for.
LARGEST_ID = 2**31 - 1


class BuildStatus(StrEnum):
    """Public status, with upstream's names."""

    QUEUED = "QUEUED"
    BUILDING = "BUILDING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


class Rank(IntEnum):
    """How far a build has come; nothing lowers it."""

    QUEUED = 0
    SOLVING = 1
    SOLVED = 2
    BUILDING = 3
    BUILT = 4


ACTIVE = frozenset({BuildStatus.QUEUED, BuildStatus.BUILDING})
TERMINAL = frozenset({BuildStatus.COMPLETED, BuildStatus.FAILED, BuildStatus.CANCELED})
