"""What clients of conda-store rely on, row by row, in both modes."""

from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_shared.testing.servers.conda_store import Suite
from tests.acceptance.contract.driver import Driver


def test_suite_answers_each_row_of_the_contract(suite: Suite, demo_channel_server: ChannelServer) -> None:
    seen = list(Driver(suite.url, demo_channel_server.url).drive())
    differing = {f"{each.row.method} {each.row.path}": each.differences for each in seen if each.differences}
    assert differing == {}
    assert len(seen) > 150
