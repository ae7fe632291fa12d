"""What an id token must say before it is believed (OpenID Connect Core §3.1.3.7); its signature is checked already."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from conda_store_shared.errors import LoginRefused

# Clocks of two machines differ.
LEEWAY_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Who must have made the token, for whom, and for which login."""

    issuer: str
    client_id: str
    nonce: str


def check_id_token(claims: Mapping[str, Any], expected: Expected, now: datetime) -> None:
    """Raise LoginRefused unless the claims are those of ``expected`` and count at ``now``."""
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    others = claims.get("azp", expected.client_id if len(audiences) == 1 else None)
    checks = {
        "iss": claims.get("iss") == expected.issuer,
        "aud": expected.client_id in audiences,
        "azp": others == expected.client_id,
        "nonce": claims.get("nonce") == expected.nonce,
        "sub": isinstance(claims.get("sub"), str) and claims["sub"] != "",
        **_times(claims, now.timestamp()),
    }
    wrong = [name for name, holds in checks.items() if not holds]
    if wrong:
        raise LoginRefused(f"the id token is not for this login: {', '.join(wrong)}")


def _times(claims: Mapping[str, Any], now: float) -> dict[str, bool]:
    expires, issued, begins = (_seconds(claims.get(name)) for name in ("exp", "iat", "nbf"))
    return {
        "exp": expires is not None and now < expires + LEEWAY_SECONDS,
        "iat": issued is not None and issued <= now + LEEWAY_SECONDS,
        "nbf": "nbf" not in claims or (begins is not None and begins <= now + LEEWAY_SECONDS),
    }


def _seconds(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:
        return None
