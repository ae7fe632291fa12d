"""Builds as a server would send them, valid unless said otherwise."""

import gzip
import io
import json
import tarfile
from typing import Any

from tests.unit.client.answering_server import Answer, AnsweringServer, data


def a_build(build_id: int = 12, status: str = "COMPLETED", *artifacts: str, **fields: Any) -> dict[str, Any]:
    """Return a build with artifacts of these types."""
    return {
        "id": build_id,
        "environment_id": 3,
        "specification": {"id": 1, "name": "nightly", "spec": {}, "sha256": "", "created_on": ""},
        "status": status,
        "status_info": None,
        "size": 2048,
        "scheduled_on": "2026-11-22T11:07:30.612738",
        "build_artifacts": [{"id": 1, "artifact_type": kind, "key": f"key/{kind}"} for kind in artifacts],
        **fields,
    }


def a_stage(name: str, state: str, **fields: Any) -> dict[str, Any]:
    """Return a stage."""
    return {
        "stage": name,
        "state": state,
        "done": 0,
        "total": 0,
        "unit": "",
        "code": None,
        "detail": None,
        "attempts": 1,
        **fields,
    }


def a_log(text: str, position: int = 1, *, is_complete: bool = True) -> Answer:
    """Return a piece of a log."""
    headers = {
        "X-Log-Position": str(position),
        "X-Log-Complete": json.dumps(is_complete),
        "Content-Type": "text/plain; charset=utf-8",
    }
    return Answer(200, text.encode(), headers)


def serve_build(server: AnsweringServer, build: dict[str, Any], *stages: dict[str, Any]) -> None:
    """Let a server answer about one build, whose log is empty and complete."""
    path = f"/api/v1/build/{build['id']}/"
    server.routes[path] = data(build)
    server.routes[f"{path}stages/"] = data(list(stages))
    server.routes[f"{path}logs/"] = a_log("")


def an_archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """Return a compressed archive, the same bytes whenever it is made."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)


def a_file(name: str, content: str = "content", mode: int = 0o644) -> tuple[tarfile.TarInfo, bytes]:
    """Return a file of an archive."""
    member = tarfile.TarInfo(name)
    member.mode = mode
    return member, content.encode()


def a_member(name: str, kind: bytes, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    """Return a link, directory or device of an archive."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.mode = kind, target, 0o777
    return member, b""
