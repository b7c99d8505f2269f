"""As much of the Hugging Face hub as an upload needs: on this machine, in a thread."""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

TOKEN = "hf_stub_secret"
LARGE = (".safetensors", ".parquet")


class StubHub:
    """Takes what is pushed by whoever has `TOKEN`; ``with StubHub() as hub:``.

    Attributes:
        made: What repositories were made with, by kind and name.
        settings: What was set of them later.
        files: What is in them, by kind and name, and by path; of a large file the content that was sent for it.
    """

    def __init__(self) -> None:
        self.made: dict[str, Any] = {}
        self.settings: dict[str, Any] = {}
        self.files: dict[str, dict[str, bytes]] = {}
        self._large: dict[str, bytes] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, body: bytes) -> dict[str, Any]:
        """Answers a request of somebody who may."""
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path == "/api/validate-yaml":
            return {"errors": [], "warnings": []}
        if path.startswith("/large/"):
            self._large[path.removeprefix("/large/")] = body
            return {}
        if path.endswith("/info/lfs/objects/batch"):
            return self._batch(json.loads(body))
        repository = "/".join(path.removeprefix("/api/").split("/")[:3])
        assert repository in self.made, path
        if path.endswith("/settings"):
            self.settings[repository] = json.loads(body)
            return {}
        if path.endswith("/preupload/main"):
            files = [each["path"] for each in json.loads(body)["files"]]
            modes = {file: "lfs" if file.endswith(LARGE) else "regular" for file in files}
            return {
                "files": [{"path": file, "uploadMode": mode, "shouldIgnore": False} for file, mode in modes.items()]
            }
        assert path.endswith("/commit/main"), path
        for line in map(json.loads, body.splitlines()):
            self._commit(self.files.setdefault(repository, {}), line["key"], line["value"])
        at = f"{self.url}/{repository.removeprefix('models/')}/commit/1"
        return {"success": True, "commitUrl": at, "commitOid": "1", "hookOutput": ""}

    def _create(self, asked: dict[str, Any]) -> dict[str, Any]:
        kind = asked.get("type", "model")
        name = f"{asked.get('organization') or 'me'}/{asked['name']}"
        self.made[f"{kind}s/{name}"] = asked
        return {"url": f"{self.url}/{'' if kind == 'model' else f'{kind}s/'}{name}"}

    def _batch(self, asked: dict[str, Any]) -> dict[str, Any]:
        wanted = [
            {**each, "actions": {"upload": {"href": f"{self.url}/large/{each['oid']}"}}} for each in asked["objects"]
        ]
        return {"transfer": "basic", "objects": wanted}

    def _commit(self, files: dict[str, bytes], key: str, value: dict[str, Any]) -> None:
        if key == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        elif key == "lfsFile":
            files[value["path"]] = self._large[value["oid"]]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def do_POST(self) -> None:
                body = self._body()
                may = self.path.startswith("/large/") or self.headers["Authorization"] == f"Bearer {TOKEN}"
                found = hub.answer(self.command, self.path, body) if may else {"error": "Invalid credentials"}
                text = json.dumps(found).encode()
                self.send_response(200 if may else 401)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_PUT = do_POST

            def _body(self) -> bytes:
                if "Content-Length" in self.headers:
                    return self.rfile.read(int(self.headers["Content-Length"]))
                whole = b""
                while size := int(self.rfile.readline(), 16):  # chunked
                    whole += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return whole

        return Handler
