"""How many there are of each."""

from traitlets.config import Config

from conda_store_shared.config.worker import CondaStoreWorker, Ledger
from conda_store_shared.contracts.events import PrefixRequested, SolveRequested
from conda_store_shared.contracts.topology import BUILDER, SOLVER, durable_queues, queue_name
from tests.kubernetes.configuration import load
from tests.kubernetes.manifests import Layout

QUEUES = {SOLVER: queue_name(SOLVER, SolveRequested), BUILDER: queue_name(BUILDER, PrefixRequested)}


def concurrency(config: Config) -> int:
    return CondaStoreWorker(config=config).concurrency or 0


def test_solvers_and_builders_follow_the_queues_that_they_take_work_from(shared_volume: Layout) -> None:
    triggers = {
        name: trigger
        for name, scaler in shared_volume.all("ScaledObject").items()
        for trigger in scaler["spec"]["triggers"]
    }
    assert {name: trigger["metadata"]["queueName"] for name, trigger in triggers.items()} == QUEUES
    assert set(QUEUES.values()) <= {queue.name for queue in durable_queues()}
    for name, trigger in triggers.items():
        assert trigger["authenticationRef"]["name"] in shared_volume.all("TriggerAuthentication")
        assert trigger["metadata"]["value"] == str(concurrency(load(name)))


def test_ledger_releases_as_much_as_the_most_pods_can_do(shared_volume: Layout) -> None:
    capacity = Ledger(config=load("api")).capacity or 0
    for name, scaler in shared_volume.all("ScaledObject").items():
        spec = scaler["spec"]
        assert spec["scaleTargetRef"]["name"] == name
        assert capacity >= spec["maxReplicaCount"] * concurrency(load(name))


def test_who_is_scaled_by_something_has_no_number_of_its_own(layout: Layout) -> None:
    scaled = {*layout.all("HorizontalPodAutoscaler"), *layout.all("ScaledObject")}
    assert {"api", "artifacts"} <= scaled
    unsized = {name for name, deployment in layout.all("Deployment").items() if "replicas" not in deployment["spec"]}
    assert unsized == scaled


def test_servers_are_scaled_by_their_processors(layout: Layout) -> None:
    scalers = layout.all("HorizontalPodAutoscaler")
    assert set(scalers) == {"api", "artifacts"}
    for name, scaler in scalers.items():
        assert scaler["spec"]["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
        [metric] = scaler["spec"]["metrics"]
        assert metric["resource"]["name"] == "cpu"
        # Without a request there is nothing that the use could be a share of.
        assert layout.containers()[name]["resources"]["requests"]["cpu"]


def test_no_budget_keeps_a_node_from_being_emptied(layout: Layout) -> None:
    for budget in layout.all("PodDisruptionBudget").values():
        assert budget["spec"]["maxUnavailable"] == 1
