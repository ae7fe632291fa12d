"""How public events are addressed on their exchange: ``build.completed.<namespace>.<environment>``.

Type first, so that ``build.#`` is every event of builds and ``*.*.team.#`` every event of a namespace.  What has no
environment ends after the namespace, what has neither after the type.
"""

import hashlib

from conda_store_shared.domain.public_event import PublicEventType

# Words end at a dot, so that in a name becomes %2E.  A key has 255 bytes at most: of a longer name it has a digest.
LONGEST_WORD = 100
DIGEST_LENGTH = 32


def event_routing_key(kind: PublicEventType, namespace: str, environment: str | None) -> str:
    """Return the routing key of an event; ``namespace`` is empty where there is none."""
    names = [name for name in (namespace, environment) if name]
    return ".".join([kind.value, *map(routing_word, names)])


def routing_word(name: str) -> str:
    """Return the word of a routing key that stands for a namespace or an environment."""
    word = name.replace("%", "%25").replace(".", "%2E").encode()
    if len(word) > LONGEST_WORD:
        return hashlib.sha256(name.encode()).hexdigest()[:DIGEST_LENGTH]
    return word.decode()
