"""Packages in layers: few enough for every engine, and as stable as can be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_store_artifacts.domain.layer_plan import MOST_LAYERS, PlannedPackage, plan_layers

pytestmark = pytest.mark.slow

PACKAGES = st.lists(
    st.builds(PlannedPackage, name=st.text("abc", min_size=1, max_size=6), size=st.integers(0, 9)),
    max_size=300, unique_by=lambda package: package.name,
)  # fmt: skip


def many(count: int) -> list[PlannedPackage]:
    return [PlannedPackage(name=f"package-{number}", size=10_000 - number) for number in range(count)]


@given(PACKAGES, st.integers(0, 60))
def test_every_package_is_in_one_layer_and_there_are_never_too_many(
    packages: list[PlannedPackage], others: int
) -> None:
    planned = plan_layers(packages, others)
    assert sorted(index for layer in planned for index in layer) == list(range(len(packages)))
    assert len(planned) + others <= MOST_LAYERS


def test_each_package_has_a_layer_of_its_own_the_largest_first() -> None:
    packages = [PlannedPackage(name="a", size=1), PlannedPackage(name="b", size=3), PlannedPackage(name="c", size=2)]
    assert plan_layers(packages, 1) == ((1,), (2,), (0,))


@given(st.permutations(range(130)))
def test_order_in_which_packages_come_makes_no_difference(order: list[int]) -> None:
    packages = many(130)
    shuffled = [packages[index] for index in order]
    expected = [[packages[index].name for index in layer] for layer in plan_layers(packages)]
    assert [[shuffled[index].name for index in layer] for layer in plan_layers(shuffled)] == expected


def test_small_package_more_changes_one_layer() -> None:
    packages = many(200)
    more = [*packages, PlannedPackage(name="one-more", size=0)]
    before = {tuple(packages[index].name for index in layer) for layer in plan_layers(packages)}
    after = {tuple(more[index].name for index in layer) for layer in plan_layers(more)}
    assert len(after - before) == 1


def test_base_of_too_many_layers_is_refused() -> None:
    with pytest.raises(ValueError, match="120 layers leave no room"):
        plan_layers(many(130), 120)
