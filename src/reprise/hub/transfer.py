"""Files of one commit, through huggingface_hub and its cache, each checked against the listing.

That cache does not tell one endpoint from another, and older transports check only the length.
So nothing leaves here before its digest is the one that the endpoint in question lists.
"""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from reprise.base.errors import CorruptContent
from reprise.hub import api
from reprise.hub.address import Address
from reprise.hub.content import MAX_FILES, ListedFile, check_listing
from reprise.hub.progress import FileBar, Meter, byte_meter

log = logging.getLogger("reprise.hub")

_WORKERS = 8  # files in flight, as huggingface_hub does


@dataclass(frozen=True)
class Transfer:
    """A way to get the files of one commit."""

    address: Address
    commit: str
    token: str | bool | None = None
    local_dir: Path | None = None  # put files here instead of into the shared cache

    def listing(self) -> list[ListedFile]:
        """List the files of the commit.

        Raises:
            CorruptContent, InvalidId, TooLarge: The listing is not that of an honest repo.
        """
        listed = api.client(self.address.endpoint, self.token).list_repo_tree(
            str(self.address.repo_id),
            recursive=True,
            revision=self.commit,
            repo_type=self.address.repo_type.value,
        )
        return check_listing([_listed(item) for item in islice(_files(listed), MAX_FILES + 1)])

    def each(self, files: list[ListedFile], use: Callable[[ListedFile, Path], None]) -> None:
        """Get files, several at a time, and hand each over with its checked local copy.

        The first failure stops the rest.
        """
        total = sum(file.size for file in files)
        with byte_meter(f"Fetching {self.address.repo_id}", total) as meter:
            pool = ThreadPoolExecutor(_WORKERS)
            try:
                for _ in pool.map(lambda file: use(file, self._checked(file, meter)), files):
                    pass
            finally:
                pool.shutdown(cancel_futures=True)

    def _checked(self, file: ListedFile, meter: Meter) -> Path:
        bar = meter.file()
        local_path = self._get(file, bar)
        if not file.matches(local_path):
            log.warning("The cached copy of %s is not what the hub lists; fetching it", file.path)
            if local_path.is_symlink():
                local_path.unlink()  # huggingface_hub would keep it pointing at the wrong blob
            local_path = self._get(file, bar, again=True)
        if not file.matches(local_path):
            raise CorruptContent(
                f"{self.address.endpoint} sends bytes for {file.path!r} that do not match the "
                f"digest it lists at commit {self.commit}."
            )
        meter.finish(bar, file.size)
        return local_path

    def _get(self, file: ListedFile, bar: type[FileBar], *, again: bool = False) -> Path:
        from huggingface_hub import hf_hub_download

        path = hf_hub_download(
            str(self.address.repo_id),
            file.path,
            revision=self.commit,
            repo_type=self.address.repo_type.value,
            endpoint=self.address.endpoint,
            token=api.token_for(self.address.endpoint, self.token),
            local_dir=self.local_dir,
            library_name="reprise",
            force_download=again,
            tqdm_class=bar,
        )
        return Path(path)


def _files(listed: Any) -> Iterator[Any]:
    from huggingface_hub import RepoFile

    return (item for item in listed if isinstance(item, RepoFile))


def _listed(item: Any) -> ListedFile:
    large = item.lfs
    return ListedFile(
        path=item.path,
        size=large.size if large else item.size,
        oid=item.blob_id or "",
        sha256=large.sha256 if large else "",
    )
