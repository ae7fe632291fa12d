"""What is left of botocore's descriptions suffices for S3 anywhere."""

from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.regions import EndpointResolver

from conda_store_shared.storage.service_descriptions import lean_loader


@pytest.fixture(scope="module")
def resolvers() -> tuple[EndpointResolver, EndpointResolver]:
    """Ours, and botocore's."""
    return EndpointResolver(lean_loader().load_data("endpoints")), EndpointResolver(Loader().load_data("endpoints"))


def without_documentation(value: Any) -> Any:
    if isinstance(value, dict):
        emptied = {**value, "documentation": ""} if isinstance(value.get("documentation"), str) else value
        return {name: without_documentation(one) for name, one in emptied.items()}
    return [without_documentation(one) for one in value] if isinstance(value, list) else value


def test_s3_is_described_as_botocore_does_but_for_documentation() -> None:
    whole = Loader().load_service_model("s3", "service-2")
    assert lean_loader().load_service_model("s3", "service-2") == without_documentation(whole)


@pytest.mark.parametrize("service", ["s3", "sts", "portal.sso", "oidc"])
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1", "nowhere-1"])
def test_endpoints_are_where_botocore_has_them(
    resolvers: tuple[EndpointResolver, EndpointResolver], service: str, region: str
) -> None:
    lean, whole = resolvers
    assert lean.construct_endpoint(service, region) == whole.construct_endpoint(service, region)
