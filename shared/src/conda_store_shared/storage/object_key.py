"""Which keys an object store accepts: relative paths that stay inside, on disk as on S3."""

from conda_store_shared.errors import InvalidInput

MAXIMUM_KEY_BYTES = 1024
MAXIMUM_PART_BYTES = 255


def checked_key(key: str) -> str:
    """Return ``key``; raises InvalidInput when it could leave the store or no store could keep it.

    A leading dot is where a store on disk keeps its own files.
    """
    parts = key.split("/")
    if not all(parts) or any(part.startswith(".") for part in parts):
        raise InvalidInput(f"object key {key!r} is not valid; its parts may not be empty or start with a dot")
    if not key.isprintable() or "\\" in key:
        raise InvalidInput(f"object key {key!r} is not valid; control characters and backslashes are not allowed")
    if len(key.encode()) > MAXIMUM_KEY_BYTES or any(len(part.encode()) > MAXIMUM_PART_BYTES for part in parts):
        raise InvalidInput(f"object key {key[:80]!r}… is too long; a part may have {MAXIMUM_PART_BYTES} bytes")
    return key
