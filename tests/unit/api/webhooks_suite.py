"""Webhooks over HTTP: whose they are, what they may be, and what nobody is ever shown; on every database."""

import asyncio
import base64
import json
from typing import Any

from structlog.testing import capture_logs

from conda_store_api.domain.webhook import WebhookState
from conda_store_shared.domain.public_event import PublicEventType
from tests.unit.api.api_client import Api, open_api
from tests.unit.api.ledger_builders import Ledger
from tests.unit.api.webhook_rows import (
    URL,
    add_delivery,
    add_events,
    bindings,
    change_row,
    listed,
    made,
    post,
    secrets,
    shown,
    told,
)

COMPLETED = PublicEventType.BUILD_COMPLETED
MISSING = (404, "webhook does not exist")
DENIED = (403, "request not authorized")

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"types": ["build.exploded"]}, "there are no events of type 'build.exploded'; known are build.queued, "),
    ({"types": ["*"]}, "there are no events of type '*'"),
    ({"url": "ftp://ci.example.org/"}, "the url must begin with https:// or http:// and a host"),
    ({"url": "http://ann:geheim@ci.example.org/"}, "the url has a user or a password in it"),
    ({"url": "http://127.0.0.1:8080/"}, "127.0.0.1 is an address of a private network"),
    ({"url": "http://169.254.169.254/latest/"}, "169.254.169.254 is an address of a private network"),
    ({"url": f"https://ci.example.org/{'a' * 2048}"}, "the url is longer than 2048 characters"),
    ({"namespace": None, "environment": "weather"}, "environment='weather' needs the namespace that it is in"),
]


class WebhooksSuite:
    """Suites below run on the ledger of their directory."""

    async def test_new_webhook_hears_of_what_comes_after_it(self, api: Api, ledger: Ledger) -> None:
        earlier = await add_events(ledger, PublicEventType.BUILD_QUEUED, COMPLETED)
        webhook = await made(api, types=["build.*", "environment.deleted", "build.*"], description="the CI")
        newest = (await api.get("/event/", params={"limit": 1})).json()["data"][0]["id"]
        assert webhook.pop("secret").startswith("whsec_")
        assert webhook == await shown(api, webhook["id"])
        assert {key: webhook[key] for key in ("url", "description", "owner", "namespace", "environment", "types")} == {
            "url": URL,
            "description": "the CI",
            "owner": "owner",
            "namespace": "team",
            "environment": None,
            "types": ["build.*", "environment.deleted"],
        }
        assert (webhook["state"], webhook["disabled_reason"], webhook["failing_since"]) == ("active", None, None)
        assert webhook["position"] == newest
        assert int(newest) > earlier[-1]
        assert [secret["expires_on"] for secret in webhook["secrets"]] == [None]

    async def test_secret_is_32_random_bytes_that_no_cache_keeps(self, api: Api) -> None:
        first = await made(api)
        answer = await post(api, url=f"{URL}&other=1")
        second = answer.json()["data"]
        assert answer.headers["cache-control"] == "no-store"
        for webhook in (first, second):
            assert len(base64.b64decode(webhook["secret"].removeprefix("whsec_"), validate=True)) == 32
        assert first["secret"] != second["secret"]

    async def test_secret_is_shown_once_and_is_in_no_list_log_error_or_event(self, api: Api, ledger: Ledger) -> None:
        with capture_logs() as logs:
            webhook = await made(api)
            rotated = (await api.ask("POST", f"/webhook/{webhook['id']}/secret/", "owner")).json()["data"]["secret"]
            path = f"/webhook/{webhook['id']}/"
            said = [
                await api.get("/webhook/", "owner"),
                await api.get(path, "owner"),
                await api.ask("PUT", path, "owner", json={"description": "other"}),
                await api.ask("PUT", path, "owner", json={"types": ["build.exploded"]}),
                await post(api),
                await api.ask("POST", f"{path}ping/", "owner"),
                await api.get(f"{path}delivery/", "owner"),
                await api.get("/event/"),
                await api.ask("DELETE", path, "owner"),
            ]
        texts = [*(answer.text for answer in said), json.dumps(logs, default=str)]
        for secret in (webhook["secret"], rotated):
            assert all(secret.removeprefix("whsec_")[:20] not in text for text in texts)
        told_by_log = [entry for entry in logs if entry["event"].startswith("webhook_")]
        assert {entry["event"] for entry in told_by_log} == {
            "webhook_created",
            "webhook_secret_rotated",
            "webhook_changed",
            "webhook_removed",
        }
        assert all(entry["origin"] == "https://ci.example.org" for entry in told_by_log)
        assert "geheim" not in texts[-1]

    async def test_webhook_that_makes_no_sense_is_refused(self, api: Api) -> None:
        await api.ask("POST", "/namespace/team/")
        for body, said in REFUSED:
            status, message = told(await post(api, **body))
            assert (status, message.startswith(said), "geheim" in message) == (400, True, False), message
        assert await listed(api) == []

    async def test_webhook_is_of_a_place_that_is_there_and_may_be_read(self, api: Api) -> None:
        await api.submit()
        await api.submit(namespace="lab", text="name: rain\nchannels: [conda-forge]\ndependencies: [python]\n")
        place = {"namespace": "lab", "environment": "rain"}
        assert told(await post(api, "guest", **place))[0] == 200
        assert told(await post(api, "guest", namespace="lab"))[0] == 200
        assert told(await post(api, "guest", namespace=None))[0] == 200
        assert told(await post(api, "guest", namespace="lab", environment="snow")) == DENIED
        assert told(await post(api, "guest")) == told(await post(api, "guest", namespace="nowhere")) == DENIED
        assert told(await post(api, "admin", namespace="nowhere")) == (404, "namespace does not exist")
        assert told(await post(api, environment="snow")) == (404, "environment does not exist")

    async def test_anonymous_have_no_webhooks(self, api: Api) -> None:
        webhook = await made(api)
        paths = ["/webhook/", f"/webhook/{webhook['id']}/", f"/webhook/{webhook['id']}/delivery/"]
        answers = [await api.get(path, None) for path in paths] + [await post(api, None, namespace=None)]
        assert {answer.status_code for answer in answers} == {403}

    async def test_webhook_of_somebody_else_is_not_there(self, api: Api, ledger: Ledger) -> None:
        webhook = await made(api)
        (event,) = await add_events(ledger, COMPLETED)
        path = f"/webhook/{webhook['id']}"
        delivery = f"{path}/delivery/{await add_delivery(ledger, webhook['id'], event)}"
        for caller in ("viewer", "developer", "stranger"):
            assert await listed(api, caller) == []
            for get in (f"{path}/", f"{path}/delivery/", f"{delivery}/"):
                assert told(await api.get(get, caller)) == MISSING
            for method, to in (("PUT", ""), ("DELETE", ""), ("POST", "/secret"), ("POST", "/ping")):
                assert told(await api.ask(method, f"{path}{to}/", caller, json={})) == MISSING
            for to in (f"{path}/replay/", f"{delivery}/replay/", f"{delivery}/skip/"):
                assert told(await api.ask("POST", to, caller, json={"after": 0})) == MISSING
        assert told(await api.get("/webhook/999999/", "owner")) == MISSING
        assert (await shown(api, webhook["id"]))["state"] == "active"

    async def test_who_sets_the_settings_of_a_place_sees_pauses_and_removes_its_webhooks(self, api: Api) -> None:
        webhook, everything = await made(api, "viewer"), await made(api, "viewer", namespace=None)
        assert await listed(api, "owner") == [webhook["id"]]
        assert await listed(api, "admin") == [webhook["id"], everything["id"]]
        seen = await shown(api, webhook["id"], "owner")
        assert (seen["owner"], seen["url"]) == ("viewer", "https://ci.example.org")
        path = f"/webhook/{webhook['id']}/"
        for method, to, body in (
            ("PUT", path, {"url": "https://mine.example.org/"}),
            ("PUT", path, {"types": []}),
            ("PUT", path, {"description": "mine"}),
            ("POST", f"{path}secret/", {}),
            ("POST", f"{path}ping/", {}),
            ("POST", f"{path}replay/", {"after": 0}),
        ):
            status, message = told(await api.ask(method, to, "owner", json=body))
            assert (status, message.startswith("only its owner, 'viewer', may ")) == (403, True)
        assert (await api.ask("PUT", path, "owner", json={"state": "paused"})).json()["data"]["state"] == "paused"
        assert told(await api.ask("DELETE", path, "owner")) == (200, "webhook removed")
        assert await listed(api, "viewer") == [everything["id"]]

    async def test_change_puts_what_it_names_and_leaves_the_rest(self, api: Api) -> None:
        webhook = await made(api, types=["build.failed"], description="old")
        path = f"/webhook/{webhook['id']}/"
        for body in ({}, {"url": None, "types": None, "state": None}):
            assert told(await api.ask("PUT", path, "owner", json=body))[0] == 200
        changed = (await api.ask("PUT", path, "owner", json={"types": [], "description": "new"})).json()["data"]
        assert changed == await shown(api, webhook["id"])
        kept = webhook["url"], webhook["namespace"], webhook["position"], webhook["secrets"]
        assert (changed["url"], changed["namespace"], changed["position"], changed["secrets"]) == kept
        assert (changed["types"], changed["description"]) == ([], "new")
        assert told(await api.ask("PUT", path, "owner", json={"url": "http://10.1.2.3/"}))[0] == 400
        assert told(await api.ask("PUT", path, "owner", json={"state": "disabled"}))[0] == 422

    async def test_webhook_has_the_roles_of_the_token_that_last_said_where_it_leads(
        self, api: Api, ledger: Ledger
    ) -> None:
        webhook = await made(api, "developer")
        assert await bindings(ledger, webhook["id"]) == {"team/*": ["developer"]}
        await change_row(ledger, webhook["id"], owner_bindings={"*/*": ["admin"]})
        path = f"/webhook/{webhook['id']}/"
        await api.ask("PUT", path, "developer", json={"description": "same place", "state": "paused"})
        assert await bindings(ledger, webhook["id"]) == {"*/*": ["admin"]}
        for body in ({"url": "https://other.example.org/"}, {"types": ["build.failed"]}):
            await change_row(ledger, webhook["id"], owner_bindings={"*/*": ["admin"]})
            await api.ask("PUT", path, "developer", json=body)
            assert await bindings(ledger, webhook["id"]) == {"team/*": ["developer"]}

    async def test_disabled_webhook_goes_on_when_its_owner_says_so(self, api: Api, ledger: Ledger) -> None:
        webhook = await made(api)
        gone = {"state": WebhookState.DISABLED, "disabled_reason": "it answered 410"}
        await change_row(ledger, webhook["id"], **gone)
        seen = await shown(api, webhook["id"])
        assert (seen["state"], seen["disabled_reason"]) == ("disabled", "it answered 410")
        changed = await api.ask("PUT", f"/webhook/{webhook['id']}/", "owner", json={"state": "active"})
        assert (changed.json()["data"]["state"], changed.json()["data"]["disabled_reason"]) == ("active", None)

    async def test_same_webhook_is_not_made_twice_though_the_answer_was_lost(self, api: Api) -> None:
        webhook = await made(api)
        status, message = told(await post(api, types=["build.failed"]))
        assert (status, f"webhook {webhook['id']} has this url and place already" in message) == (409, True)
        other = (await post(api, url="https://other.example.org/")).json()["data"]
        moved = await api.ask("PUT", f"/webhook/{other['id']}/", "owner", json={"url": URL})
        assert moved.status_code == 409
        assert told(await post(api, namespace=None))[0] == told(await post(api, "admin"))[0] == 200

    async def test_owner_has_no_more_webhooks_than_may_be_though_two_replicas_are_asked_at_once(
        self, api: Api, ledger: Ledger
    ) -> None:
        await api.ask("POST", "/namespace/team/")
        async with open_api(ledger, webhooks_per_owner=3) as one, open_api(ledger, webhooks_per_owner=3) as other:
            urls = [f"https://ci.example.org/{number}" for number in range(8)]
            answers = await asyncio.gather(*(post(api, url=url) for url in urls for api in (one, other)))
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [200] * 3 + [409] * 13
        kept = (await api.get("/webhook/", "owner")).json()["data"]
        assert len({webhook["url"] for webhook in kept}) == len(kept) == 3
        (full,) = {told(answer) for answer in answers if "as many as" in answer.text}
        assert full[1] == "'owner' has 3 webhooks, as many as CondaStore.webhooks_per_owner allows; remove one first"

    async def test_two_secrets_sign_at_most_and_the_newest_for_ever(self, api: Api, ledger: Ledger) -> None:
        webhook = await made(api)
        path = f"/webhook/{webhook['id']}/secret/"
        second = (await api.ask("POST", path, "owner")).json()["data"]["secret"]
        assert await secrets(ledger, webhook["id"]) == [(webhook["secret"], True), (second, False)]
        third = (await api.ask("POST", path, "owner", json={"expire_old_after": 60})).json()["data"]["secret"]
        assert await secrets(ledger, webhook["id"]) == [(second, True), (third, False)]
        signing = (await shown(api, webhook["id"]))["secrets"]
        assert [secret["expires_on"] is None for secret in signing] == [True, False]
        fourth = (await api.ask("POST", path, "owner", json={"expire_old_after": 0})).json()["data"]["secret"]
        assert await secrets(ledger, webhook["id"]) == [(fourth, False)]
        assert told(await api.ask("POST", path, "owner", json={"expire_old_after": -1}))[0] == 422

    async def test_two_secrets_are_left_when_replicas_rotate_at_once(self, api: Api, ledger: Ledger) -> None:
        webhook = await made(api)
        async with open_api(ledger) as other:
            path = f"/webhook/{webhook['id']}/secret/"
            answers = await asyncio.gather(*(each.ask("POST", path, "owner") for each in (api, other) * 3))
        shown_once = {answer.json()["data"]["secret"] for answer in answers}
        left = await secrets(ledger, webhook["id"])
        assert (len(shown_once), len(left)) == (6, 2)
        assert {secret for secret, _ in left} <= shown_once
        assert [ends for _, ends in left] == [True, False]

    async def test_list_has_each_webhook_once_and_filters(self, api: Api) -> None:
        ids = [(await made(api, url=f"https://ci.example.org/{number}"))["id"] for number in range(5)]
        everything = (await made(api, namespace=None))["id"]
        seen, cursor = [], "0"
        while cursor is not None:
            page = (await api.get("/webhook/", "owner", params={"limit": 2, "cursor": cursor})).json()
            seen += [each["id"] for each in page["data"]]
            cursor = page["cursor"]
        assert seen == [*ids, everything]
        await api.ask("PUT", f"/webhook/{ids[0]}/", "owner", json={"state": "paused"})
        assert await listed(api, namespace="team") == ids
        assert await listed(api, state="paused") == ids[:1]
        assert await listed(api, namespace="team", environment="weather") == []

    async def test_webhooks_of_a_namespace_go_with_it(self, api: Api) -> None:
        await api.submit()
        of_namespace, of_environment = await made(api), await made(api, environment="weather")
        everything = await made(api, namespace=None)
        assert (await api.ask("DELETE", "/namespace/team/")).status_code == 200
        assert await listed(api) == [everything["id"]]
        for webhook in (of_namespace, of_environment):
            assert told(await api.get(f"/webhook/{webhook['id']}/", "owner")) == MISSING

    async def test_no_webhook_is_left_when_it_is_made_while_its_namespace_is_deleted(
        self, api: Api, ledger: Ledger
    ) -> None:
        await api.ask("POST", "/namespace/team/")
        async with open_api(ledger) as other:
            urls = [f"https://ci.example.org/{number}" for number in range(4)]
            making = [post(each, url=url) for each, url in zip((api, other) * 2, urls, strict=True)]
            *answers, deleted = await asyncio.gather(*making, api.ask("DELETE", "/namespace/team/"))
        assert deleted.status_code == 200
        assert {answer.status_code for answer in answers} <= {200, 404}
        assert await listed(api) == []

    async def test_webhook_is_removed_once_when_two_ask(self, api: Api, ledger: Ledger) -> None:
        webhook = await made(api)
        async with open_api(ledger) as other:
            removing = (each.ask("DELETE", f"/webhook/{webhook['id']}/", "owner") for each in (api, other))
            answers = await asyncio.gather(*removing)
        assert sorted(answer.status_code for answer in answers) == [200, 404]
        assert await secrets(ledger, webhook["id"]) == []
