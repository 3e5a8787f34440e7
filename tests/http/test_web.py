import re

import pytest

from tests.factories import make_org, make_repo, make_token, make_user
from tests.http.test_hf_info import safetensors

CARD = """---
license: mit
language: en
pipeline_tag: text-classification
datasets: [ada/data]
model-index:
- name: m
  results:
  - task: {type: text-classification}
    dataset: {type: ada/data, name: My data, split: test}
    metrics: [{type: accuracy, value: 0.9312}]
---
# My model
It tells <b>good</b> from bad.

<script>alert(1)</script>

![Curve](curve.png)
"""
HUBCONF = '''dependencies = ["numpy"]


def classifier(pretrained: bool = True):
    """Load the classifier."""
'''
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def browser(hub):
    client = hub.client()
    client.headers.update(BROWSER)
    return client


@pytest.fixture
def model(hub):
    from huggingface_hub import CommitOperationAdd

    make_repo(hub.registry, "ada/good-bad")
    files = {
        "README.md": CARD.encode(),
        "hubconf.py": HUBCONF.encode(),
        "src/deep/code.py": b"x = '<tag>'\n",
        "model.safetensors": safetensors(w=("F32", [10, 20], 800)),
        "weights.bin": b"\x80\x04\x00",
        "notes.md": b"# Notes\n\n[model](README.md)\n",
    }
    adds = [CommitOperationAdd(path, content) for path, content in files.items()]
    hub.api().create_commit("ada/good-bad", adds, commit_message="Add <everything>")
    return hub.api()


def text_of(browser, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text


def test_an_empty_hub_tells_how_to_begin(browser, hub):
    html = text_of(browser, "/")
    assert "This hub is new" in html
    assert f"export HF_ENDPOINT={hub.url}" in html


@pytest.mark.parametrize("plural", ["models", "datasets", "spaces", "metrics"])
def test_an_empty_list_tells_how_to_publish(browser, plural):
    html = text_of(browser, f"/{plural}")
    assert f"No {plural} yet" in html
    assert "README.md" in html


@pytest.mark.usefixtures("model")
def test_the_home_page_shows_what_there_is(browser):
    html = text_of(browser, "/")
    assert 'href="/ada/good-bad"' in html
    assert "It tells good from bad." in html


@pytest.mark.usefixtures("model")
def test_a_list_is_narrowed_by_its_filters(browser):
    html = text_of(browser, "/models")
    [href] = re.findall(r'href="(/models\?filter=license[^"]+)"', html)
    narrowed = text_of(browser, href)
    assert 'href="/ada/good-bad"' in narrowed
    assert "Remove this filter" in narrowed
    assert "Nothing matches" in text_of(browser, "/models?filter=license%3Agpl")


def test_a_list_goes_on_page_by_page(browser, hub):
    for number in range(35):
        make_repo(hub.registry, f"ada/m{number}")
    first = text_of(browser, "/models?sort=createdAt")
    [href] = re.findall(r'rel="next" href="([^"]+)"', first)
    second = text_of(browser, href.replace("&amp;", "&"))
    names = re.findall(r'href="/ada/(m\d+)"', first + second)
    assert sorted(set(names)) == sorted(f"m{number}" for number in range(35))
    assert 'rel="next"' not in second


@pytest.mark.usefixtures("model")
def test_a_card_is_shown_clean_with_its_facts(browser):
    html = text_of(browser, "/ada/good-bad")
    assert '<h2 id="user-content-my-model">My model</h2>' in html
    assert "<script" not in html
    assert '<img src="/ada/good-bad/resolve/main/curve.png" alt="Curve">' in html
    assert 'href="/models?filter=license%3Amit"' in html
    assert 'href="/datasets/ada/data"' in html
    assert "200 (F32)" in html
    assert "ada/data (test)" in html
    assert "0.9312" in html
    assert "reprise.load(&#34;ada/good-bad&#34;, &#34;classifier&#34;)" in html


def test_a_repo_without_a_card_tells_what_to_write(browser, hub):
    make_repo(hub.registry, "ada/bare", "dataset")
    html = text_of(browser, "/datasets/ada/bare")
    assert "No card yet" in html
    assert "task_categories:" in html


@pytest.mark.usefixtures("model")
def test_files_are_listed_with_sizes_and_commits(browser):
    html = text_of(browser, "/ada/good-bad/tree/main")
    assert 'href="/ada/good-bad/tree/main/src"' in html
    assert 'href="/ada/good-bad/blob/main/hubconf.py"' in html
    assert "Add &lt;everything&gt;" in html
    deep = text_of(browser, "/ada/good-bad/tree/main/src/deep")
    assert 'href="/ada/good-bad/tree/main/src"' in deep
    assert "code.py" in deep


@pytest.mark.usefixtures("model")
def test_code_is_shown_line_by_line(browser):
    html = text_of(browser, "/ada/good-bad/blob/main/src/deep/code.py")
    assert '<tr id="L1">' in html
    assert "&lt;tag&gt;" in html
    assert "<tag>" not in html


@pytest.mark.usefixtures("model")
def test_weights_are_shown_as_tensors_or_with_a_warning(browser):
    tensors = text_of(browser, "/ada/good-bad/blob/main/model.safetensors")
    assert "10 \N{MULTIPLICATION SIGN} 20" in tensors
    binary = text_of(browser, "/ada/good-bad/blob/main/weights.bin")
    assert "can run code when they are loaded" in binary


@pytest.mark.usefixtures("model")
def test_markdown_is_rendered_or_shown_as_source(browser):
    html = text_of(browser, "/ada/good-bad/blob/main/notes.md")
    assert '<a href="/ada/good-bad/blob/main/README.md" rel="nofollow ugc noopener">' in html
    source = text_of(browser, "/ada/good-bad/blob/main/notes.md?plain=1")
    assert '<tr id="L3">' in source
    assert "# Notes" in source


def test_history_leads_to_what_each_commit_changed(browser, model):
    history = text_of(browser, "/ada/good-bad/commits/main")
    assert "Add &lt;everything&gt;" in history
    assert "initial commit" in history
    sha = model.list_repo_commits("ada/good-bad")[0].commit_id
    changes = text_of(browser, f"/ada/good-bad/commit/{sha}")
    assert "+def classifier(pretrained: bool = True):" in changes
    assert "Large file," in changes


@pytest.mark.usefixtures("model")
def test_entry_points_are_read_without_running_them(browser):
    html = text_of(browser, "/ada/good-bad/entry-points/main")
    assert "<code>classifier</code>" in html
    assert "(pretrained: bool = True)" in html
    assert "Load the classifier." in html
    assert 'href="/ada/good-bad/blob/main/hubconf.py#L4"' in html


def test_other_revisions_have_pages_too(browser, model):
    model.create_branch("ada/good-bad", branch="a/b")
    model.create_tag("ada/good-bad", tag="v1")
    for revision in ("a%2Fb", "v1", model.model_info("ada/good-bad").sha):
        assert "hubconf.py" in text_of(browser, f"/ada/good-bad/tree/{revision}")
        assert "classifier" in text_of(browser, f"/ada/good-bad/blob/{revision}/hubconf.py")


def test_people_and_organisations_have_pages(browser, hub):
    make_org(hub.registry, "lab", ada="admin")
    make_repo(hub.registry, "ada/one")
    person = text_of(browser, "/ada")
    assert 'href="/ada/one"' in person
    assert 'href="/lab"' in person
    organisation = text_of(browser, "/lab")
    assert "Nothing published yet" in organisation
    assert "admin" in organisation


def test_private_repos_are_invisible_to_others(browser, hub):
    make_repo(hub.registry, "ada/secret", private=True)
    make_user(hub.registry, "eve")
    for path in ("/", "/models", "/models?search=secret", "/ada"):
        assert "ada/secret" not in text_of(browser, path)
    for path in ("", "/tree/main", "/blob/main/.gitattributes", "/commits/main"):
        answer = browser.get(f"/ada/secret{path}")
        assert answer.status_code == 404
        assert "Nothing here" in answer.text
    eve, ada = make_token(hub.registry, "eve"), hub.token
    headers = {"Authorization": f"Bearer {eve}"}
    assert browser.get("/ada/secret", headers=headers).status_code == 404
    headers = {"Authorization": f"Bearer {ada}"}
    assert browser.get("/ada/secret", headers=headers).status_code == 200
    assert "ada/secret" in browser.get("/models", headers=headers).text
    assert "ada/secret" not in text_of(browser, "/models")


@pytest.mark.parametrize(
    "path",
    ["/nobody", "/no/repo", "/ada/good-bad/blob/main/no", "/ada/good-bad/tree/no", "/a/b/c/d"],
)
@pytest.mark.usefixtures("model")
def test_what_is_missing_is_a_page_for_people_and_json_for_programs(browser, hub, path):
    answer = browser.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    plain = hub.client().get(path)
    assert (plain.status_code, plain.headers["content-type"]) == (404, "application/json")


def test_the_api_answers_browsers_with_json(browser):
    assert browser.get("/api/models/no/repo").json()["error"].startswith("Repository not found")


def test_malformed_questions_are_pages_too(browser):
    answer = browser.get("/models?cursor=x")
    assert answer.status_code == 400
    assert "start again from the first page" in answer.text


def test_metrics_are_numbers_for_programs_and_a_list_for_people(browser, hub):
    assert "reprise_http_requests" in hub.client().get("/metrics").text
    assert "<h1>Metrics</h1>" in text_of(browser, "/metrics")


@pytest.mark.usefixtures("model")
def test_every_page_keeps_to_itself(browser):
    for path in ("/", "/models", "/ada", "/ada/good-bad", "/ada/good-bad/tree/main", "/nope/x"):
        answer = browser.get(path)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'")
        assert "script-src" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "private, no-cache"
        assert "<script" not in answer.text
        assert " style=" not in answer.text
        assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', answer.text)


@pytest.mark.usefixtures("model")
def test_every_link_of_a_page_leads_somewhere(browser):
    seen, todo = set(), ["/"]
    while todo:
        path = todo.pop()
        if path in seen or "resolve" in path or "?" in path or path == "/datasets/ada/data":
            continue
        seen.add(path)
        answer = browser.get(path)
        assert answer.status_code == 200, path
        if answer.headers["content-type"].startswith("text/html"):
            found = re.findall(r'href="(/[^"#]*)', answer.text)
            todo += [href.replace("&amp;", "&") for href in found]
    assert len(seen) > 30


def test_static_files_are_kept_for_ever_under_their_version(browser):
    [href] = re.findall(r'href="(/static/style[^"]+)"', text_of(browser, "/"))
    style = browser.get(href)
    assert style.headers["content-type"] == "text/css; charset=utf-8"
    assert style.headers["cache-control"] == "public, max-age=31536000, immutable"
    fonts = re.findall(r'url\("(fonts/[^"]+)"\)', style.text)
    assert all(browser.get(f"/static/{font}").status_code == 200 for font in fonts)
    assert browser.get("/favicon.ico").headers["content-type"].startswith("image/svg+xml")
    assert browser.get("/static/../app.py").status_code == 404


def test_moved_repos_lead_to_their_new_page(browser, hub):
    make_repo(hub.registry, "ada/old")
    hub.api().move_repo("ada/old", "ada/new")
    answer = browser.get("/ada/old/tree/main")
    assert (answer.status_code, answer.headers["location"]) == (307, "/ada/new/tree/main")
