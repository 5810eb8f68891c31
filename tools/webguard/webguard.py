"""Tell requests of web pages to a local emulator from those of programs.

An emulator trusts every client as the owner of the account, and runs functions as processes of this machine. A page open in
a browser of the same machine reaches it, too: simple requests are sent without a preflight, whatever CORS says of the
response. Signs of a page: browsers add Origin to requests that may change something and Sec-Fetch-Site to all requests
(https://www.w3.org/TR/fetch-metadata/); with DNS rebinding, Host has the page's own name, which resolves to 127.0.0.1.
Routes of deployed APIs are open to pages, by their own CORS rules, under the names of this machine.
"""

import ipaddress
import re

_API = re.compile(r"^/restapis/[^/]+/[^/]+/_user_request_(/|$)")
_NAMES = ("localhost", "host.docker.internal", "localhost.localstack.cloud")


def refusal(path: str, headers: dict[str, str]) -> str | None:
    """Return why a request is refused, or None. Header names are in lower case."""
    host = headers.get("host", "")
    if host and not _local(host):
        return "the name in Host is not one of this machine"
    if _API.match(path):
        return None
    if "origin" in headers:
        return "a web page sent it, as Origin says"
    if headers.get("sec-fetch-site", "none") != "none":
        return "a web page sent it, as Sec-Fetch-Site says"
    return None


def guarded(handler):
    """Make a class of http.server's request handlers answer web pages with 403, and return it."""
    read = handler.parse_request

    def parse_request(self):
        if not read(self):
            return False
        if why := refusal(self.path, {name.lower(): value for name, value in self.headers.items()}):
            self.send_error(403, f"refused: {why}")
            return False
        return True

    handler.parse_request = parse_request
    return handler


def _local(host: str) -> bool:
    """Return whether a Host is an address or a name that cannot be rebound from outside."""
    name = re.sub(r":\d+$", "", host).strip("[]").rstrip(".").lower()
    if any(name == known or name.endswith("." + known) for known in _NAMES):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
