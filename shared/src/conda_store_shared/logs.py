"""structlog for every service: one JSON line (or one coloured line on a terminal) an event, never a secret."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

# Credentials in addresses (scheme://user:secret@host), /t/<token>/ of conda channels, bearer tokens, signed queries;
# each after the word in small letters without which there are none: to look for that alone is ten times quicker.
_SECRETS = (
    # The scheme's length is bounded: without it a long word takes time by the square of its length.
    # A user alone may be a token; what follows a colon and is no port is a password, whichever signs are in it.
    (
        "://",
        re.compile(
            r"(?P<keep>[a-z][a-z0-9+.-]{0,15}://)(?!git@)"
            r"(?:[^/\s@]++|[^/\s:@]*+:(?!\d++(?:[/\s]|$))(?:(?!://)[^\s@])++)@",
            re.IGNORECASE,
        ),
        r"\g<keep>***@",
    ),
    ("/t/", re.compile(r"(?P<keep>/t/)[^/\s]+"), r"\g<keep>***"),
    ("bearer", re.compile(r"(?P<keep>Bearer\s+)[A-Za-z0-9._~+/=-]+", re.IGNORECASE), r"\g<keep>***"),
    ("basic", re.compile(r"(?P<keep>Basic\s+)[A-Za-z0-9._~+/=-]+", re.IGNORECASE), r"\g<keep>***"),
    (
        "x-amz-",
        re.compile(r"(?P<keep>X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s]+", re.IGNORECASE),
        r"\g<keep>***",
    ),
)
_NOISY = (
    "aiormq", "aio_pika", "botocore", "aiobotocore", "urllib3", "asyncio", "httpx", "httpcore", "httpx2", "httpcore2",
)  # fmt: skip


def redact(text: str) -> str:
    """Return ``text`` with credentials replaced by ``***``."""
    small = text.lower()
    for word, pattern, replacement in _SECRETS:
        if word in small:
            text = pattern.sub(replacement, text)
    return text


def _redact_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        # Whoever renders it takes the others out again.
        if not key.startswith("_"):
            event[key] = _redacted(value)
    return event


def _redacted(value: Any) -> Any:
    """A value that is logged, without credentials at any depth; what is none of JSON's kinds as its text."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {key: _redacted(held) for key, held in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted(held) for held in value]
    return value if value is None or isinstance(value, bool | int | float) else redact(str(value))


def configure_logging(service: str, level: int = logging.INFO) -> None:
    """Send everything, the standard library's loggers included, to stderr; binds ``service``."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact_event,
    ]
    renderer: Any = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))
    structlog.contextvars.bind_contextvars(service=service)
