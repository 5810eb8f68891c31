"""Tell requests that a web page makes a browser send to a local emulator from those of programs.

An emulator takes whoever reaches it for the owner of the account, and runs functions as processes of this machine. A page that is
open in a browser of the same machine reaches it, too: a simple request is sent without asking the emulator first, whatever CORS says
of the answer. What gives a page away: browsers add Origin to all that may change something, Sec-Fetch-Site to all requests
(https://www.w3.org/TR/fetch-metadata/), and a name of the page's own in Host, where its owner has that name lead to 127.0.0.1 (DNS
rebinding). The routes of deployed APIs are for pages, by their own rules of CORS, under the names of this machine.
"""

import ipaddress
import re

_API = re.compile(r"^/restapis/[^/]+/[^/]+/_user_request_(/|$)")
_NAMES = ("localhost", "host.docker.internal", "localhost.localstack.cloud")


def refusal(path: str, headers: dict[str, str]) -> str | None:
    """Return why a request is refused, or None if it is let in. The names of headers are in lower case."""
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
    """Make a class of http.server's request handlers answer 403 to what web pages send, and return it."""
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
    """Tell whether a value of Host is an address, or a name that nobody outside can have lead here."""
    name = re.sub(r":\d+$", "", host).strip("[]").rstrip(".").lower()
    if any(name == known or name.endswith("." + known) for known in _NAMES):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
