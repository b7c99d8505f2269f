"""A GPU that is pretended: what a real one would refuse is refused, and nothing else is."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from magdi.plugins.testing.check_process import CheckFailed, DoesNotApply
from magdi.plugins.testing.pretend_device import DEVICE, LeftBehindError, PretendDevice, pretending

HERE = torch.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    "mixes",
    [
        lambda there: there + HERE,
        lambda there: torch.cat([there, HERE]),
        lambda there: HERE @ there.T,
        lambda there: there.index_add(0, torch.tensor([0, 1]), there),
        lambda there: HERE[there.long()],
        lambda there: functional.linear(there, HERE),
        lambda there: nn.Linear(3, 2)(there),
        lambda there: there.where(HERE > 2, there),
        lambda there: there.add_(torch.ones(2, 3)),
        lambda there: there.numpy(),
        lambda there: functional.embedding(torch.tensor([0]), there),
    ],
)
def test_what_mixes_is_refused(mixes: Callable[[Tensor], object]) -> None:
    with PretendDevice(), pytest.raises(LeftBehindError):
        mixes(HERE.to(DEVICE))


@pytest.mark.parametrize(
    "computes",
    [
        lambda x: x * 2 + torch.tensor(1.0),  # a number may be anywhere
        lambda x: x[torch.tensor([1, 0])],  # as may places
        lambda x: x @ torch.eye(3, device=x.device),
        lambda x: torch.stack([x, x.new_ones(2, 3), torch.zeros_like(x)]).sum(0),
        lambda x: copy.deepcopy(nn.Linear(3, 2, bias=False).to(x.device).requires_grad_(False))(x) * 0 + x[:, :2],
        lambda x: x.to(torch.float64).to(x),
        lambda x: x.cpu() + HERE,
        lambda x: torch.from_numpy(x.cpu().numpy()).to(x.device) + x,
        lambda x: torch.tensor(x.tolist()) + x.sum().item(),
        lambda x: functional.cross_entropy(x, torch.tensor([0, 2]).to(x.device)),
    ],
)
def test_all_else_is_what_it_is_on_the_processor(computes: Callable[[Tensor], Tensor]) -> None:
    with PretendDevice():
        there = computes(HERE.to(DEVICE)).cpu()
    assert torch.equal(there, computes(HERE))


def test_it_says_where_it_is() -> None:
    with PretendDevice():
        there, module = HERE.to("cuda"), nn.BatchNorm1d(3).to("cuda")
        assert there.device == DEVICE
        assert there.is_cuda
        assert not HERE.is_cuda
        assert {each.device for each in (*module.parameters(), *module.buffers())} == {DEVICE}
        assert torch.empty(2, device="meta").device.type == "meta"
        there[0, 0] = 9.0
        assert HERE[0, 0] == 0  # it is a copy
        module.to("cpu")(HERE)
    assert there.device.type == "cpu"  # as it is


def test_gradients_are_the_processors() -> None:
    layer, found = nn.Linear(3, 2), []
    for where in ("cpu", "cuda"):
        with PretendDevice():
            moved = copy.deepcopy(layer).to(where)
            (gradient,) = torch.autograd.grad(moved(HERE.to(where)).square().sum(), [moved.weight])
            assert gradient.device.type == where
            found.append(gradient.cpu())
    assert torch.equal(*found)


def test_a_check_says_what_was_left_and_what_cannot_be_tried() -> None:
    with (
        pytest.raises(CheckFailed, match=r"on a GPU it would fail: add meets a tensor of \[2, 3\].*device="),
        pretending(),
    ):
        HERE.to(DEVICE) + HERE
    with pytest.raises(DoesNotApply, match="real GPU"), pretending():
        torch.Generator(device="cuda")
