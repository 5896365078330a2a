"""The server of the page: loopback, its own addresses only, small requests, nothing from elsewhere."""

from __future__ import annotations

import errno
import logging
import re
import signal
import socket
import traceback
from collections.abc import Callable, Collection, Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from dash import Dash
from flask import Flask, Response, abort, request, send_from_directory
from werkzeug.exceptions import HTTPException
from werkzeug.serving import WSGIRequestHandler, make_server

import chirospin
from chirospin.base.errors import ModelError
from chirospin.base.parameters import shown
from chirospin.faces.web import callbacks, molecules
from chirospin.faces.web.callbacks import LONGEST, LONGEST_PLACE
from chirospin.faces.web.desk import Desk
from chirospin.faces.web.page import first_layout
from chirospin.faces.web.question import checked_question, question_of_text
from chirospin.faces.web.upload import ANSWER, LARGEST_UPLOAD, PATH, connect_upload
from chirospin.faces.web.worker import STOPPED, Picturing

DRAWING = "/drawing"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
PACKAGE = Path(chirospin.__file__).parent
LARGEST = 256 * 1024  # bytes of a request
LONGEST_LINE = 500  # characters of what is said of a refused request
PATIENCE = 60.0  # seconds that a connection may say nothing
UNSENT = (80, 443)  # ports that a browser leaves out
FONTS = ("STIXGeneral.ttf", "STIXGeneralItalic.ttf", "STIXGeneralBol.ttf", "STIXGeneralBolIta.ttf")
_HOST = re.compile(
    r"(?P<name>[\w.-]+|\[[0-9a-f:.%]+\])(:(?P<port>[0-9]{1,5}))?", re.ASCII | re.IGNORECASE
)


def application(desk: Desk, path: str | None, hosts: Iterable[str]) -> Dash:
    """The page as a WSGI application.

    Parameters
    ----------
    path : the problem shown at first; None asks what the user has
    hosts : NAME:PORT that it answers to, as a browser sends them
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
    callbacks.connect(app, desk)
    connect_upload(app.server, desk)
    molecules.connect_molecules(app.server, desk)
    connect_drawing(app.server, desk)
    guard(app.server, hosts, app.csp_hashes())
    return app


def connect_drawing(server: Flask, desk: Desk) -> None:
    """The address of the model's picture: GET with the question of the form."""

    @server.get(DRAWING)
    def _model_drawing() -> Response:
        who, text = request.args.get("who", ""), request.args.get("question", "")
        if not who or len(who) > LONGEST or len(text) > LONGEST_PLACE:
            abort(400, "A drawing is asked for by a page and a question.")
        question = question_of_text(text)
        checked_question(question)
        job = Picturing(question=question, dark=request.args.get("dark") == "1")
        ticket = desk.ask(f"{who}/drawing", job)
        if not ticket.wait(job.limit) or ticket.error == STOPPED:
            return Response(status=204)  # a newer one was asked for, or it did not end
        if ticket.error or not isinstance(ticket.answer, bytes):
            return _line(422, ticket.error)
        return Response(ticket.answer, mimetype="image/svg+xml")


def own_hosts(names: Iterable[str], port: int) -> set[str]:
    """NAME:PORT of each name as a browser sends it: with the page's port, where a name has none of its own.

    Raises
    ------
    ModelError : a name is none
    """
    hosts = set()
    for name in names:
        bare = f"[{name}]" if name.count(":") > 1 and not name.startswith("[") else name
        found = _HOST.fullmatch(bare)
        if found is None:
            raise ModelError(
                "Option --answer-to must be NAME or NAME:PORT, as in page.example:443, "
                f"but is {shown(name)!r}"
            )
        number = int(found["port"] or port)
        hosts.add(f"{found['name'].lower()}:{number}")
        if number in UNSENT:
            hosts.add(found["name"].lower())
    return hosts


def guard(server: Flask, hosts: Iterable[str], hashes: Sequence[str] = ()) -> None:
    """Refuse foreign hosts and origins, and large requests; allow no content from elsewhere."""
    allowed = frozenset(hosts)
    origins = {f"{scheme}://{host}" for scheme in ("http", "https") for host in allowed}
    server.config["MAX_CONTENT_LENGTH"] = LARGEST_UPLOAD
    _protect(server, allowed, origins)
    _answer_errors(server)
    policies = _policies(hashes)

    @server.after_request
    def _headers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policies.get(request.path, policies[""])
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        return response

    @server.route("/fonts/<name>")
    def _font(name: str) -> Response:
        import matplotlib

        if name not in FONTS:
            abort(404)
        return send_from_directory(Path(matplotlib.get_data_path()) / "fonts" / "ttf", name)


def _policies(hashes: Sequence[str]) -> dict[str, str]:
    """What a page may contain, by its path; that of all others at the empty path."""
    everywhere = (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
        f"script-src 'self' {' '.join(hashes)}; object-src 'none'; base-uri 'none'; "
        "frame-ancestors 'none'; form-action 'none'"
    )

    plain = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
    return {
        "": everywhere,
        PATH: plain + "frame-src 'self'; form-action 'self'; frame-ancestors 'none'",
        ANSWER: plain + "form-action 'none'; frame-ancestors 'self'",
        molecules.PATH: plain + "frame-src 'self'; form-action 'self'; frame-ancestors 'none'",
        molecules.ANSWER: plain + "script-src 'self'; form-action 'none'; frame-ancestors 'self'",
    }


def _protect(server: Flask, allowed: Collection[str], origins: Collection[str]) -> None:
    """Refuse foreign hosts and origins, and what is too large."""

    @server.before_request
    def _refuse() -> None:
        if request.headers.get("Host", "").lower() not in allowed:
            abort(421, "This page answers to its own address and port only; see --answer-to.")
        origin = request.headers.get("Origin")
        if origin is not None and origin.lower() not in origins:
            abort(403, "Another site may not ask this page.")
        if request.method not in ("GET", "HEAD", "POST", "OPTIONS"):
            abort(405)
        if request.method == "POST" and request.content_length is None:
            abort(411, "A request must say how long it is.")
        most = LARGEST_UPLOAD if request.path == ANSWER else LARGEST
        if (request.content_length or 0) > most:
            abort(413, f"A request may have at most {most} bytes.")


def _answer_errors(server: Flask) -> None:
    """One line for every request that fails."""

    @server.errorhandler(HTTPException)
    def _refused(error: HTTPException) -> Response:
        return _line(error.code or 500, str(error.description))

    @server.errorhandler(ModelError)
    def _bad_input(error: ModelError) -> Response:
        return _line(400, str(error))

    @server.errorhandler(Exception)
    def _unforeseen(error: Exception) -> Response:
        if not _reached(error):
            return _line(400, "This is not a request of the page.")
        line = f"{type(error).__name__}: {error}".splitlines()[0]
        logging.getLogger("chirospin").error("request to %s failed: %s", request.path, line)
        return _line(500, line)


def _line(code: int, text: str) -> Response:
    words = " ".join(text.split())[:LONGEST_LINE]
    return Response(f"{code} {words}\n", code, mimetype="text/plain")


def _reached(error: BaseException) -> bool:
    """Whether an error came from a function of the page, not from reading what was asked of it."""
    files = {frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)}
    return any(Path(name).is_relative_to(PACKAGE) for name in files - {__file__})


class _Quiet(WSGIRequestHandler):
    timeout = PATIENCE

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
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(64)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise _no_address(host) from None
        raise ModelError(
            f"Option --port must be free on {host}, but {port} is not: "
            f"{error.strerror or error}; --port 0 takes any"
        ) from None
    return listener


def serve(
    path: str | None,
    *,
    host: str,
    port: int,
    names: Sequence[str],
    announce: Callable[[str], None],
) -> None:
    """Serve the page until interrupted.

    Parameters
    ----------
    names : NAME or NAME:PORT that it answers to beside its own

    Raises
    ------
    ModelError : the port is taken, or a name is none
    """
    bound = listening(host, port)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    try:
        hosts = own_hosts((*LOOPBACK, host, *names), bound.getsockname()[1])
    except ModelError:
        bound.close()
        raise
    desk = Desk()
    try:
        desk.warm()
        app = application(desk, path, hosts)
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
