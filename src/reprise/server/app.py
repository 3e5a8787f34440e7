"""The hub as an ASGI application: every route in one visible list."""

import secrets

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from reprise.base.errors import RepriseError
from reprise.base.lru import Lru
from reprise.formats.xet.shards import MAX_SHARD
from reprise.registry import contents
from reprise.registry.downloads import Downloads
from reprise.registry.info import InfoCaches
from reprise.registry.registry import Registry
from reprise.registry.repos import RepoMoved
from reprise.server import boards, manifests
from reprise.server.bulk import Budget, bulk
from reprise.server.calls import face
from reprise.server.errors import on_crash, on_http_error, on_moved, on_reprise_error
from reprise.server.faces import (
    catalogue,
    claims,
    defaults,
    entry_points,
    evaluations,
    git_http,
    github,
    hf_accounts,
    hf_catalogue,
    hf_discussions,
    hf_info,
    hf_listing,
    hf_read,
    hf_refs,
    hf_repos,
    hf_write,
    inference,
    leaderboards,
    lfs,
    lfs_transfers,
    openai,
    papers,
    verdict_log,
    verifier_keys,
    workers,
    xet,
    xet_xorbs,
)
from reprise.server.indexing import Indexer
from reprise.server.inference.dispatch import Dispatch
from reprise.server.inference.jobs import Kind
from reprise.server.inference.settings import Settings
from reprise.server.observe import Observed, health
from reprise.server.paths import RawPath, register_convertors
from reprise.server.pouring import Pouring
from reprise.server.routing import IndexedRouter
from reprise.server.threads import new_senders, new_threads
from reprise.server.web.account_page import account_or_legacy_page
from reprise.server.web.blob_page import blob_page
from reprise.server.web.claim_page import claim_page
from reprise.server.web.entry_points_page import entry_points_page
from reprise.server.web.error_pages import for_people
from reprise.server.web.files_page import files_page
from reprise.server.web.history_page import commit_page, history_page
from reprise.server.web.home import home
from reprise.server.web.leaderboard_pages import (
    leaderboard_page,
    leaderboards_page,
    past_leaderboard_page,
)
from reprise.server.web.lists import list_page, metrics_or_page
from reprise.server.web.state import Web
from reprise.server.web.static_files import favicon, static_file
from reprise.server.web.try_page import try_page

register_convertors()

_SESSIONS = 10_000  # xet uploads to remember, each by its token
_API = "/api/{type:api}/{repo:repo}"
_WEB = "/{type:web}{repo:repo}"
_RUN = "/models/{repo:repo}"
_DISCUSSION = f"{_API}/discussions/{{num:seg}}"
_VERDICTS = "/api/claims/{digest:seg}/verdicts"
_LISTINGS = 64 << 20  # bytes of listings kept between pages

# Order matters only where a repo id could swallow a fixed word: longer paths come first.
ROUTES = [
    # -- accounts
    Route("/api/whoami-v2", face(hf_accounts.whoami)),
    Route("/api/users/{name:seg}/overview", face(hf_accounts.user_overview)),
    Route("/api/organizations/{name:seg}/overview", face(hf_accounts.org_overview)),
    Route("/api/organizations/{name:seg}/members", face(hf_accounts.org_members)),
    # -- repos
    Route("/api/repos/create", face(hf_repos.create), methods=["POST"]),
    Route("/api/repos/delete", face(hf_repos.delete), methods=["DELETE"]),
    Route("/api/repos/move", face(hf_repos.move), methods=["POST"]),
    Route(f"{_API}/settings", face(hf_repos.settings), methods=["PUT"]),
    Route(f"{_API}/auth-check", face(hf_repos.auth_check)),
    Route(f"{_API}/auth-check/write", face(hf_repos.auth_check)),
    # -- xet
    Route(f"{_API}/xet-read-token/{{rev:seg}}", face(xet.read_token)),
    Route(f"{_API}/xet-write-token/{{rev:seg}}", face(xet.write_token)),
    Route("/{cas:cas}/chunk{s:plural}/{prefix:seg}/{hash:seg}", face(xet.query_chunk)),
    Route("/cas/v1/xorb-grants/{prefix:seg}/{hash:seg}", face(xet.grant_xorb), methods=["POST"]),
    Route(
        "/{cas:cas}/xorb{s:plural}/{prefix:seg}/{hash:seg}",
        xet_xorbs.upload,
        methods=["POST"],
    ),
    Route("/{cas:cas}/shards", bulk(xet.upload_shard, limit=MAX_SHARD), methods=["POST"]),
    Route(
        "/cas/shard/{prefix:seg}/{hash:seg}",
        bulk(xet.upload_shard, limit=MAX_SHARD),
        methods=["POST"],
    ),
    Route("/cas/v2/shards", bulk(xet.upload_shard_streaming, limit=MAX_SHARD), methods=["POST"]),
    Route("/{cas:cas}/reconstruction{s:plural}/{file:seg}", face(xet.reconstruct_v1)),
    Route("/cas/v2/reconstructions/{file:seg}", face(xet.reconstruct_v2)),
    Route("/cas/xorbs", face(xet_xorbs.xorb)),
    # -- files: reading
    Route(f"{_WEB}/resolve/{{rev:seg}}/{{path:tail}}", face(hf_read.resolve)),
    Route(f"{_API}/resolve/{{rev:seg}}/{{path:tail}}", face(hf_read.resolve)),
    Route(f"{_WEB}/raw/{{rev:seg}}/{{path:tail}}", face(hf_read.raw)),
    Route(f"{_API}/tree/{{rev:seg}}", face(hf_read.tree)),
    Route(f"{_API}/tree/{{rev:seg}}/{{path:tail}}", face(hf_read.tree)),
    Route(f"{_API}/paths-info/{{rev:seg}}", face(hf_read.paths_info), methods=["POST"]),
    # -- files: writing
    Route(f"{_API}/preupload/{{rev:seg}}", face(hf_write.plan_upload), methods=["POST"]),
    Route(f"{_API}/commit/{{rev:seg}}", hf_write.commit, methods=["POST"]),
    Route(f"{_API}/lfs-files", face(hf_write.list_large_files)),
    Route(f"{_API}/lfs-files/batch", face(hf_write.delete_large_files), methods=["POST"]),
    # -- branches, tags, history
    Route(f"{_API}/refs", face(hf_refs.list_refs)),
    Route(f"{_API}/commits/{{rev:seg}}", face(hf_refs.list_commits)),
    Route(f"{_API}/branch/{{branch:seg}}", face(hf_refs.create_branch), methods=["POST"]),
    Route(f"{_API}/branch/{{branch:seg}}", face(hf_refs.delete_branch), methods=["DELETE"]),
    Route(f"{_API}/tag/{{rev:seg}}", face(hf_refs.create_tag), methods=["POST"]),
    Route(f"{_API}/tag/{{rev:seg}}", face(hf_refs.delete_tag), methods=["DELETE"]),
    Route(f"{_API}/super-squash/{{branch:seg}}", face(hf_refs.super_squash), methods=["POST"]),
    # -- discussions and pull requests
    Route(f"{_API}/discussions", face(hf_discussions.list_discussions)),
    Route(f"{_API}/discussions", face(hf_discussions.create), methods=["POST"]),
    Route(_DISCUSSION, face(hf_discussions.details)),
    Route(f"{_DISCUSSION}/comment", face(hf_discussions.comment), methods=["POST"]),
    Route(
        f"{_DISCUSSION}/comment/{{id:seg}}/edit",
        face(hf_discussions.edit_comment),
        methods=["POST"],
    ),
    Route(
        f"{_DISCUSSION}/comment/{{id:seg}}/hide",
        face(hf_discussions.hide_comment),
        methods=["POST"],
    ),
    Route(f"{_DISCUSSION}/title", face(hf_discussions.rename), methods=["POST"]),
    Route(f"{_DISCUSSION}/status", face(hf_discussions.set_status), methods=["POST"]),
    Route(f"{_DISCUSSION}/merge", face(hf_discussions.merge), methods=["POST"]),
    # -- git-lfs
    Route(f"{_WEB}.git/info/lfs/objects/batch", face(lfs.batch), methods=["POST"]),
    Route(f"{_WEB}.git/info/lfs/locks", face(lfs.locks), methods=["GET", "POST"]),
    Route(f"{_WEB}.git/info/lfs/locks/verify", face(lfs.locks), methods=["POST"]),
    Route("/api/lfs/objects/{oid:seg}", lfs_transfers.upload, methods=["PUT"]),
    Route("/api/lfs/objects/{oid:seg}", face(lfs_transfers.download)),
    Route("/api/lfs/verify", face(lfs_transfers.verify), methods=["POST"]),
    Route("/api/lfs/uploads/{upload:seg}", face(lfs_transfers.finish_upload), methods=["POST"]),
    Route("/api/lfs/uploads/{upload:seg}/{number:seg}", lfs_transfers.upload_part, methods=["PUT"]),
    # -- listing
    Route("/api/{type:api}", face(hf_listing.list_repos)),
    Route("/api/{type:api}-tags-by-type", face(hf_catalogue.tags_by_type)),
    Route("/api/tasks", face(hf_catalogue.tasks)),
    Route("/api/defaults", face(defaults.signed)),
    Route("/api/validate-yaml", face(hf_catalogue.validate_yaml), methods=["POST"]),
    # -- entry points
    Route("/api/entry-points", face(entry_points.search)),
    Route(f"{_API}/entry-points/{{rev:seg}}", face(entry_points.manifest)),
    # -- papers
    Route("/api/papers", face(papers.list_papers)),
    Route("/api/arxiv/{id:seg}/repos", face(papers.repos_of_arxiv)),
    Route(f"{_API}/papers", face(papers.of_repo)),
    # -- the curated catalogue
    Route("/api/submissions", face(catalogue.list_submissions)),
    Route(f"{_API}/submission", face(catalogue.submit), methods=["POST"]),
    Route(f"{_API}/submission", face(catalogue.show)),
    Route(f"{_API}/submission/checks", face(catalogue.check), methods=["POST"]),
    Route(f"{_API}/submission/runs", face(catalogue.send_run), methods=["POST"]),
    Route(f"{_API}/submission/runs", face(catalogue.list_runs)),
    Route(f"{_API}/submission/decision", face(catalogue.decide), methods=["POST"]),
    Route(f"{_WEB}/notebook/{{rev:seg}}", face(catalogue.card_notebook)),
    Route(f"{_API}/badge.svg", face(catalogue.badge)),
    Route(f"{_API}/vote", face(catalogue.vote), methods=["POST", "DELETE"]),
    Route(f"{_API}/like", face(catalogue.vote), methods=["POST", "DELETE"]),
    Route(f"{_API}/likers", face(catalogue.likers)),
    Route(f"{_API}/reports", face(catalogue.send_report), methods=["POST"]),
    Route(f"{_API}/reports", face(catalogue.list_reports)),
    Route(
        f"{_API}/reports/{{num:seg}}/status",
        face(catalogue.set_report_status),
        methods=["POST"],
    ),
    # -- running models: for callers, and for workers
    Route("/v1/models", face(openai.list_models)),
    Route("/v1/models/{id:tail}", face(openai.get_model)),
    Route("/v1/chat/completions", openai.asks_openai(Kind.CHAT), methods=["POST"]),
    Route("/v1/completions", openai.asks_openai(Kind.COMPLETION), methods=["POST"]),
    Route("/v1/embeddings", openai.asks_openai(Kind.EMBEDDING), methods=["POST"]),
    Route(f"{_RUN}/v1/chat/completions", openai.asks_openai(Kind.CHAT), methods=["POST"]),
    Route(f"{_RUN}/v1/completions", openai.asks_openai(Kind.COMPLETION), methods=["POST"]),
    Route(f"{_RUN}/v1/embeddings", openai.asks_openai(Kind.EMBEDDING), methods=["POST"]),
    Route(f"{_RUN}/pipeline/{{task:seg}}", inference.asks(inference.plan_task), methods=["POST"]),
    Route(
        "/pipeline/{task:seg}/{repo:repo}", inference.asks(inference.plan_task), methods=["POST"]
    ),
    Route(f"{_RUN}/info", face(inference.model_info)),
    Route(f"{_RUN}/health", face(inference.model_health)),
    Route(_RUN, inference.asks(inference.plan_task), methods=["POST"]),
    Route("/info", face(inference.hub_info)),
    Route("/", face(inference.no_model), methods=["POST"]),
    Route("/api/workers", workers.register, methods=["POST"]),
    Route("/api/workers/{worker:seg}", workers.leave, methods=["DELETE"]),
    Route("/api/workers/{worker:seg}/next", workers.next_job, methods=["POST"]),
    Route("/api/workers/{worker:seg}/jobs/{job:seg}/answer", workers.answer, methods=["POST"]),
    # -- leaderboards
    Route("/api/leaderboards", face(leaderboards.list_boards)),
    Route("/api/leaderboards/{board:seg}", face(leaderboards.show_board)),
    Route("/api/past-leaderboards", face(leaderboards.list_past)),
    Route("/api/past-leaderboards/{board:seg}", face(leaderboards.show_past)),
    Route("/api/verifications/due", face(leaderboards.list_due)),
    Route("/api/claims/{digest:seg}/badge.svg", face(leaderboards.badge)),
    Route(f"{_API}/leaderboard", face(evaluations.dataset_leaderboard)),
    # -- claims, verdicts, their keys and their log
    Route(f"{_API}/claims", face(claims.of_repo)),
    Route("/api/claims/{digest:seg}", face(claims.show)),
    Route(_VERDICTS, face(claims.list_verdicts)),
    Route(
        _VERDICTS,
        face(claims.post_verdict, body_limit=claims.BODY_LIMIT),
        methods=["POST"],
    ),
    Route(f"{_VERDICTS}/{{id:seg}}/evidence", face(claims.evidence)),
    Route(f"{_VERDICTS}/{{id:seg}}/answers", face(claims.answer), methods=["POST"]),
    Route("/api/log/head", face(verdict_log.head)),
    Route("/api/log/entries", face(verdict_log.entries)),
    Route("/api/log/proof", face(verdict_log.proof)),
    Route("/api/log/consistency", face(verdict_log.consistency)),
    Route("/api/keys", face(verifier_keys.list_keys)),
    Route("/api/keys", face(verifier_keys.add), methods=["POST"]),
    Route("/api/keys/{fingerprint:seg}", face(verifier_keys.revoke), methods=["DELETE"]),
    # -- git
    Route(f"{_WEB}/info/refs", git_http.info_refs),
    Route(f"{_WEB}/git-upload-pack", git_http.upload, methods=["POST"]),
    Route(f"{_WEB}/git-receive-pack", git_http.receive, methods=["POST"]),
    # -- torch.hub, sent here by the client's opener
    Route("/github/mirror/{key:seg}", face(github.mirrored)),
    Route("/github/api/repos/{repo:repo}/branches", face(github.branches)),
    Route("/github/api/repos/{repo:repo}/tags", face(github.tags)),
    Route("/github/{repo:repo}/tree/{ref:tail}", face(github.tree)),
    Route("/github/{repo:repo}/zipball/{ref:tail}", face(github.archive)),
    Route("/github/{repo:repo}/zipball/", face(github.archive)),
    # -- repo info, behind all longer paths
    Route(f"{_API}/revision/{{rev:seg}}", face(hf_info.repo_info)),
    Route(_API, face(hf_info.repo_info)),
    # -- operation
    Route("/health", health),
    # -- pages for people; the last ones match almost anything
    Route("/metrics", metrics_or_page),
    Route("/static/{path:path}", static_file),
    Route("/favicon.ico", favicon),
    Route("/", face(home)),
    Route("/leaderboards", face(leaderboards_page)),
    Route("/leaderboards/{board:seg}", face(leaderboard_page)),
    Route("/past-leaderboards/{board:seg}", face(past_leaderboard_page)),
    Route("/claims/{digest:seg}", face(claim_page)),
    Route("/{type:api}", face(list_page)),
    Route(f"{_WEB}/tree/{{rev:seg}}", face(files_page)),
    Route(f"{_WEB}/tree/{{rev:seg}}/{{path:tail}}", face(files_page)),
    Route(f"{_WEB}/blob/{{rev:seg}}/{{path:tail}}", face(blob_page)),
    Route(f"{_WEB}/commits/{{rev:seg}}", face(history_page)),
    Route(f"{_WEB}/commit/{{commit:seg}}", face(commit_page)),
    Route(f"{_WEB}/entry-points/{{rev:seg}}", face(entry_points_page)),
    Route(f"{_WEB}/try/{{rev:seg}}", try_page, methods=["GET", "POST"]),
    Route(_WEB, face(account_or_legacy_page)),
]


def create_app(registry: Registry, *, inference_settings: Settings | None = None) -> Starlette:
    """Build the application over an open registry."""
    metrics = CollectorRegistry()
    app = Starlette(
        middleware=[Middleware(Observed, registry=metrics), Middleware(RawPath)],
        exception_handlers={
            RepoMoved: on_moved,
            RepriseError: for_people(on_reprise_error),
            HTTPException: for_people(on_http_error),
            Exception: for_people(on_crash),
        },
    )
    app.router = IndexedRouter(ROUTES)
    app.state.registry = registry
    app.state.threads = new_threads()
    app.state.senders = new_senders()
    app.state.pouring = Pouring.new()
    app.state.budget = Budget(registry.limits.uploads_in_memory)
    app.state.xet_guesses = Lru[str, bool](_SESSIONS, lambda _: 1)
    app.state.info = InfoCaches.empty()
    app.state.web = Web.open()
    app.state.listings = contents.new_cache(_LISTINGS)
    app.state.histories = github.new_cache()
    app.state.downloads = Downloads()
    app.state.manifests = manifests.new_cache()
    app.state.boards = boards.new_cache()
    app.state.indexer = Indexer(registry, app.state.info.headers)
    app.state.metrics = metrics
    settings = inference_settings or Settings()
    app.state.dispatch = Dispatch(settings, metrics)
    app.state.inference_budget = Budget(settings.bodies)
    app.state.worker_secret = secrets.token_hex(32)
    app.state.companion = None  # the worker that `serve` starts
    return app
