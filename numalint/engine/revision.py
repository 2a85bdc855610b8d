"""A revision of a git repository, as a repository of its own in another folder.

Nothing is written into the repository that it comes from, and nothing is fetched.
"""

from __future__ import annotations

import os
import subprocess


class GitError(Exception):
    """What git cannot do: a sentence for the user."""


def check_out(repository: str, revision: str, folder: str) -> None:
    """Write the files that a repository has at a revision into an empty folder, where they are tracked.

    The objects stay where they are. Raises GitError for a revision that there is not.
    """
    commit = _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if not commit:
        raise GitError(f"git knows no revision {revision!r} here; in a shallow clone fetch it first (fetch-depth: 0)")
    objects = os.path.join(repository, _git(repository, "rev-parse", "--git-path", "objects"))
    _git(folder, "init", "--quiet", "--template=", ".")
    information = os.path.join(folder, ".git", "objects", "info")
    os.makedirs(information, exist_ok=True)
    with open(os.path.join(information, "alternates"), "w", encoding="utf-8") as file:
        file.write(f"{os.path.realpath(objects)}\n")
    _git(folder, "read-tree", commit)
    _git(folder, "checkout-index", "--all", "--quiet")


def _git(folder: str, *arguments: str) -> str:
    """What git prints in a folder. It asks nobody, and fetches nothing that a partial clone has left out."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_LFS_SKIP_SMUDGE": "1"}
    offline = ["-c", "protocol.allow=never", "-c", "core.hooksPath=/dev/null"]
    try:
        done = subprocess.run(
            ["git", *offline, *arguments],
            cwd=folder,
            env=clean | quiet,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise GitError(f"git cannot be run: {error.strerror}") from error
    said = done.stderr.decode(errors="replace").strip()
    if done.returncode and said:
        raise GitError(f"git {arguments[0]} failed: {said.splitlines()[-1]}")
    return os.fsdecode(done.stdout).rstrip("\n")
