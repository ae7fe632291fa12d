"""What the order of channels means in a solve, and how ``conda_flags`` says so."""

import shlex
from enum import StrEnum


class ChannelPriority(StrEnum):
    """Strict: a package comes from the first channel that has it; disabled: from any of them.

    Flexible is strict, and disabled where strict has no solution.
    """

    STRICT = "strict"
    FLEXIBLE = "flexible"
    DISABLED = "disabled"


_FLAGS = {
    "--strict-channel-priority": ChannelPriority.STRICT,
    "--no-channel-priority": ChannelPriority.DISABLED,
}
_BY_NAME = "--channel-priority"


def parse_conda_flags(flags: str) -> tuple[ChannelPriority, list[str]]:
    """Return the priority that flags of conda ask for, the last one counting, and the flags that say nothing here.

    Without a word about it conda is flexible.  Raises ValueError for quotes that do not end.
    """
    priority, others = ChannelPriority.FLEXIBLE, []
    words = iter(shlex.split(flags))
    for word in words:
        name, given, value = word.partition("=")
        if word in _FLAGS:
            priority = _FLAGS[word]
        elif name == _BY_NAME:
            priority = ChannelPriority(value if given else next(words, ""))
        else:
            others.append(word)
    return priority, others
