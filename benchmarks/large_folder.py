"""Listing a folder of 10,000 files with the commit that last touched each, page by page."""

from benchmarks.rig.harness import Bench, hub, interleaved, median, report

FILES = 10_000
ROUNDS = 5


def main() -> None:
    """Measure and print."""
    with hub() as bench:
        repo = bench.create("wide")
        fill(bench, repo)
        plain, expanded = f"/api/models/{repo}/tree/main/folder", "?expand=true"
        before = bench.cpu()
        seconds = interleaved(
            ROUNDS,
            plain=lambda: pages(bench, plain),
            expanded=lambda: pages(bench, plain + expanded),
        )
        cpu = (bench.cpu() - before) / (2 * ROUNDS)
    rows: list[dict[str, object]] = [
        {"what": f"tree of {FILES} files, {name}", "ms": median(times) * 1000}
        for name, times in seconds.items()
    ]
    rows[0]["server cpu ms"] = cpu * 1000
    report("large_folder", rows)


def fill(bench: Bench, repo: str) -> None:
    """One commit with all the files."""
    from huggingface_hub import CommitOperationAdd, HfApi

    adds = [CommitOperationAdd(f"folder/{i:05}.txt", b"%d" % i) for i in range(FILES)]
    HfApi(bench.url, token=bench.token).create_commit(repo, adds, commit_message="Fill")


def pages(bench: Bench, path: str) -> None:
    """Follow the Link headers to the end."""
    count, url = 0, path
    with bench.client() as client:
        while url:
            answer = client.get(url)
            answer.raise_for_status()
            count += len(answer.json())
            url = answer.links.get("next", {}).get("url", "")
    assert count == FILES, count


if __name__ == "__main__":
    main()
