"""Requests that are plainly right, answered without the framework's detours.

The framework looks anew at every request for whatever a route might ask of it: it tries a hundred paths in turn, passes
eight layers that catch errors, and opens and closes dependencies, forms, cookies, streams. A route of this service asks
for parts of its path, a body, the request and the response, and most requests are as they should be. For those this
does the same in a third of the time. Whatever is not plainly right is left to the framework, which begins again and
finds out what is wrong: so there is one way of refusing what can't be read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from fastapi import Request, Response
from fastapi.datastructures import DefaultPlaceholder
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import ResponseValidationError
from fastapi.params import Form
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from fastapi.utils import is_body_allowed_for_status_code
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute

from app.routers.door import Route, admit
from app.routers.errors import response_to
from app.routers.paths import Paths
from app.telemetry import Application, Message, Receive, Scope, Send

_JSON = b"application/json"


class ShortWay:
    """ASGI application: answers what is plainly right, leaves all else to `framework`, which serves the same routes."""

    def __init__(self, routes: Iterable[BaseRoute], *, framework: Application) -> None:
        self._paths: Paths[Straight | None] = Paths()
        for route in routes:
            if isinstance(route, Route):
                # The others too, so that none of them is mistaken for a plain one.
                straight = Straight(route) if is_plain(route) else None
                for method in route.methods or ():
                    self._paths.add(method, route.path, straight)
        self._framework = framework

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        straight = self._look_up(scope)
        if straight is None:
            await self._framework(scope, receive, send)
            return
        request = _Reading(scope, receive, send)
        try:
            response = await straight.answer(request)
        except Exception as error:  # noqa: BLE001 - no request goes without an answer
            response = response_to(error)
            # Some are raised to many callers, and would gather the frames of them all.
            error.__traceback__ = None
        if response is None:
            await self._framework(scope, request.again, send)
        else:
            await response(scope, receive, send)

    def _look_up(self, scope: Scope) -> Straight | None:
        """The route, its path's parameters noted in the scope; None if it is the framework's to find."""
        if scope["type"] != "http" or scope.get("root_path"):
            return None
        found = self._paths.find(scope["method"], scope["path"])
        if found is None:
            return None
        straight, parameters = found
        if straight is not None:
            scope["route"] = straight.route
            scope["path_params"] = parameters
        return straight


class _Reading(Request):
    """A request whose body is read once, and can be handed on."""

    _read: bytes | None = None

    async def body(self) -> bytes:
        """As the framework's, without its streams. Raises ClientDisconnect."""
        read = self._read
        if read is None:
            message = await self.receive()
            read = message.get("body", b"")
            if message.get("more_body", False):
                parts = [read]
                while message.get("more_body", False):
                    message = await self.receive()
                    parts.append(message.get("body", b""))
                read = b"".join(parts)
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            self._read = read
        return read

    async def again(self) -> Message:
        """What there is to receive, from the beginning."""
        if self._read is None:
            return await self.receive()
        message = {"type": "http.request", "body": self._read, "more_body": False}
        self._read = None
        return message


class Straight:
    """What a route asks for, known once and for all."""

    def __init__(self, route: Route) -> None:
        """Of a route for which `is_plain` holds."""
        dependant = route.dependant
        self.route = route
        self._access = route.access
        self._path = [(field.name, field.alias, field) for field in dependant.path_params]
        self._body = route.body_field
        self._may_lack_body = self._body is not None and not self._body.field_info.is_required()
        self._request = dependant.request_param_name
        self._response = dependant.response_param_name
        self._endpoint: Any = dependant.call
        self._answer = route.response_field
        self._status = route.status_code
        self._shape: dict[str, Any] = {
            "include": route.response_model_include,
            "exclude": route.response_model_exclude,
            "by_alias": route.response_model_by_alias,
            "exclude_unset": route.response_model_exclude_unset,
            "exclude_defaults": route.response_model_exclude_defaults,
            "exclude_none": route.response_model_exclude_none,
        }

    async def answer(self, request: Request) -> Response | None:
        """The route's answer, or None, the route not having been called, if the request is not plainly right.

        Raises what keeps the request out, and what the route does.
        """
        admitted, content_type = await admit(request, self._access)
        if admitted is not request:  # its length is not known yet
            return None
        values: dict[str, Any] = {}
        parts = request.scope["path_params"]
        for name, alias, field in self._path:
            values[name], mistakes = field.validate(parts[alias], {}, loc=())
            if mistakes:
                return None
        if self._body is not None:
            try:
                sent = await request.body()
                if sent or not self._may_lack_body:
                    if content_type != _JSON:
                        return None
                    values[self._body.name], mistakes = self._body.validate(json.loads(sent), {}, loc=())
                    if mistakes:
                        return None
                else:
                    values[self._body.name] = self._body.default
            except (ValueError, RecursionError, ClientDisconnect):
                return None
        response: Response | None = None
        if self._request is not None:
            values[self._request] = request
        if self._response is not None:
            values[self._response] = response = _nothing_said()
        return self._rendered(await self._endpoint(**values), said=response)

    def _rendered(self, result: Any, *, said: Response | None) -> Response:  # noqa: ANN401 - the route's
        """`result` as the framework renders it; `said` is the response on which the route set headers and status."""
        if isinstance(result, Response):
            rendered = result
        else:
            status = (said.status_code if said is not None else None) or self._status or 200
            if self._answer is None:
                rendered = JSONResponse(jsonable_encoder(result), status)
            else:
                checked, mistakes = self._answer.validate(result, {}, loc=("response",))
                if mistakes:
                    raise ResponseValidationError(errors=mistakes, body=result)
                content = self._answer.serialize_json(checked, **self._shape)
                rendered = Response(content, status, media_type="application/json")
            if not is_body_allowed_for_status_code(status):
                rendered.body = b""
        if said is not None:
            rendered.headers.raw.extend(said.headers.raw)
        return rendered


def is_plain(route: APIRoute) -> bool:
    """Whether `Straight` does all that this route asks for."""
    dependant = route.dependant
    asks_more = (
        dependant.dependencies
        or dependant.query_params
        or dependant.header_params
        or dependant.cookie_params
        or dependant.background_tasks_param_name
        or dependant.http_connection_param_name
        or dependant.security_scopes_param_name
    )
    body = route.body_field
    is_plain_body = body is None or (
        (body.field_info.is_required() or body.default is None)
        and not isinstance(body.field_info, Form)
        # More than one, or one that is embedded, would be put into a field of another name.
        and [body.name] == [field.name for field in dependant.body_params]
    )
    return not asks_more and is_plain_body and isinstance(route.response_class, DefaultPlaceholder)


def _nothing_said() -> Response:
    """A response for the route to set headers and a status on."""
    response = Response()
    del response.headers["content-length"]
    response.status_code = None  # pyright: ignore[reportAttributeAccessIssue]
    return response
