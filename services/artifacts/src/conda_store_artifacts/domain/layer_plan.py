"""Which packages share a layer of an image: each its own as long as there is room (engine.md §7)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

# Overlay file systems take 127 layers at most; two are left to those who build upon our image.
MOST_LAYERS = 125
_MOST_ALONE = 100
_BUCKETS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPackage:
    """A package, and the bytes of its files."""

    name: str
    size: int


def plan_layers(packages: Sequence[PlannedPackage], others: int = 0) -> tuple[tuple[int, ...], ...]:
    """Return the packages (by their index) of each layer; ``others`` is how many layers the image has besides.

    The largest come first, each alone; where there are too many packages, the small ones share layers by a hash of
    their name, so that a package more or less changes the layer of no other.  Raises ValueError when the other layers
    leave no room.
    """
    room = MOST_LAYERS - others
    by_size = sorted(range(len(packages)), key=lambda index: (-packages[index].size, packages[index].name))
    if len(packages) <= min(room, _MOST_ALONE):
        return tuple((index,) for index in by_size)
    alone = min(room - _BUCKETS, _MOST_ALONE)
    if alone < 1:
        raise ValueError(f"{others} layers leave no room for those of packages: an image has at most {MOST_LAYERS}")
    buckets: dict[int, list[int]] = {}
    for index in sorted(by_size[alone:], key=lambda index: packages[index].name):
        buckets.setdefault(_bucket_of(packages[index].name), []).append(index)
    return (*((index,) for index in by_size[:alone]), *(tuple(buckets[bucket]) for bucket in sorted(buckets)))


def _bucket_of(name: str) -> int:
    return hashlib.sha256(name.encode()).digest()[0] % _BUCKETS
