"""Sends a little of everything to Traefik: RATE requests a second to TARGET, one after another."""

import itertools
import os
import time
import urllib.error
import urllib.request

TARGET = os.environ["TARGET"]
RATE = float(os.environ["RATE"])
JSON = {"Content-Type": "application/json"}

# Path, headers, body.
REQUESTS = [
    ("/api/service-a/", {}, None),
    ("/api/service-b/", {}, None),
    ("/api/canary/", {}, None),
    ("/api/service-a/users", JSON, b'{"name": "Alice", "role": "admin"}'),
    ("/api/canary/", {}, None),
    ("/api/httpbin/get", {}, None),
    ("/", {"Host": "tenant-a.example.com"}, None),
    ("/api/canary/", {}, None),
    ("/api/httpbin/post", JSON, b'{"test": "data"}'),
    ("/", {"Host": "tenant-b.example.com"}, None),
    ("/api/httpbin/delay/0.2", {}, None),
    ("/api/canary/", {}, None),
    ("/api/httpbin/status/503", {}, None),
    ("/api/service-b/orders", JSON, b'{"item": 7}'),
    ("/api/canary/", {}, None),
    ("/nothing-here", {}, None),
]


def send(path, headers, body):
    try:
        urllib.request.urlopen(urllib.request.Request(TARGET + path, body, headers), timeout=10).read()
    except urllib.error.HTTPError as answer:
        # An answer, if not a good one.
        answer.read()
    except OSError as error:
        print(f"{path}: {error}")


if __name__ == "__main__":
    if RATE <= 0:
        print("TRAFFIC=0: nothing is sent")
        while True:
            time.sleep(3600)
    for path, headers, body in itertools.cycle(REQUESTS):
        send(path, headers, body)
        time.sleep(1 / RATE)
