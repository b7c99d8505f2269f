"""Serves the page of a run that is still at work, to this machine alone, and tells it of what is new.

The page comes from an address with a secret in it, so that other users of the machine and other pages of the browser
do not find it; a request under another name than this machine's own is refused (DNS rebinding). News are server-sent
events.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from aiohttp import web

from magdi.plugins.listening import listening
from magdi.plugins.report.following import Following
from magdi.plugins.report.page import embedded, page

HOST = "127.0.0.1"
PAUSE = 1.0
"""Seconds between looks at the run; longer where a look takes long."""
SHARE = 0.1
"""Of a core that looking takes at most."""
ALIVE = 15.0
"""Seconds after which a connection on which nothing was said is tried."""


class Live:
    """A server of one page.

    Args:
        following: The run.
        title: The page's title.
        port: The port; 0 for any that is free.

    Attributes:
        port: The port that it listens on, once it does.
        listening: Set once it does, or cannot.
    """

    def __init__(self, following: Following, title: str, port: int = 0) -> None:
        self.port = port
        self.listening = asyncio.Event()
        self._following, self._title = following, title
        self._secret = secrets.token_urlsafe(12)
        self._news = asyncio.Condition()
        self._ended = False

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self.port}/{self._secret}/"

    async def run(self, stop: asyncio.Event) -> None:
        """Serves the page until it is told to stop.

        Raises:
            ConfigError: The port cannot be listened on.
            MagdiError: The run cannot be read.
        """
        await asyncio.to_thread(self._following.look)
        try:
            runner = await listening(self._application(), HOST, self.port, patience=1.0)
            self.port = runner.addresses[0][1]
        finally:
            self.listening.set()
        looking, stopped = asyncio.create_task(self._look()), asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait([looking, stopped], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self._tell(ended=True)
            looking.cancel()
            stopped.cancel()
            await runner.cleanup()
        if looking in done:
            looking.result()

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._for_us])
        application.router.add_get(f"/{self._secret}/", self._page)
        application.router.add_get(f"/{self._secret}/events", self._events)
        return application

    @web.middleware
    async def _for_us(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.host not in (f"{HOST}:{self.port}", f"localhost:{self.port}"):
            raise web.HTTPForbidden
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            if await asyncio.to_thread(self._following.look):
                await self._tell()
            await asyncio.sleep(max(PAUSE, (loop.time() - begun) / SHARE))

    async def _tell(self, *, ended: bool = False) -> None:
        async with self._news:
            self._ended = self._ended or ended
            self._news.notify_all()

    async def _page(self, request: web.Request) -> web.Response:
        text = "".join(page(self._title, [], live=True))
        return web.Response(text=text, content_type="text/html", headers=_HEADERS)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={**_HEADERS, "Content-Type": "text/event-stream"})
        await answer.prepare(request)
        epoch, place = self._place(request.headers.get("Last-Event-ID", ""))
        version = -1
        while not self._ended:
            run = self._following
            if epoch != run.epoch:
                await answer.write(b"event: again\ndata: \n\n")
                break
            if version == run.version and place == run.ready:
                if not await self._something(version):
                    await answer.write(b": still there\n\n")
                continue
            version, text, place = run.version, *self._message(place)
            await answer.write(f"event: news\nid: {epoch}.{place}\ndata: {text}\n\n".encode())
        return answer

    def _place(self, last: str) -> tuple[int, int]:
        """Returns from where a reader goes on: the beginning, or behind the last message that it had."""
        epoch, _, place = last.partition(".")
        return (int(epoch), int(place)) if epoch.isdecimal() and place.isdecimal() else (self._following.epoch, 0)

    async def _something(self, version: int) -> bool:
        """Waits for news; returns whether there are any."""
        try:
            async with asyncio.timeout(ALIVE), self._news:
                await self._news.wait_for(lambda: self._ended or self._following.version != version)
        except TimeoutError:
            return False
        return True

    def _message(self, place: int) -> tuple[str, int]:
        part = self._following.store.between(place, self._following.ready)
        return embedded({**self._following.news, **part}), place + len(part["records"])


_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
