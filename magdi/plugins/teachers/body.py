"""The body of a response, read with an eye on its size: what a server sends, and what comes of it, has an end."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from magdi.core.errors import TeacherError, TransientTeacherError

if TYPE_CHECKING:
    from aiohttp import ClientResponse

MOST_BYTES = 8 * 2**20
"""Bytes of a response, unpacked: hundreds of times the longest reply of a model."""


async def read_body(response: ClientResponse) -> bytes:
    """Returns the body of a response that is being streamed.

    Raises:
        TransientTeacherError: It is not what it says that it is packed as.
        TeacherError: It is larger than `MOST_BYTES`, or packed in another way than gzip; nothing was asked for packed.
    """
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    if packing not in ("identity", "gzip", "x-gzip", ""):
        raise TeacherError(f"the server's response is packed as {packing[:20]!r}, which was not asked for")
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 16) if packing.endswith("gzip") else None
    body = bytearray()
    try:
        async for chunk in response.content.iter_any():
            body += chunk if unpack is None else unpack.decompress(chunk, MOST_BYTES + 1 - len(body))
            if len(body) > MOST_BYTES:
                raise TeacherError(
                    f"the server's response is larger than {MOST_BYTES // 2**20} MiB", hint="that is no chat completion"
                )
    except zlib.error as error:
        raise TransientTeacherError(f"the server's response cannot be unpacked: {error}", charged=True) from None
    return bytes(body)
