"""An objective's loss on made-up MAGs, and what a plain loop over the student's logits needs to come to the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from magdi.core.encoder import Encoder
from magdi.core.mag import Mag
from magdi.core.objective import Objective

if TYPE_CHECKING:
    from torch import Tensor

    from magdi.core.distill.encoded import Encoded


@dataclass(frozen=True)
class Lesson:
    """What an objective takes from one MAG.

    Attributes:
        columns: Its columns by name: a list of chains' places or numbers, or of tuples of them.
        logprobs: By chain's place: [tokens], log p of its tokens given its prompt, in float64.
    """

    columns: dict[str, list[Any]]
    logprobs: list[Tensor]


class LossBench:
    """Measures an objective's loss over MAGs, with a tiny student of random weights.

    Its projection is widened, so that chains differ in how likely they are.

    Args:
        objective: The objective, with its settings.
        mags: What it is measured on; made-up discussions with right, wrong and unread turns when left out.
        encoder: The graph encoder behind it; of width 32. A GCN when left out.
    """

    def __init__(self, objective: Objective, mags: Sequence[Mag] = (), encoder: Encoder | None = None) -> None:
        import torch

        from magdi.core.config.models import Student
        from magdi.core.distill.heads import Heads
        from magdi.core.distill.reading import Reading
        from magdi.core.distill.student import DistillStudent
        from magdi.encoders.gcn import Gcn
        from magdi.plugins.testing.sample_mags import sample_mags
        from magdi.plugins.testing.tiny import tiny_student

        model, tokenizer = tiny_student()
        with torch.no_grad():
            model.get_output_embeddings().weight.mul_(20)
        self._objectives = {"it": objective}
        self.student = DistillStudent(model, tokenizer, Student(adaptation="full"))
        self.heads = Heads(self._objectives, self.student.hidden_size, encoder or Gcn(self.student.hidden_size), seed=0)
        self._mags = list(Reading(tokenizer, self._objectives).read(list(mags) or sample_mags(), Counter()))

    def loss(self, *, direct: bool = True) -> float:
        """Returns the sum over all MAGs, not divided by the count, not multiplied by the weight.

        Args:
            direct: Whether the vocabulary loss is made from the projection; else from the model's logits.
        """
        import torch

        from magdi.core.distill.batch import collate
        from magdi.core.distill.layouts import LAYOUTS
        from magdi.core.distill.losses import MagLosses, Reader

        tree = LAYOUTS["tree"]
        module = MagLosses(self.student, self._objectives, self.heads, Reader(tree, direct)).eval()
        with self.student.attending(tree), torch.no_grad():
            return float(module(collate(self._mags, tree), {"it": 1.0}).total)

    def lessons(self) -> Iterator[Lesson]:
        """Yields what the objective takes from each MAG; log-probabilities are plain passes of transformers."""
        for mag in self._mags:
            columns = {name.removeprefix("it."): column for name, column in mag.columns.items()}
            listed = {
                name: column[0].tolist() if len(column) == 1 else list(map(tuple, column.T.tolist()))
                for name, column in columns.items()
            }
            yield Lesson(listed, list(self._logprobs(mag)))

    def _logprobs(self, mag: Encoded) -> Iterator[Tensor]:
        import torch

        for prompt, chain in zip((mag.prompts[place] for place in mag.prompt_of), mag.chains, strict=True):
            with torch.no_grad():
                logits = self.student.model(torch.tensor([[*prompt, *chain]])).logits[0].double()
            before = logits[len(prompt) - 1 : -1].log_softmax(-1)
            yield before.gather(-1, torch.as_tensor(chain)[:, None]).squeeze(-1)
