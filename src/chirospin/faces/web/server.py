"""The server of the page: loopback, its own host names only, small requests, nothing from elsewhere."""

from __future__ import annotations

import errno
import logging
import signal
import socket
from collections.abc import Callable, Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from dash import Dash
from flask import Flask, Response, abort, request, send_from_directory
from werkzeug.exceptions import HTTPException
from werkzeug.serving import WSGIRequestHandler, make_server

from chirospin.base.errors import ModelError
from chirospin.faces.web.callbacks import connect
from chirospin.faces.web.desk import Desk
from chirospin.faces.web.page import first_layout

LOOPBACK = ("127.0.0.1", "localhost", "::1")
LARGEST = 256 * 1024  # bytes of a request
FONTS = ("STIXGeneral.ttf", "STIXGeneralItalic.ttf", "STIXGeneralBol.ttf", "STIXGeneralBolIta.ttf")


def application(desk: Desk, path: str, names: Sequence[str] = LOOPBACK) -> Dash:
    """The page as a WSGI application.

    Parameters
    ----------
    path : the problem shown at first
    names : host names that it answers to, whatever the port
    """
    app = Dash(
        "chirospin",
        assets_folder=str(files("chirospin.faces.web") / "assets"),
        serve_locally=True,
        title="chirospin",
        update_title="",
        suppress_callback_exceptions=True,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
        add_log_handler=False,
        enable_mcp=False,
    )
    app.layout = lambda: first_layout(path)
    connect(app, desk)
    guard(app.server, names, app.csp_hashes())
    return app


def guard(server: Flask, names: Iterable[str], hashes: Sequence[str] = ()) -> None:
    """Refuse foreign hosts and origins, and large requests; allow no content from elsewhere."""
    allowed = {name.lower() for name in names}
    server.config["MAX_CONTENT_LENGTH"] = LARGEST
    policy = (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
        f"script-src 'self' {' '.join(hashes)}; object-src 'none'; base-uri 'none'; "
        "frame-ancestors 'none'; form-action 'none'"
    )

    @server.before_request
    def _refuse() -> None:
        if _host_name(request.headers.get("Host", "")) not in allowed:
            abort(421, "This page answers to its own address only.")
        origin = request.headers.get("Origin")
        if origin is not None and _host_name(origin.partition("://")[2]) not in allowed:
            abort(403, "Another site may not ask this page.")
        if request.method not in ("GET", "HEAD", "POST", "OPTIONS"):
            abort(405)
        if request.method == "POST" and request.content_length is None:
            abort(411, "A request must say how long it is.")
        if (request.content_length or 0) > LARGEST:
            abort(413, f"A request may have at most {LARGEST} bytes.")

    @server.after_request
    def _headers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policy
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        return response

    @server.errorhandler(HTTPException)
    def _line(error: HTTPException) -> tuple[str, int]:
        return f"{error.code} {error.description}\n", error.code or 500

    @server.errorhandler(Exception)
    def _unforeseen(error: Exception) -> tuple[str, int]:
        if isinstance(error, HTTPException):
            return _line(error)
        line = f"{type(error).__name__}: {error}".splitlines()[0]
        logging.getLogger("chirospin").error("request to %s failed: %s", request.path, line)
        if request.method == "POST" and not _asks(request.get_json(silent=True)):
            return "400 This is not a request of the page.\n", 400
        return f"500 {line}\n", 500

    @server.route("/fonts/<name>")
    def _font(name: str) -> Response:
        import matplotlib

        if name not in FONTS:
            abort(404)
        return send_from_directory(Path(matplotlib.get_data_path()) / "fonts" / "ttf", name)


def _asks(body: Any) -> bool:
    """Whether a request has the shape that the page's own requests have."""
    return isinstance(body, dict) and {"output", "outputs", "changedPropIds"} <= body.keys()


def _host_name(host: str) -> str:
    """The name without the port, ``[::1]:8050`` as ``::1``."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if ":" in host else host


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Say nothing of requests that went well."""


def _no_address(host: str) -> ModelError:
    return ModelError(f"Option --host must be an address of this machine, but is {host!r}")


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises
    ------
    ModelError : the port is taken, or the address is not this machine's
    """
    if not 0 <= port <= 65535:
        raise ModelError(f"Option --port must be an integer in [0, 65535], but is {port}")
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    except OSError:
        raise _no_address(host) from None
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(64)
    except OSError as error:
        found.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise _no_address(host) from None
        raise ModelError(
            f"Option --port must be free on {host}, but {port} is not: "
            f"{error.strerror or error}; --port 0 takes any"
        ) from None
    return found


def serve(
    path: str,
    *,
    host: str,
    port: int,
    names: Sequence[str],
    announce: Callable[[str], None],
) -> None:
    """Serve the page until interrupted.

    Raises
    ------
    ModelError : the port is taken
    """
    bound = listening(host, port)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    desk = Desk()
    try:
        desk.warm()
        app = application(desk, path, (*LOOPBACK, host, *names))
        server = make_server(
            host,
            port,
            app.server,
            threaded=True,
            request_handler=_Quiet,
            fd=bound.fileno(),
        )
        shown = f"[{host}]" if ":" in host else host
        announce(f"http://{shown}:{bound.getsockname()[1]}/")
        server.serve_forever()
    finally:
        desk.close()
        bound.close()
