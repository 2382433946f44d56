"""Files are replaced whole: whoever reads one finds the old content or the new, never a part."""

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import PathLike, fspath
from pathlib import Path

from archgraph.diagnostics import Diagnostic, GraphError

_REMEDIES = {
    errno.ENOSPC: "free some space on the disk",
    errno.EDQUOT: "free some space, or ask for a larger quota",
    errno.EFBIG: "raise the limit on the size of files",
    errno.EROFS: "the disk is read-only; name a folder on another",
    errno.EACCES: "allow writing there, or name another folder",
    errno.EPERM: "allow writing there, or name another folder",
}
_LONGEST_NAME = 60
"""Characters of a file's name that the name of its temporary file repeats (systems allow 255 bytes)."""


def write_atomically(path: str | PathLike[str], data: bytes | str) -> None:
    """Replace the content of `path` (text in UTF-8, no newline translation), or create it.

    The data are on the disk before the name changes hands. Permissions and symbolic links are kept. A device or pipe
    is written straight through. Raises `GraphError` (AG109), and leaves all as it was, when that is not possible. Only
    a killed process can leave its temporary file (``.….NAME``) behind.
    """
    content = data.encode() if isinstance(data, str) else data
    with _refusing(path):
        given = Path(path)
        if given.exists() and not given.is_file() and not given.is_dir():
            given.write_bytes(content)
            return
        # Until the permissions of a file that exists are copied, nobody else may look into the new one.
        secrecy = 0o600 if given.exists() else 0o666
    with replacing(path) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, secrecy)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)


@contextmanager
def replacing(path: str | PathLike[str]) -> Iterator[Path]:
    """A temporary path beside `path`, ending in the same name, for somebody else to write; then it becomes `path`.

    Nothing happens to `path` when the body raises. An `OSError` of the body becomes `GraphError` (AG109).
    """
    with _refusing(path):
        target = _real(path)
    temporary = target.parent / f".{secrets.token_hex(4)}.{target.name[-_LONGEST_NAME:]}"
    try:
        with _refusing(path):
            mode = _mode(target)
            yield temporary
            _settle(temporary, mode)
            temporary.replace(target)
            _sync_folder(target.parent)
    finally:
        _discard(temporary)


@contextmanager
def replacing_folder(path: str | PathLike[str], mark: str) -> Iterator[Path]:
    """A path beside `path` for somebody else to make a folder at; then it becomes `path`.

    A folder that exists is replaced only if it holds a file called `mark`, and so is one of these. Nothing happens to
    `path` when the body raises. An `OSError` of the body becomes `GraphError` (AG109).
    """
    with _refusing(path):
        target = Path(os.path.realpath(path))
        if target.exists() and not (target / mark).is_file():
            raise FileExistsError(f"there is something else already, without {mark}")
        if not target.parent.is_dir():
            raise FileNotFoundError(f"the folder {target.parent.name!r} does not exist")
    fresh, old = (target.parent / f".{secrets.token_hex(4)}.{target.name[-_LONGEST_NAME:]}" for _ in range(2))
    try:
        with _refusing(path):
            yield fresh
            if target.exists():
                target.replace(old)
            fresh.replace(target)
            _sync_folder(target.parent)
    finally:
        if old.exists() and not target.exists():  # the second of the two renames failed
            old.replace(target)
        _discard(fresh)
        _discard(old)


def make_folder(path: str | PathLike[str]) -> None:
    """Make a folder, if there is none. Raises `GraphError` (AG109) when that is not possible."""
    with _refusing(path):
        Path(path).mkdir(exist_ok=True)


@contextmanager
def appending(path: str | PathLike[str]) -> Iterator[None]:
    """Where a file is written piece by piece: an `OSError` of the body becomes `GraphError` (AG109)."""
    with _refusing(path):
        yield


def remove(path: str | PathLike[str]) -> None:
    """Delete the file at `path`, if there is one. Raises `GraphError` (AG109) when that is not possible."""
    with _refusing(path):
        Path(path).unlink(missing_ok=True)


@contextmanager
def _refusing(path: str | PathLike[str]) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        if isinstance(error, ValueError) and "\0" not in fspath(path):
            raise
        reason = (error.strerror if isinstance(error, OSError) else "") or str(error)
        message = f"cannot write the file: {reason}"
        hint = _REMEDIES.get(error.errno or 0, "") if isinstance(error, OSError) else ""
        raise GraphError([Diagnostic("AG109", "", message, hint, file=fspath(path))]) from error


def _real(path: str | PathLike[str]) -> Path:
    """The file behind symbolic links, so that a link stays one."""
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return target


def _mode(target: Path) -> int | None:
    """The permissions of the file that will be replaced, None for a new one; refuses what must not be replaced."""
    if target.is_dir():
        raise IsADirectoryError("it is a folder")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"the folder {target.parent.name!r} does not exist")
    if not target.exists():
        return None
    if not os.access(target, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise PermissionError("the file is read-only")
    return stat.S_IMODE(target.stat().st_mode)


def _settle(temporary: Path, mode: int | None) -> None:
    """Put the content on the disk, with the permissions of the file it replaces."""
    if not temporary.is_file():
        raise FileNotFoundError("no file was written")
    descriptor = os.open(temporary, os.O_RDONLY)
    try:
        if mode is not None:
            temporary.chmod(mode)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _discard(temporary: Path) -> None:
    """Take away what is left of an attempt; that this fails must not hide why the attempt did."""
    if temporary.is_dir():
        shutil.rmtree(temporary, ignore_errors=True)
    with suppress(OSError):
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make the new name outlast a power cut. Where the system cannot do that, the replacement holds all the same."""
    if os.name != "posix":
        return
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
