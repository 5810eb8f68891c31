"""Run MiniStack behind webguard: `python ministack_guarded.py`.

MiniStack's own settings are in the environment."""

import http.server

import ministack.app

from webguard import guarded, refusal


def guarded_app(app):
    """Return an ASGI application that answers web pages with 403 and passes other requests to app."""

    async def guard(scope, receive, send):
        why = None
        if scope["type"] in ("http", "websocket"):
            why = refusal(scope["path"], {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]})
        if why is None:
            await app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": why})
        else:
            await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": f"refused: {why}\n".encode()})

    return guard


# MiniStack's servers outside the application: the Runtime API of each function's process.
guarded(http.server.BaseHTTPRequestHandler)
ministack.app.app = guarded_app(ministack.app.app)
if __name__ == "__main__":
    ministack.app.main()
