"""The Hugging Face hub: a folder goes there as it is."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Literal

from magdi.core.errors import StorageError, first_line
from magdi.core.redact import redact

Kind = Literal["model", "dataset"]


def push(folder: Path, name: str, kind: Kind, *, private: bool | None = None) -> str:
    """Uploads a folder, its card among it, to a repository of the hub, which is made when it is missing.

    The token is the one that huggingface_hub finds (``HF_TOKEN``, or what ``hf auth login`` has kept), the hub that of
    ``HF_ENDPOINT``. Files of the repository that the folder does not have stay.

    Args:
        folder: What is uploaded.
        name: ``NAME``, or ``OWNER/NAME``.
        kind: What the repository is of.
        private: Whether only its owner sees it; None for a new one that is, and one that is there as it is.

    Returns:
        The repository's address.

    Raises:
        StorageError: It cannot be pushed: no token, no right to, no network.
    """
    import httpx
    from huggingface_hub import HfApi

    api = HfApi(library_name="magdi", library_version=version("magdi"))
    try:
        made = api.create_repo(name, repo_type=kind, private=private is not False, exist_ok=True)
        if private is not None:
            api.update_repo_settings(made.repo_id, repo_type=kind, private=private)
        said = f"Upload by magdi {version('magdi')}"
        api.upload_folder(repo_id=made.repo_id, repo_type=kind, folder_path=folder, commit_message=said)
        return str(made)
    except (OSError, ValueError, RuntimeError, httpx.HTTPError) as error:
        raise StorageError(
            f"{name} was not pushed to the hub: {redact(first_line(error))}",
            hint="hf auth login, or HF_TOKEN of one who may write there; what is there is brought up to date by the "
            "same command",
        ) from error
