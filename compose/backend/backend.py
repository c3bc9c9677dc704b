"""A service that says who it is, as in the guide: HTTP/1.0, and bodies that end with the connection."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAME = os.environ.get("SERVICE_NAME", "unknown")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer({"service": NAME, "path": self.path, "message": f"Hello from {NAME}!"})

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        received = self.rfile.read(length).decode(errors="replace")
        self.answer({"service": NAME, "method": "POST", "received": received, "message": f"POST received by {NAME}"})

    def answer(self, content):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    print(f"{NAME} listens on port 8000", flush=True)
    ThreadingHTTPServer(("", 8000), Handler).serve_forever()
