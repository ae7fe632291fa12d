"""Options of the HTTP side of every service (contract §5.4)."""

from typing import Any

from traitlets import Any as AnyValue
from traitlets import Bool, Dict, Int, List, TraitError, Type, Unicode, Union, validate
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
    max_open_streams = Int(
        4000, min=1, help="Streams of events and logs that one process sends at once, at most."
    ).tag(config=True)
    cors_allow_origins = List(Unicode(), [], help="Origins of web pages that may call the API.").tag(config=True)
    cors_allow_origin_regex = Unicode(
        None, allow_none=True, help="Pattern of origins of web pages that may call the API."
    ).tag(config=True)
    behind_proxy = Bool(False, help="Whether to believe the X-Forwarded-* headers of the gateway.").tag(config=True)
    trusted_proxies = List(
        Unicode(),
        ["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
        help="Networks whose X-Forwarded-* headers are believed when behind_proxy is set.",
    ).tag(config=True)
    templates = AnyValue(
        None,
        allow_none=True,
        help="Directory of Jinja templates, or Jinja2Templates of Starlette, used in place of ours of the same name.",
    ).tag(config=True)
    template_vars = Dict(help="What templates know besides, such as banner and logo.").tag(config=True)
    additional_routes = List(
        AnyValue(),
        [],
        help="Routes of your own: (path, method, function of the request).  They check themselves who calls.",
    ).tag(config=True)
    secret_key = Unicode("", help="Key that signed sessions.").tag(
        config=True, secret=True, gone="sessions are signed with AuthenticationBackend.secret"
    )
    config_file = Unicode("", help="Configuration file.").tag(config=True, gone="the file is named by --config")
    standalone = Bool(False, help="Whether one process does everything.").tag(
        config=True, gone="the command conda-store-server does everything with --standalone"
    )
    reload = Bool(False, help="Whether the server restarts when its code changes.").tag(
        config=True, gone="nothing watches the code; start the process again"
    )

    @validate("url_prefix")
    def _rooted(self, proposal: Any) -> str:
        prefix: str = proposal["value"]
        if not prefix.startswith("/"):
            raise TraitError(f"c.CondaStoreServer.url_prefix: {prefix!r} must start with /")
        return prefix
