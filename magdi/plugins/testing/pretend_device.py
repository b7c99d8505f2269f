"""A GPU that is not there: what would be left behind on the processor is seen on a machine that has nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from magdi.plugins.testing.check_process import CheckFailed, DoesNotApply

DEVICE = torch.device("cuda", 0)
"""Where tensors say that they are."""

_TENSOR: Any = Tensor
_DEVICE_OF, _IS_CUDA, _SET_DATA = _TENSOR.device.__get__, _TENSOR.is_cuda.__get__, _TENSOR.data.__set__
_MAKE_SUBCLASS = _TENSOR._make_subclass
_TO_NUMPY = {_TENSOR.numpy, _TENSOR.__array__}
_TAKES_BOTH = {Tensor.copy_, Tensor.__getitem__, Tensor.__setitem__}
"""Of a tensor of a GPU: what it is given, places among them, may be on the processor."""
_COMPUTES_NOTHING = {torch._has_compatible_shallow_copy_type, Tensor.__deepcopy__}


class LeftBehindError(RuntimeError):
    """A tensor of a GPU met one that was left on the processor, or numpy."""


class PretendDevice(TorchFunctionMode):
    """Lets whatever is moved to a GPU, or made on one, compute on the processor, say otherwise, and mix with no other.

    Values are the processor's to the bit. Gradients may be taken within it or after it.

        with PretendDevice():
            out = model.to(DEVICE)(ids.to(DEVICE))

    Raises:
        LeftBehindError: A tensor that has a dimension meets one of the other place; or numpy is given one of the GPU.
    """

    def __enter__(self) -> Self:
        """Begins; parameters, which torch makes past all modes, are where what they are made of is."""
        _TENSOR._make_subclass = staticmethod(_subclass)
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        """Ends."""
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        del _TENSOR._make_subclass

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Calls a function of torch, as on a GPU."""
        if func == _DEVICE_OF:
            return DEVICE if is_there(args[0]) else func(*args)
        if func == _IS_CUDA:
            return is_there(args[0])
        if func == _SET_DATA:
            _put(args[0], is_there(args[1]))
            return func(*args)
        if func in (Tensor.to, Tensor.cuda, Tensor.cpu):
            return _moved(func, *args, **kwargs or {})
        return _computed(func, args, kwargs or {})


@contextmanager
def pretending() -> Iterator[None]:
    """Makes a check of a component as if on a GPU.

    Raises:
        CheckFailed: It left something behind.
        DoesNotApply: It asks for more of a GPU than can be pretended.
    """
    try:
        with PretendDevice():
            yield
    except CheckFailed:
        raise
    except LeftBehindError as error:
        raise CheckFailed(f"on a GPU it would fail: {error}") from error
    except (RuntimeError, AssertionError) as error:
        if "cuda" not in str(error).lower():
            raise
        raise DoesNotApply(f"it needs a real GPU to be tried: {error}") from error


def is_there(tensor: Tensor) -> bool:
    """Returns whether a tensor is on the GPU that is not there."""
    return getattr(tensor, "is_on_pretend_device", False)


def _put(tensor: Tensor, there: bool) -> Tensor:
    tensor.is_on_pretend_device = there  # type: ignore[attr-defined]
    return tensor


def _subclass(cls: type[Tensor], data: Tensor, *how: Any) -> Tensor:
    made: Tensor = _MAKE_SUBCLASS(cls, data, *how)
    return _put(made, is_there(data))


def _moved(func: Callable[..., Any], tensor: Tensor, *given: Any, **named: Any) -> Tensor:
    wanted = [*given, *named.values()]
    places = [place for place in map(_place, wanted) if place is not None]
    there = {Tensor.cuda: True, Tensor.cpu: False}.get(func, (places or [is_there(tensor)])[0])
    types = [each.dtype if isinstance(each, Tensor) else each for each in wanted]
    out = tensor.to(next((each for each in types if isinstance(each, torch.dtype)), tensor.dtype))
    if there == is_there(tensor) and out is tensor:
        return tensor
    return _put(out.clone() if out is tensor else out, there)


def _place(wanted: object) -> bool | None:
    """Returns whether an argument of `Tensor.to` stands for the GPU; None where it stands for no device."""
    if isinstance(wanted, Tensor):
        return is_there(wanted)
    return torch.device(wanted).type == DEVICE.type if isinstance(wanted, str | torch.device) else None


def _computed(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    tensors = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
    there = any(map(is_there, tensors))
    if there:
        _check_together(func, tensors)
    if kwargs.get("device") is not None:
        there = torch.device(kwargs["device"]).type == DEVICE.type
        kwargs = kwargs | ({"device": "cpu"} if there else {})
    out = func(*args, **kwargs)
    for each in tree_leaves(out):
        if isinstance(each, Tensor):
            _put(each, there)
    return out


def _check_together(func: Callable[..., Any], tensors: list[Tensor]) -> None:
    name = getattr(func, "__name__", str(func))
    if func in _TO_NUMPY:
        raise LeftBehindError(f"{name} is called of a tensor of a GPU: .cpu() comes before it")
    left = [list(each.shape) for each in tensors if each.dim() and not is_there(each)]
    if left and func not in _COMPUTES_NOTHING and not (func in _TAKES_BOTH and is_there(tensors[0])):
        raise LeftBehindError(
            f"{name} meets a tensor of {left[0]} that was left on the processor: make it with the device= of one that "
            "is given, or keep it by register_buffer"
        )
