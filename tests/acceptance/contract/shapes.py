"""Shapes of the objects that clients know (contract §2.3), as patterns."""

import re

MOMENT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?$")
MAYBE_MOMENT = (MOMENT, None)
SHA256 = re.compile(r"^[0-9a-f]{64}$")
STATUS = re.compile(r"^(QUEUED|BUILDING|COMPLETED|FAILED|CANCELED)$")
ROLE = re.compile(r"^(viewer|developer|admin)$")

ACK = {"status": "ok", "message": None}
ROLE_MAPPING_V1 = {"id": int, "entity": str, "role": ROLE}
ROLE_MAPPING_V2 = {"id": int, "namespace": str, "other_namespace": str, "role": ROLE}
NAMESPACE = {"id": int, "name": str, "metadata_": (dict, None), "role_mappings": [ROLE_MAPPING_V1]}
ENVIRONMENT_V2 = {
    "id": int,
    "namespace": NAMESPACE,
    "name": str,
    "current_build_id": int,
    "description": (str, None),
}
ENVIRONMENT = {**ENVIRONMENT_V2, "current_build": None}
SPECIFICATION = {"id": int, "name": str, "spec": dict, "sha256": SHA256, "created_on": MOMENT}
ARTIFACT = {"id": int, "artifact_type": str, "key": str}
LISTED_BUILD = {
    "id": int,
    "environment_id": int,
    "specification": None,
    "packages": None,
    "status": STATUS,
    "status_info": (str, None),
    "size": int,
    "scheduled_on": MOMENT,
    "started_on": MAYBE_MOMENT,
    "ended_on": MAYBE_MOMENT,
    "build_artifacts": None,
}
BUILD = {**LISTED_BUILD, "specification": SPECIFICATION, "build_artifacts": [ARTIFACT]}
CHANNEL = {"id": int, "name": str, "last_update": MAYBE_MOMENT}
PACKAGE = {
    "id": int,
    "channel": {"id": int, "name": str, "last_update": None},
    "name": str,
    "version": str,
    "license": (str, None),
    "summary": (str, None),
}
SOLVED = {
    "name": str,
    "version": str,
    "channel": dict,
    "id": int,
    "package_id": int,
    "channel_id": (int, None),
    "build": str,
    "build_number": int,
    "constrains": (list, None),
    "depends": list,
    "md5": str,
    "sha256": str,
    "size": int,
    "subdir": (str, None),
    "timestamp": (int, None),
}


def ok(data: object, message: object = None) -> dict[str, object]:
    """An envelope around ``data``."""
    return {"status": "ok", "data": data, "message": message}


def page(row: object) -> dict[str, object]:
    """A page of rows of one shape."""
    return {"status": "ok", "data": [row], "message": None, "page": int, "size": int, "count": int}


def error(message: object) -> dict[str, object]:
    """What an error of a handler looks like."""
    return {"status": "error", "message": message}


UNPROCESSABLE = {"detail": [dict]}
DENIED = error("request not authorized")
