"""Values a database cannot hold, such as a NUL in a text.

For services with a database: the rest of ``web`` is free of SQLAlchemy.  That the database cannot be reached
is told by ``db.engine`` already.
"""

from sqlalchemy.exc import DataError, DBAPIError

from conda_store_shared.errors import CondaStoreError, InvalidInput

_DATA_EXCEPTION = "22"


def unstorable_value(error: Exception) -> CondaStoreError | None:
    """Return InvalidInput when the database refused a value as such; the application takes it as ``translate``."""
    refused = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(refused, "sqlstate", None)
    if isinstance(error, DataError) or str(state).startswith(_DATA_EXCEPTION):
        return InvalidInput("a value has characters or a size that cannot be stored")
    return None
