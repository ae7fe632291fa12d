"""Writes what api serves as /openapi.json: the description of every route of the suite."""

import json
from pathlib import Path

from conda_store_shared.web.openapi import describe_api
from conda_store_standalone.route_tables import every_route

PATH = Path("services/api/src/conda_store_api/routes/docs/openapi.json")
_TEXT = """conda-store as services: specifications in; lockfiles, environments and archives out.

Each path may be written with or without the slash at its end, and every GET may be asked as HEAD.
Times are UTC, without a zone. Without a credential, callers may do what the anonymous may.
"""


def api_description() -> str:
    """The document as text."""
    document = describe_api(every_route(), title="conda-store", version="1", text=_TEXT)
    return json.dumps(document, indent=1, sort_keys=True) + "\n"
