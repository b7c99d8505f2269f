"""A teacher in one file: magdi discuss --plugin examples/components/teacher.py --teacher sh=command:"my-model --ask".

Any program that reads a prompt from stdin and writes a reply to stdout. Servers that speak OpenAI's protocol need none
of this.
"""

import asyncio
import shlex

from pydantic import BaseModel, Field

from magdi import Component, Teacher, hookimpl
from magdi.core.errors import ConfigError, TeacherError, TransientTeacherError
from magdi.core.mag import Usage
from magdi.core.teacher import Reply


class Command(Teacher):
    """Asks a program of this machine; one process a reply."""

    served = False
    concurrency = 2

    class Config(BaseModel, extra="forbid"):
        """What can be set in YAML; the target of --teacher command:TARGET is ``command``."""

        command: str = Field("cat", min_length=1, description="The program and its arguments.")
        seconds: float = Field(120.0, gt=0, description="Longest wait for a reply.")

    @classmethod
    def from_target(cls, target):
        return {"command": target} if target else {}

    @property
    def identity(self):
        return f"command:{self.config.command}"

    def check(self):
        if not shlex.split(self.config.command):
            raise ConfigError("teacher command: it names no program")

    async def complete(self, request):
        prompt = "\n\n".join(message.content for message in request.messages)
        try:
            process = await asyncio.create_subprocess_exec(
                *shlex.split(self.config.command), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
            )
        except OSError as error:
            raise TeacherError(f"{self.identity} cannot be run: {error.strerror}") from error
        try:
            said, _ = await asyncio.wait_for(process.communicate(prompt.encode()), self.config.seconds)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise TransientTeacherError(f"{self.identity} did not answer in {self.config.seconds:g} s") from None
        if process.returncode:
            raise TransientTeacherError(f"{self.identity} ended with {process.returncode}")
        text = said.decode(errors="replace").strip()
        words = Usage(prompt_tokens=len(prompt.split()), completion_tokens=len(text.split()))  # about; it says nothing
        return Reply(text=text, usage=words)


@hookimpl
def magdi_teachers():
    yield Component("command", Command, "A program that reads the prompt from stdin and writes its reply to stdout.")
