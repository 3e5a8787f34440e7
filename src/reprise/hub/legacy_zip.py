"""Checkpoints that somebody zipped by hand: one file in a ZIP, as torch.hub took before 1.6."""

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from reprise.base.errors import CorruptContent, TooLarge

MAX_UNPACKED = 64 << 30  # bytes; above any checkpoint of that time
_MAX_RATIO = 1100  # deflate cannot do better; a larger claim is a lie
_ENCRYPTED = 0x1
_BLOCK = 1 << 20


def is_legacy_zip(path: Path) -> bool:
    """Tell whether a file is a ZIP that holds exactly one file; torch's own hold many."""
    if not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as opened:
            infos = opened.infolist()
    except (zipfile.BadZipFile, OSError, NotImplementedError):
        return False
    return len(infos) == 1 and not infos[0].is_dir()


@contextmanager
def unpacked(
    archive: Path, folder: Path | None = None, *, limit: int = MAX_UNPACKED
) -> Iterator[Path]:
    """Unpack the only file of an archive for as long as the block runs.

    Its name is not used, so it cannot lead anywhere.

    Args:
        archive: The ZIP file.
        folder: Where to put the file; the system's folder for temporary files by default.
        limit: Largest size, in bytes.

    Raises:
        CorruptContent: The archive is damaged, encrypted, or lies about its size.
        TooLarge: The file is over the limit.
    """
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".unpacked-") as file:
        try:
            with zipfile.ZipFile(archive) as opened:
                info = opened.infolist()[0]
                _check_info(info, archive, limit)
                with opened.open(info) as source:
                    _copy(source, file, info.file_size)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError) as error:
            raise CorruptContent(f"{archive.name} cannot be unpacked: {error}") from error
        file.flush()
        yield Path(file.name)


def _check_info(info: zipfile.ZipInfo, archive: Path, limit: int) -> None:
    if info.file_size > limit:
        raise TooLarge(f"{archive.name} unpacks to more than {limit} bytes.")
    if info.flag_bits & _ENCRYPTED or info.file_size > (info.compress_size + 1) * _MAX_RATIO:
        raise CorruptContent(f"{archive.name} is encrypted, or lies about its size.")


def _copy(source: IO[bytes], file: IO[bytes], size: int) -> None:
    while block := source.read(_BLOCK):
        file.write(block)
    if file.tell() != size:
        raise CorruptContent(f"The file in the archive has {file.tell()} bytes instead of {size}.")
