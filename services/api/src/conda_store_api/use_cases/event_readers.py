"""What somebody may know of, by the role bindings they hold."""

from conda_store_api.repositories.events import EventReader
from conda_store_shared.domain.permission import Permission
from conda_store_shared.web.authentication import Principal


def event_reader(principal: Principal) -> EventReader:
    """What somebody may know of."""
    holding = {
        permission: [binding for binding in principal.bindings if permission in principal.permissions_of(binding)]
        for permission in Permission
    }
    return EventReader(holding=holding, authenticated=principal.authenticated)
