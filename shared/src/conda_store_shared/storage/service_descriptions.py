"""botocore's descriptions of services, without what takes memory and serves nobody here."""

import gzip
import json
import os
from typing import Any

from botocore.loaders import JSONFileLoader, Loader

# Where S3 is, and whoever may be asked for credentials; botocore knows three hundred more.
_SERVICES = frozenset({"s3", "sts", "portal.sso", "oidc"})


def lean_loader() -> Loader:
    """Return what a session of botocore is to load descriptions with."""
    return Loader(file_loader=_LeanFileLoader())


class _LeanFileLoader(JSONFileLoader):  # type: ignore[misc]  # botocore has no types
    def load_file(self, file_path: str) -> Any:
        """Return what the file holds; None when there is none."""
        for ending, opened in ((".json", open), (".json.gz", gzip.open)):
            if os.path.isfile(file_path + ending):
                with opened(file_path + ending, "rb") as file:
                    return json.load(file, object_hook=_lean)
        return None


def _lean(value: dict[str, Any]) -> dict[str, Any]:
    if isinstance(value.get("documentation"), str):
        # Here and there botocore wants the key to be there.
        value["documentation"] = ""
    if "dnsSuffix" in value and "services" in value:
        value["services"] = {name: known for name, known in value["services"].items() if name in _SERVICES}
    return value
