"""Files that only the account may read which runs the service: what is kept on disk is about people."""

import os
from pathlib import Path


def keep_private() -> None:
    """From here on this process and its children make folders of mode 0700 and files of mode 0600."""
    os.umask(0o077)


def private_folder(path: Path, *, may_be_entered: bool = False) -> Path:
    """This folder, made if need be, closed to everyone else also where it was open before, with the files in it.

    `may_be_entered`: where root runs the servers as another account, that account must get to its own folders inside.
    """
    new = [parent for parent in path.parents if not parent.exists()]
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in (path, *new):
        folder.chmod(0o711 if may_be_entered else 0o700)
    for file in path.iterdir():
        if file.is_file() and not file.is_symlink():
            file.chmod(0o600)
    return path
