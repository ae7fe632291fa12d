"""What an image says of itself, all of it told by the lock and the specification."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.order import Order

_ANNOTATION = "org.opencontainers.image"
_NO_TIME = "1970-01-01T00:00:00Z"
# Variables that speak to the solver, and mean nothing where the environment runs.
_FOR_SOLVER = "CONDA_OVERRIDE_"


def image_created(lockfile: Lockfile) -> str:
    """When a lockfile says it was made; else the beginning of time, so that the same lock gives the same image."""
    told = (lockfile.value.get("metadata") or {}).get("time_metadata") or {}
    try:
        moment = datetime.fromisoformat(str(told.get("created_at", "")))
    except (ValueError, AttributeError):
        return _NO_TIME
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def image_labels(order: Order, lockfile: Lockfile, registry: str) -> dict[str, str]:
    """Labels of a configuration, and annotations of a manifest; ``registry`` is where images are pulled from."""
    name = f"{order.namespace}/{order.environment}"
    return {
        f"{_ANNOTATION}.title": name,
        f"{_ANNOTATION}.source": f"{registry}/{name}",
        f"{_ANNOTATION}.revision": f"sha256:{lockfile.digest}",
        f"{_ANNOTATION}.created": image_created(lockfile),
    }


def image_variables(order: Order, of_packages: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """What is set in the environment: by its packages, and above all by its specification."""
    variables = {name: value for each in of_packages for name, value in each.items()}
    asked = order.solve.specification.get("variables") or {}
    variables |= {str(name): str(value) for name, value in asked.items()}
    return {name: value for name, value in variables.items() if not name.startswith(_FOR_SOLVER)}
