"""A mail program's one-click button, by itself: reads a message's bytes, knows nothing of ours, and presses.

`python one_click.py 127.0.0.1:8123 < message.eml` connects there, whatever host the address names, as a resolver would.
Prints the status of the answer; exits with 2 where RFC 8058 gives it no right to press.
"""

import http.client
import re
import sys
from urllib.parse import urlsplit


def header(head: bytes, name: bytes) -> bytes:
    """A header's value, unfolded; it must be there exactly once."""
    unfolded = re.sub(rb"\r\n([ \t])", rb"\1", head)
    found = [
        line.partition(b":")[2].strip() for line in unfolded.split(b"\r\n") if line.lower().startswith(name + b":")
    ]
    if len(found) != 1:
        raise SystemExit(2)
    return found[0]


def press(message: bytes, connect_to: str) -> int:
    """POST what RFC 8058 says to the https (here perhaps http) address of the message; the answer's status."""
    head = message.partition(b"\r\n\r\n")[0]
    body = header(head, b"list-unsubscribe-post")
    addresses = re.findall(rb"<(https?://[^>]+)>", header(head, b"list-unsubscribe"))
    if body != b"List-Unsubscribe=One-Click" or len(addresses) != 1:
        raise SystemExit(2)
    address = urlsplit(addresses[0].decode("ascii"))
    connection = http.client.HTTPConnection(connect_to, timeout=10)
    connection.request(
        "POST",
        address.path,
        body=body,
        headers={"Host": address.netloc, "Content-Type": "application/x-www-form-urlencoded"},
    )
    return connection.getresponse().status


if __name__ == "__main__":
    print(press(sys.stdin.buffer.read(), sys.argv[1]))
