"""Tokens nobody means well with: forged, ambiguous, huge, or signed by us for something else."""

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

SECRET = "0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 11, 22, 11, 7, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
CLAIMS = {"exp": int(LATER.timestamp()), "primary_namespace": "alice", "role_bindings": {"alice/*": ["admin"]}}
FOREIGN_KEY = OctKey.import_key("a key that the token brings along itself")
RSA_KEY = RSAKey.generate_key(2048)


def encode(value: Any) -> str:
    """A value as a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def signed(claims: dict[str, Any], header: dict[str, Any] | None = None, secret: str = SECRET) -> str:
    """A token of ours, or with another ``secret`` one that looks so."""
    key = OctKey.import_key(secret)
    return jwt.encode(header or {"alg": "HS256", "typ": "JWT"}, claims, key, algorithms=["HS256", "HS384", "HS512"])


def with_payload(payload: bytes, secret: str = SECRET) -> str:
    """A token of ours that says whatever it says."""
    return jws.serialize_compact({"alg": "HS256"}, payload, OctKey.import_key(secret), algorithms=["HS256"])


def _tampered() -> str:
    header, _, signature = signed(CLAIMS).split(".")
    return f"{header}.{encode({**CLAIMS, 'role_bindings': {'*/*': ['admin']}})}.{signature}"


def _with_raw_header(header: Any) -> str:
    _, payload, signature = signed(CLAIMS).split(".")
    return f"{encode(header)}.{payload}.{signature}"


def _by_own_key(**header: Any) -> str:
    """Signed with a key that the header names or brings along."""
    return jws.serialize_compact({"alg": "HS256", **header}, json.dumps(CLAIMS), FOREIGN_KEY, algorithms=["HS256"])


def _by_public_key(algorithm: str) -> str:
    key = ECKey.generate_key("P-256") if algorithm == "ES256" else RSA_KEY
    header = {"alg": algorithm, "jwk": key.as_dict(private=False)}
    return jwt.encode(header, CLAIMS, key, algorithms=[algorithm])


def _by_public_key_as_secret() -> str:
    """Signed with the text of a public key, which a verifier that trusts ``alg`` would take for the secret."""
    text = f"{encode({'alg': 'HS256'})}.{encode(CLAIMS)}"
    signature = hmac.digest(RSA_KEY.as_pem(private=False), text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def _raw(**claims: str) -> bytes:
    """Claims as JSON text, so that they may be what no encoder writes."""
    known = {name: json.dumps(value) for name, value in CLAIMS.items()}
    return "{{{}}}".format(",".join(f'"{name}":{text}' for name, text in {**known, **claims}.items())).encode()


HOSTILE: dict[str, str] = {
    "empty": "",
    "dots": "..",
    "one part": "abc",
    "five parts": "a.b.c.d.e",
    "not ascii": "é.b.c",
    "nul": "\x00.\x00.\x00",
    "line break": signed(CLAIMS) + "\n",
    "padding": signed(CLAIMS) + "=",
    "megabyte": "a" * 1_000_000,
    "megabyte of dots": "." * 1_000_000,
    "megabyte of claims": "e30." + "a" * 1_000_000 + ".AA",
    "none": f"{encode({'alg': 'none'})}.{encode(CLAIMS)}.",
    "none in capitals": f"{encode({'alg': 'NONE'})}.{encode(CLAIMS)}.",
    "none with a signature": f"{encode({'alg': 'none'})}.{encode(CLAIMS)}.AAAA",
    "empty signature": signed(CLAIMS).rpartition(".")[0] + ".",
    "no algorithm": _with_raw_header({"typ": "JWT"}),
    "list as algorithm": _with_raw_header({"alg": ["HS256"]}),
    "list as header": _with_raw_header(["HS256"]),
    "number as header": _with_raw_header(7),
    "nested header": f"{base64.urlsafe_b64encode(b'[' * 9000).decode()}.e30.AA",
    "wrong key": signed(CLAIMS, secret="another secret of at least 32 bytes"),
    "other algorithm of the same key": signed(CLAIMS, {"alg": "HS512"}),
    "public key brought along, RS256": _by_public_key("RS256"),
    "public key brought along, PS256": _by_public_key("PS256"),
    "public key brought along, ES256": _by_public_key("ES256"),
    "public key as secret": _by_public_key_as_secret(),
    "key brought along": _by_own_key(jwk=FOREIGN_KEY.as_dict(private=True)),
    "address of a key": _by_own_key(jku="http://169.254.169.254/keys"),
    "address of a certificate": _by_own_key(x5u="http://169.254.169.254/certificate"),
    "certificate brought along": _by_own_key(x5c=["AAAA"]),
    "name of a file as key": _by_own_key(kid="../../dev/null"),
    "name of a query as key": _by_own_key(kid="' UNION SELECT 'a key"),
    "tampered": _tampered(),
    "cut": signed(CLAIMS)[:-4],
    "unknown critical header": _with_raw_header({"alg": "HS256", "crit": ["exp"], "exp": 1}),
    "unencoded payload": _with_raw_header({"alg": "HS256", "crit": ["b64"], "b64": False}),
    "list as claims": with_payload(b"[1]"),
    "text as claims": with_payload(b'"admin"'),
    "no JSON as claims": with_payload(b"\xff\xfe"),
    "nested claims": with_payload(b'{"a":' * 2000),
    "nested lists": with_payload(b'{"exp":' + b"[" * 11_000 + b"]" * 100),
    "claim given twice": with_payload(_raw(exp="1," + f'"exp":{CLAIMS["exp"]}')),
    "bindings given twice": with_payload(_raw(role_bindings='{"a/*":["viewer"],"a/*":["admin"]}')),
    "expiry that is no number": with_payload(_raw(exp="NaN")),
    "expiry that never comes": with_payload(_raw(exp="Infinity")),
    "expiry of thousands of digits": with_payload(_raw(exp="9" * 9000)),
    "expiry too large for a float": with_payload(_raw(exp="1e999")),
}

SENSELESS: dict[str, Any] = {
    "no expiry": {"primary_namespace": "alice"},
    "expired a second ago": {**CLAIMS, "exp": int(NOW.timestamp()) - 1},
    "expired a moment ago": {**CLAIMS, "exp": NOW.timestamp() - 0.001},
    "expires now": {**CLAIMS, "exp": int(NOW.timestamp())},
    "negative expiry": {**CLAIMS, "exp": -1},
    "object as expiry": {**CLAIMS, "exp": {"a": 1}},
    "true as expiry": {**CLAIMS, "exp": True},
    "null as expiry": {**CLAIMS, "exp": None},
    "text as expiry": {**CLAIMS, "exp": str(CLAIMS["exp"])},
    "date as expiry": {**CLAIMS, "exp": "2099-01-01T00:00:00Z"},
    "expiry beyond all years": {**CLAIMS, "exp": 10**30},
    "expiry before all years": {**CLAIMS, "exp": -(10**30)},
    "expiry after the last year": {**CLAIMS, "exp": 253_402_300_800},
    "counts only later": {**CLAIMS, "nbf": int(NOW.timestamp()) + 1},
    "counts at no time": {**CLAIMS, "nbf": "soon"},
    "counts from true on": {**CLAIMS, "nbf": True},
    "issued by somebody else": {**CLAIMS, "iss": "https://login.example"},
    "issued by nobody": {**CLAIMS, "iss": None},
    "meant for somebody else": {**CLAIMS, "aud": "another service"},
    "meant for many": {**CLAIMS, "aud": ["conda-store", "another service"]},
    "number as namespace": {**CLAIMS, "primary_namespace": 7},
    "null as namespace": {**CLAIMS, "primary_namespace": None},
    "list as bindings": {**CLAIMS, "role_bindings": ["*/*"]},
    "null as bindings": {**CLAIMS, "role_bindings": None},
    "text as roles": {**CLAIMS, "role_bindings": {"*/*": "admin"}},
    "number as role": {**CLAIMS, "role_bindings": {"*/*": [1]}},
    "unknown role": {**CLAIMS, "role_bindings": {"*/*": ["root"]}},
    "arn without name": {**CLAIMS, "role_bindings": {"alice": ["admin"]}},
    "arn that climbs": {**CLAIMS, "role_bindings": {"../..//*": ["admin"]}},
    "arn with pattern of its own": {**CLAIMS, "role_bindings": {"(.*)/*": ["admin"]}},
    "number as id": {**CLAIMS, "jti": 7},
}
