"""What the manifests say, by kind and name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from conda_store_shared.contracts.topology import SERVICES

ROOT = Path(__file__).parents[2]
DIRECTORY = ROOT / "deploy" / "kubernetes"
BASE = DIRECTORY / "base"
CONFIGURATION = BASE / "conda_store_config.py"
LAYOUTS = ("shared-volume", "one-builder")
COMPONENTS = ("gateway", *SERVICES)
Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything that an overlay applies."""

    text: str
    manifests: tuple[Manifest, ...]

    @classmethod
    def of(cls, text: str) -> "Layout":
        """Read what was rendered."""
        return cls(text, tuple(document for document in yaml.safe_load_all(text) if document))

    def all(self, kind: str) -> dict[str, Manifest]:
        """Manifests of a kind, by name."""
        found = [manifest for manifest in self.manifests if manifest["kind"] == kind]
        return {manifest["metadata"]["name"]: manifest for manifest in found}

    def data(self, name: str) -> Mapping[str, str]:
        """What is in a ConfigMap, whose name ends in a digest."""
        [found] = [held["data"] for key, held in self.all("ConfigMap").items() if key.rpartition("-")[0] == name]
        data: Mapping[str, str] = found
        return data

    def pods(self) -> dict[str, Manifest]:
        """The pods' templates, by the name of what makes them."""
        makers = {**self.all("Deployment"), **self.all("Job")}
        return {name: maker["spec"]["template"] for name, maker in makers.items()}

    def containers(self) -> dict[str, Manifest]:
        """The one container of each pod, by the name of what makes the pod."""
        return {name: _only(pod["spec"]["containers"]) for name, pod in self.pods().items()}

    def labels(self) -> dict[str, Mapping[str, str]]:
        """The labels of the pods, by the name of what makes them."""
        return {name: pod["metadata"]["labels"] for name, pod in self.pods().items()}

    def selected(self, selector: Mapping[str, Any]) -> set[str]:
        """The makers of the pods that a selector means; an empty one means all."""
        return {name for name, labels in self.labels().items() if matches(selector, labels)}


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether labels are those a selector asks for."""
    wanted = selector.get("matchLabels", {})
    expressions = selector.get("matchExpressions", ())
    assert all(expression["operator"] == "In" for expression in expressions)
    return wanted.items() <= labels.items() and all(
        labels.get(expression["key"]) in expression["values"] for expression in expressions
    )


def secret_keys(volume: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Secret, key and file of everything secret in a volume."""
    sources = [volume] if "secret" in volume else volume.get("projected", {}).get("sources", ())
    for source in sources:
        secret = source["secret"]
        name = secret.get("secretName") or secret["name"]
        # Without a list every key would be there, needed or not.
        yield from ((name, item["key"], item["path"]) for item in secret["items"])


def _only(items: list[Manifest]) -> Manifest:
    [item] = items
    return item
