"""The route tables of all services as one, as the gateway shows them to the world."""

from prometheus_client import CollectorRegistry

from conda_store_api.routes import ROUTES as API_ROUTES
from conda_store_artifacts.routes import ROUTES as ARTIFACTS_ROUTES
from conda_store_auth.routes import auth_routes, callback_routes, form_routes
from conda_store_shared.web.health import Readiness, health_routes
from conda_store_shared.web.metrics import metrics_routes
from conda_store_shared.web.routing import PathRoute


def every_route() -> list[PathRoute]:
    """Every route of the suite, not yet provided with what its handlers need."""
    own = [*health_routes(Readiness({})), *metrics_routes(CollectorRegistry())]
    logins = [*form_routes(), *callback_routes()]
    return [*API_ROUTES, *auth_routes(logins), *ARTIFACTS_ROUTES, *own]
