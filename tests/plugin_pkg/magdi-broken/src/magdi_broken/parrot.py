"""The teacher `parrot`."""

from magdi.core.teacher import Reply, Request, Teacher


class Parrot(Teacher):
    """Says what it was told last."""

    @property
    def identity(self) -> str:
        """There is but one."""
        return "parrot"

    async def complete(self, request: Request) -> Reply:
        """Returns the last message."""
        return Reply(text=request.messages[-1].content)
