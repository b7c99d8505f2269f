"""Teachers with one thing wrong each. `Honest` speaks to an OpenAI-compatible server through urllib."""

import asyncio
import json
import logging
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field, SecretStr

from magdi.core.errors import TeacherError, TransientTeacherError
from magdi.core.mag import Usage
from magdi.core.teacher import Reply, Request, Teacher
from tests.plugins.testing.mutant_register import caught_by


class Settings(BaseModel, extra="forbid"):
    model: str = Field("stub", description="The model.")
    base_url: str = Field("http://localhost/v1", description="The server.")
    api_key: SecretStr = Field(SecretStr(""), description="The key.")
    timeout: float = Field(10, description="Seconds of patience.")


def seconds(wait: str | None) -> float | None:
    return float(wait) if wait and wait.isdigit() else None


class Honest(Teacher):
    Config = Settings

    @property
    def identity(self) -> str:
        return f"plain:{self.config.model}"

    async def complete(self, request: Request) -> Reply:
        return await asyncio.to_thread(self.send, request)

    def key(self) -> str:
        return self.config.api_key.get_secret_value()

    def patience(self) -> float:
        return self.config.timeout

    def send(self, request: Request) -> Reply:
        try:
            with urllib.request.urlopen(self.post(self.body(request)), timeout=self.patience()) as response:
                return self.read(json.load(response))
        except urllib.error.HTTPError as error:
            with error:
                raise self.refused(error.code, error.headers.get("Retry-After")) from None
        except (OSError, ValueError, LookupError) as error:
            raise TransientTeacherError(f"no answer: {error}") from None

    def body(self, request: Request) -> dict[str, Any]:
        sampling = {name: value for name, value in request.sampling if value is not None}
        return {"messages": [message.model_dump() for message in request.messages], **sampling}

    def post(self, body: Mapping[str, Any]) -> urllib.request.Request:
        headers = {"Authorization": f"Bearer {self.key()}", "Content-Type": "application/json"}
        return urllib.request.Request(f"{self.config.base_url}/chat/completions", json.dumps(body).encode(), headers)

    def read(self, answer: Mapping[str, Any]) -> Reply:
        usage = {name: answer["usage"][name] for name in ("prompt_tokens", "completion_tokens")}
        return Reply(text=answer["choices"][0]["message"]["content"], usage=Usage(**usage))

    def refused(self, status: int, wait: str | None = None) -> Exception:
        if status == 429 or status >= 500:
            return TransientTeacherError(f"status {status}", retry_after=seconds(wait))
        return TeacherError(f"status {status}")


@caught_by("keeps_secrets", alone=True)
class LeaksItsKeyInRepr(Honest):
    def __repr__(self) -> str:
        return f"Teacher(key={self.key()})"


@caught_by("keeps_secrets")
class LeaksItsKeyInTheLog(Honest):
    def post(self, body: Mapping[str, Any]) -> urllib.request.Request:
        request = super().post(body)
        logging.getLogger("mutant").debug("POST with %s", request.headers)
        return request


@caught_by("keeps_secrets")
class LeaksItsKeyInErrors(Honest):
    def refused(self, status: int, wait: str | None = None) -> Exception:
        return TeacherError(f"status {status} for key {self.key()}")


@caught_by("keeps_secrets")
class LeaksItsKeyInIdentity(Honest):
    @property
    def identity(self) -> str:
        return f"plain:{self.config.model}:{self.key()}"


@caught_by("keeps_secrets")
class LeaksItsKeyInTheCause(Honest):
    """The message is clean, the chained exception is not."""

    def refused(self, status: int, wait: str | None = None) -> Exception:
        error = super().refused(status, wait)
        error.__cause__ = ValueError(self.key())
        error.__suppress_context__ = True
        return error

    def send(self, request: Request) -> Reply:
        body = {"messages": [message.model_dump() for message in request.messages]}
        try:
            with urllib.request.urlopen(self.post(body)) as response:
                return self.read(json.load(response))
        except urllib.error.HTTPError as error:
            with error:
                refused = self.refused(error.code)
            raise refused from refused.__cause__


@caught_by("keeps_secrets")
class KeepsItsKeyInTheOpen(Honest):
    class Config(BaseModel, extra="forbid"):
        base_url: str = Field("", description="The server.")
        api_key: str = Field("", description="The key.")


@caught_by("order_kept")
class MixesUpReplies(Honest):
    """One slot for whatever is under way."""

    async def complete(self, request: Request) -> Reply:
        self.request = request
        await asyncio.sleep(0.01)
        return await asyncio.to_thread(self.send, self.request)


@caught_by("order_kept")
class PairsByArrival(Honest):
    """Whoever comes back first goes to who asked first."""

    def __init__(self, config: BaseModel | None = None) -> None:
        super().__init__(config)
        self.waiting: list[asyncio.Future[Reply]] = []

    async def complete(self, request: Request) -> Reply:
        mine: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.waiting.append(mine)
        reply = await asyncio.to_thread(self.send, request)
        self.waiting.pop(0).set_result(reply)
        return await mine


@caught_by("fails_alone", alone=True)
class FailsTogether(Honest):
    """A batch is lost with one of its items."""

    broken = False

    async def complete(self, request: Request) -> Reply:
        await asyncio.sleep(0.05 if "403" not in request.messages[-1].content else 0)
        if self.broken:
            raise TeacherError("the batch has failed")
        try:
            return await super().complete(request)
        except TeacherError:
            self.broken = True
            raise


@caught_by("fails_alone")
class RaisesWhatItLikes(Honest):
    def refused(self, status: int, wait: str | None = None) -> Exception:
        return RuntimeError(f"status {status}")


@caught_by("usage_counted", alone=True)
class CountsNothing(Honest):
    def read(self, answer: Mapping[str, Any]) -> Reply:
        return super().read(answer).model_copy(update={"usage": Usage()})


@caught_by("transient_told_apart")
class AsksAgainWhateverHappens(Honest):
    def send(self, request: Request) -> Reply:
        for _ in range(3):
            try:
                return super().send(request)
            except TeacherError as error:
                failure = error
        raise failure


@caught_by("transient_told_apart")
class ThinksAllIsTransient(Honest):
    def refused(self, status: int, wait: str | None = None) -> Exception:
        return TransientTeacherError(f"status {status}", retry_after=seconds(wait))


@caught_by("transient_told_apart")
class ThinksNothingIsTransient(Honest):
    def refused(self, status: int, wait: str | None = None) -> Exception:
        return TeacherError(f"status {status}")


@caught_by("honours_timeout", alone=True)
class WaitsForEver(Honest):
    def patience(self) -> float:
        return 30


@caught_by("honours_timeout")
class GivesUpForGood(Honest):
    def send(self, request: Request) -> Reply:
        try:
            return super().send(request)
        except TransientTeacherError as error:
            raise TeacherError(error.message) from None


@caught_by("identity")
class IsNeverTheSame(Honest):
    @property
    def identity(self) -> str:
        return f"plain:{id(self)}"


@caught_by("identity", alone=True)
class ForgetsItsModel(Honest):
    identity = "plain"


@caught_by("identity_is_all", alone=True)
class ForgetsASetting(Honest):
    """An old reply comes back for a new setting."""

    class Config(Settings):
        style: str = Field("terse", description="How it is told to write.")

    def body(self, request: Request) -> dict[str, Any]:
        return super().body(request) | {"style": self.config.style}


@caught_by("answers", alone=True)
class CutsReplies(Honest):
    def read(self, answer: Mapping[str, Any]) -> Reply:
        reply = super().read(answer)
        return reply.model_copy(update={"text": reply.text.replace("<b>", "")})


@caught_by("answers")
class ReturnsText(Honest):
    def read(self, answer: Mapping[str, Any]) -> Reply:
        return super().read(answer).text  # type: ignore[return-value]


@caught_by("answers")
class NothingListens(Honest):
    """It does not ask where it is told to."""

    def post(self, body: Mapping[str, Any]) -> urllib.request.Request:
        return urllib.request.Request("http://127.0.0.1:9/v1/chat/completions", json.dumps(body).encode())


@caught_by("passes_all_on", alone=True)
class DropsTheSystemMessage(Honest):
    def body(self, request: Request) -> dict[str, Any]:
        kept = [message.model_dump() for message in request.messages if message.role != "system"]
        return super().body(request) | {"messages": kept}


@caught_by("passes_all_on")
class PassesTheLastMessageOn(Honest):
    def body(self, request: Request) -> dict[str, Any]:
        return super().body(request) | {"messages": [request.messages[-1].model_dump()]}


@caught_by("sampling", alone=True)
class AlwaysSamplesAlike(Honest):
    def body(self, request: Request) -> dict[str, Any]:
        return super().body(request) | {"temperature": 1.0}


@caught_by("asks_every_time", alone=True)
class Remembers(Honest):
    def __init__(self, config: BaseModel | None = None) -> None:
        super().__init__(config)
        self.known: dict[tuple[str, ...], Reply] = {}

    def send(self, request: Request) -> Reply:
        key = tuple(message.content for message in request.messages)
        if key not in self.known:
            self.known[key] = super().send(request)
        return self.known[key]


@caught_by("at_once", alone=True)
class BlocksTheLoop(Honest):
    async def complete(self, request: Request) -> Reply:
        return self.send(request)


@caught_by("usage_counted")
class MixesUpItsCounts(Honest):
    def read(self, answer: Mapping[str, Any]) -> Reply:
        reply = super().read(answer)
        turned = Usage(prompt_tokens=reply.usage.completion_tokens, completion_tokens=reply.usage.prompt_tokens)
        return reply.model_copy(update={"usage": turned})


@caught_by("retry_after", alone=True)
class ForgetsToWait(Honest):
    def refused(self, status: int, wait: str | None = None) -> Exception:
        return super().refused(status)


@caught_by("broken_connections", alone=True)
class RaisesWhatBreaks(Honest):
    def send(self, request: Request) -> Reply:
        try:
            return super().send(request)
        except TransientTeacherError as error:
            if "no answer" in error.message and "timed" not in error.message:
                raise RuntimeError("broken") from None
            raise


@caught_by("transient_told_apart", alone=True)
class AsksAgainWhereItIsTransient(Honest):
    def send(self, request: Request) -> Reply:
        try:
            return super().send(request)
        except TransientTeacherError as error:
            if "503" not in error.message:
                raise
            return super().send(request)


@caught_by("another_process", alone=True)
class HashesItsSettings(Honest):
    @property
    def identity(self) -> str:
        return f"plain:{self.config.model}#{hash(self.config.model)}"


@caught_by("order_kept", alone=True)
class MixesUpCrowds(Honest):
    def __init__(self, config: BaseModel | None = None) -> None:
        super().__init__(config)
        self.crowd: list[Request] = []

    async def complete(self, request: Request) -> Reply:
        self.crowd.append(request)
        await asyncio.sleep(0.01)
        asked = self.crowd[0] if len(self.crowd) > 4 else request
        try:
            return await asyncio.to_thread(self.send, asked)
        finally:
            self.crowd.remove(request)


class LlamaCpp(Honest):
    """Honest: llama.cpp's own form."""

    def body(self, request: Request) -> dict[str, Any]:
        prompt = "\n".join(f"{message.role}: {message.content}" for message in request.messages)
        sampling = request.sampling
        fields = {"n_predict": sampling.max_tokens, "temperature": sampling.temperature, "seed": sampling.seed}
        return {"prompt": prompt} | {name: value for name, value in fields.items() if value is not None}

    def post(self, body: Mapping[str, Any]) -> urllib.request.Request:
        url = f"{self.config.base_url}/completion"
        return urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def read(self, answer: Mapping[str, Any]) -> Reply:
        usage = Usage(prompt_tokens=answer["tokens_evaluated"], completion_tokens=answer["tokens_predicted"])
        return Reply(text=answer["content"], usage=usage)


class PlainText(Honest):
    """Honest: text goes out, text comes back; it says what its server replies."""

    stub_reply = staticmethod(lambda text: f"SAID {text}")

    def post(self, body: Mapping[str, Any]) -> urllib.request.Request:
        text = "\n\n".join(message["content"] for message in body["messages"])
        return urllib.request.Request(self.config.base_url, text.encode(), {"Content-Type": "text/plain"})

    def send(self, request: Request) -> Reply:
        try:
            with urllib.request.urlopen(self.post(self.body(request)), timeout=self.patience()) as response:
                text = response.read().decode().removeprefix("SAID ")
        except urllib.error.HTTPError as error:
            with error:
                raise self.refused(error.code, error.headers.get("Retry-After")) from None
        except (OSError, ValueError, LookupError) as error:
            raise TransientTeacherError(f"no answer: {error}") from None
        words = sum(len(message.content.split()) for message in request.messages)
        return Reply(text=text, usage=Usage(prompt_tokens=words, completion_tokens=len(text.split())))


class Streams(Honest):
    """Honest: the reply comes in parts."""

    def body(self, request: Request) -> dict[str, Any]:
        return super().body(request) | {"stream": True}

    def send(self, request: Request) -> Reply:
        try:
            with urllib.request.urlopen(self.post(self.body(request)), timeout=self.patience()) as response:
                lines = [line.decode().removeprefix("data: ").strip() for line in response]
        except urllib.error.HTTPError as error:
            with error:
                raise self.refused(error.code, error.headers.get("Retry-After")) from None
        except (OSError, ValueError, LookupError) as error:
            raise TransientTeacherError(f"no answer: {error}") from None
        parts = [json.loads(line) for line in lines if line.startswith("{")]
        if not parts:
            raise TransientTeacherError(f"no parts but {lines[:1]}")
        text = "".join(part["choices"][0]["delta"].get("content", "") for part in parts)
        usage = {name: parts[-1]["usage"][name] for name in ("prompt_tokens", "completion_tokens")}
        return Reply(text=text, usage=Usage(**usage))


HONEST = [Honest, LlamaCpp, PlainText, Streams]
