import http.server
import threading

import pytest
from huggingface_hub import constants

from cma_clip.backbone import hub


@pytest.fixture(autouse=True)
def asked_anew():
    hub.unreachable.cache_clear()
    yield
    hub.unreachable.cache_clear()


@pytest.fixture
def online(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)


def test_offline_by_choice():
    assert hub.unreachable() == "HF_HUB_OFFLINE is set"


def test_no_route(online):
    assert "https://huggingface.co cannot be reached" in hub.unreachable()


@pytest.mark.parametrize("status", [200, 404])
def test_any_answer_is_an_answer(online, monkeypatch, status):
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    assert hub.unreachable() is None
    assert hub.why_not("ViT-B-32-quickgelu", "openai") is None
    server.shutdown()
    server.server_close()


def test_fetched_weights_need_no_hub(monkeypatch, tmp_path):
    name = ("ViT-B-32-quickgelu", "openai")
    assert "not on this machine and HF_HUB_OFFLINE is set" in hub.why_not(*name)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    folder = tmp_path / "models--timm--vit_base_patch32_clip_224.openai"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("abc")
    (folder / "snapshots" / "abc").mkdir(parents=True)
    (folder / "snapshots" / "abc" / "open_clip_model.safetensors").write_bytes(b"")
    monkeypatch.setattr(hub, "try_to_load_from_cache", lambda repo, name: cached(repo, name, cache_dir=tmp_path))
    assert hub.why_not(*name) is None


def test_a_tokeniser_is_needed_even_for_random_weights():
    assert hub.why_not("ViT-B-32", None) is None
    assert hub.why_not("ViT-B-16-SigLIP", None) == "its tokeniser is not on this machine and HF_HUB_OFFLINE is set"
    assert hub.why_not("xlm-roberta-base-ViT-B-32", "laion5b_s13b_b90k").startswith(
        "its weights and tokeniser and text tower's settings are not on this machine"
    )


def cached(repository, filename, cache_dir):
    from huggingface_hub import try_to_load_from_cache

    return try_to_load_from_cache(repository, filename, cache_dir=cache_dir)
