"""Options of the HTTP side of every service (contract §5.4)."""

from typing import Any

from traitlets import Bool, Int, List, TraitError, Type, Unicode, Union, validate
from traitlets.config import Configurable

from conda_store_shared.config.authentication import Authentication, DummyAuthentication


class CondaStoreServer(Configurable):
    """Where services listen and what they tell."""

    log_level = Union(
        [Int(), Unicode()], default_value=20, help="Level of the log: a number of Python's or its name."
    ).tag(config=True)
    address = Unicode(help="Address to listen on; loopback in standalone mode, else all.").tag(config=True)
    port = Int(8080, help="Port to listen on.").tag(config=True)
    url_prefix = Unicode("/", help="Path that everything is served below.").tag(config=True)
    authentication_class = Type(
        DummyAuthentication, klass=Authentication, help="How people log in."
    ).tag(config=True)
    enable_api = Bool(True, help="Whether to serve the REST API, /api/.").tag(config=True)
    enable_metrics = Bool(True, help="Whether to serve figures for Prometheus, /metrics.").tag(config=True)
    enable_registry = Bool(True, help="Whether to serve images to clients of container registries, /v2/.").tag(
        config=True
    )
    enable_ui = Bool(True, help="Whether to serve pages for people, the root of the server.").tag(config=True)
    registry_external_url = Unicode(
        "localhost:8080", help="Host and port that users pull images from, without a scheme."
    ).tag(config=True)
    max_page_size = Int(100, help="Rows on a page of a list, at most and by default.").tag(config=True)
    cors_allow_origins = List(Unicode(), [], help="Origins of web pages that may call the API.").tag(config=True)
    cors_allow_origin_regex = Unicode(
        None, allow_none=True, help="Pattern of origins of web pages that may call the API."
    ).tag(config=True)
    behind_proxy = Bool(False, help="Whether to believe the X-Forwarded-* headers of the gateway.").tag(config=True)

    @validate("url_prefix")
    def _rooted(self, proposal: Any) -> str:
        prefix: str = proposal["value"]
        if not prefix.startswith("/"):
            raise TraitError(f"c.CondaStoreServer.url_prefix: {prefix!r} must start with /")
        return prefix
