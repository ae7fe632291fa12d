"""Who may speak to whom."""

from collections.abc import Iterator, Mapping
from typing import Any

from conda_store_shared.config.server import CondaStoreServer
from tests.kubernetes.manifests import Layout

PORT = CondaStoreServer().port
PART = "app.kubernetes.io/component"
DATABASE = {"api", "auth", "artifacts", "migrate"}
SERVICES = {"api", "auth", "solver", "builder", "artifacts"}


def rules(layout: Layout, way: str) -> Iterator[tuple[set[str], Mapping[str, Any]]]:
    """Each rule, with the pods that it holds for."""
    for policy in layout.all("NetworkPolicy").values():
        spec = policy["spec"]
        assert way.capitalize() in spec["policyTypes"] or way not in spec
        for rule in spec.get(way, ()):
            yield layout.selected(spec["podSelector"]), rule


def ports(rule: Mapping[str, Any]) -> set[int]:
    return {port["port"] for port in rule["ports"]}


def reach(layout: Layout, port: int) -> set[str]:
    """Who may reach a port wherever it is."""
    return {name for pods, rule in rules(layout, "egress") if port in ports(rule) for name in pods}


def inside(layout: Layout, way: str, peer: str) -> set[tuple[str, str]]:
    """Pairs of pods of ours that the rules of one side permit, the caller first."""
    pairs = set()
    for pods, rule in rules(layout, way):
        for other in rule.get(peer, ()):
            if "podSelector" in other:
                assert ports(rule) == {PORT}
                pairs |= {(a, b) for a in pods for b in layout.selected(other["podSelector"])}
    return {(b, a) for a, b in pairs} if way == "ingress" else pairs


def test_nothing_is_permitted_that_no_policy_names(layout: Layout) -> None:
    closed = layout.all("NetworkPolicy")["nobody"]["spec"]
    assert layout.selected(closed["podSelector"]) == set(layout.pods())
    assert set(closed["policyTypes"]) == {"Ingress", "Egress"}
    assert closed.keys() == {"podSelector", "policyTypes"}


def test_only_the_gateway_asks_services_and_only_those_it_routes_to(layout: Layout) -> None:
    wanted = {("gateway", "api"), ("gateway", "auth"), ("gateway", "artifacts")}
    assert inside(layout, "egress", "to") == wanted
    assert inside(layout, "ingress", "from") == wanted


def test_database_and_broker_are_reached_by_those_who_use_them(layout: Layout) -> None:
    assert reach(layout, 5432) == DATABASE
    assert reach(layout, 5672) == reach(layout, 5671) == SERVICES
    assert reach(layout, 443) == SERVICES
    assert reach(layout, 53) == {*SERVICES, "gateway", "migrate"}


def test_from_outside_come_the_ingress_and_prometheus(layout: Layout) -> None:
    callers: dict[str, set[str]] = {}
    for pods, rule in rules(layout, "ingress"):
        for other in rule["from"]:
            if "namespaceSelector" in other:
                namespace = other["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
                callers.setdefault(namespace, set()).update(pods)
    assert callers == {"ingress-nginx": {"gateway"}, "monitoring": SERVICES}


def test_every_selector_of_a_policy_means_somebody(layout: Layout) -> None:
    known = {labels[PART] for labels in layout.labels().values()}
    for policy in layout.all("NetworkPolicy").values():
        selector = policy["spec"]["podSelector"]
        for expression in selector.get("matchExpressions", ()):
            assert set(expression["values"]) <= known
        assert layout.selected(selector)
