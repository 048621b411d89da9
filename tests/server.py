"""A local HTTP server that hands out files in parts, and cuts connections on demand."""

import contextlib
import http.server
import re
import threading
import time
import zlib
from pathlib import Path

PIECE = 1 << 15


@contextlib.contextmanager
def serve(folder: Path, *, cut_after: int | None = None, cuts: int = 0, ranges: bool = True, slow: bool = False):
    """Serve a folder on a free port; the first `cuts` answers end after `cut_after` bytes.

    Yields the address, and a list of the first byte that each request asked for.
    """
    folder.mkdir(exist_ok=True)
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            path = folder / self.path.strip("/")
            if not path.exists():
                self.send_error(404)
                return
            content, found = path.read_bytes(), re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
            start = int(found[1]) if found and ranges else 0
            asked.append(start)
            if start > len(content) or (start == len(content) and start):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.send_header("Accept-Ranges", "bytes" if ranges else "none")
            self.send_header("ETag", f'"{zlib.crc32(content)}"')
            self.end_headers()
            left = cut_after if len(asked) <= cuts else None
            with contextlib.suppress(ConnectionError):
                end = len(content) if left is None else start + left
                for at in range(start, end, PIECE):
                    self.wfile.write(content[at : min(at + PIECE, end)])
                    if slow:
                        time.sleep(0.02)
            self.close_connection = True

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
