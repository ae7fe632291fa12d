"""The route table: every address of this service on one page (contract §1)."""

from conda_store_api.routes.builds import (
    cancel,
    list_builds,
    list_packages,
    put_build,
    remove_build,
    show_build,
    show_stages,
)
from conda_store_api.routes.channels import get_channels
from conda_store_api.routes.docs import (
    get_docs_asset,
    redirect_to_docs,
    show_docs,
    show_oauth2_redirect,
    show_openapi,
)
from conda_store_api.routes.environments import (
    list_environments,
    list_environments_by_cursor,
    put_environment,
    remove_environment,
    show_environment,
)
from conda_store_api.routes.event_streams import follow_build, follow_events
from conda_store_api.routes.events import list_events
from conda_store_api.routes.namespaces import (
    list_namespaces,
    post_namespace,
    put_metadata,
    put_namespace,
    remove_namespace,
    show_namespace,
)
from conda_store_api.routes.packages import get_packages
from conda_store_api.routes.role_bindings import delete_role, delete_roles, list_roles, post_role, put_role, show_role
from conda_store_api.routes.settings import delete_settings, put_settings, show_settings
from conda_store_api.routes.solves import get_solution
from conda_store_api.routes.specifications import post_specification
from conda_store_api.routes.status import show_celery, show_status
from conda_store_api.routes.usage import show_usage
from conda_store_api.routes.webhook_deliveries import (
    list_deliveries,
    ping,
    replay,
    replay_events,
    show_delivery,
    skip,
)
from conda_store_api.routes.webhooks import (
    delete_webhook,
    list_webhooks,
    post_secret,
    post_webhook,
    put_webhook,
    show_webhook,
)
from conda_store_shared.web.routing import route

ROUTES = [
    route("/", get=redirect_to_docs),
    route("/celery", get=show_celery),
    route("/openapi.json", get=show_openapi),
    route("/docs", get=show_docs),
    route("/docs/assets/{name}", get=get_docs_asset),
    route("/docs/oauth2-redirect", get=show_oauth2_redirect),
    route("/redoc", get=redirect_to_docs),
    route("/api/v1/", get=show_status),
    route("/api/v1/usage/", get=show_usage),
    route("/api/v1/namespace/", get=list_namespaces),
    route(
        "/api/v1/namespace/{namespace}/",
        get=show_namespace,
        post=post_namespace,
        put=put_namespace,
        delete=remove_namespace,
    ),
    route("/api/v1/namespace/{namespace}/metadata", put=put_metadata),
    route("/api/v1/namespace/{namespace}/roles", get=list_roles, delete=delete_roles),
    route("/api/v1/namespace/{namespace}/role", get=show_role, post=post_role, put=put_role, delete=delete_role),
    route("/api/v1/specification/", get=get_solution, post=post_specification),
    route("/api/v1/environment/", get=list_environments),
    route("/api/v2/environment/", get=list_environments_by_cursor),
    route(
        "/api/v1/environment/{namespace}/{environment}/",
        get=show_environment,
        put=put_environment,
        delete=remove_environment,
    ),
    route("/api/v1/setting/", get=show_settings, put=put_settings, delete=delete_settings),
    route("/api/v1/setting/{namespace}/", get=show_settings, put=put_settings, delete=delete_settings),
    route("/api/v1/setting/{namespace}/{environment}/", get=show_settings, put=put_settings, delete=delete_settings),
    route("/api/v1/event/", get=list_events),
    route("/api/v1/webhook/", get=list_webhooks, post=post_webhook),
    route("/api/v1/webhook/{webhook_id:int}/", get=show_webhook, put=put_webhook, delete=delete_webhook),
    route("/api/v1/webhook/{webhook_id:int}/secret/", post=post_secret),
    route("/api/v1/webhook/{webhook_id:int}/ping/", post=ping),
    route("/api/v1/webhook/{webhook_id:int}/replay/", post=replay_events),
    route("/api/v1/webhook/{webhook_id:int}/delivery/", get=list_deliveries),
    route("/api/v1/webhook/{webhook_id:int}/delivery/{delivery_id:int}/", get=show_delivery),
    route("/api/v1/webhook/{webhook_id:int}/delivery/{delivery_id:int}/replay/", post=replay),
    route("/api/v1/webhook/{webhook_id:int}/delivery/{delivery_id:int}/skip/", post=skip),
    route("/api/v1/event/stream/", get=follow_events),
    route("/api/v1/build/", get=list_builds),
    route("/api/v1/build/{build_id:int}/", get=show_build, put=put_build, delete=remove_build),
    route("/api/v1/build/{build_id:int}/cancel/", put=cancel),
    route("/api/v1/build/{build_id:int}/packages/", get=list_packages),
    route("/api/v1/build/{build_id:int}/stages/", get=show_stages),
    route("/api/v1/build/{build_id:int}/events/", get=follow_build),
    route("/api/v1/channel/", get=get_channels),
    route("/api/v1/package/", get=get_packages),
]
