# Needs Python 3.11, git, make and a Python package index. No Docker, no root.
PYTHON ?= python3.11
UV := .tools/bin/uv
RUN := .venv/bin/python
SUITES := workers/train/.suite/.ready
SYNC := $(UV) sync --frozen --quiet --python $(PYTHON)
export UV_PYTHON_DOWNLOADS := never
export PYTHONPATH := $(CURDIR)

.PHONY: demo serve test test-servers lint messages setup setup-portal setup-train setup-convert compose-env images clean

# The whole job with a bundled sample, then serve; DEMO_EXIT=1 ends after the job, DEMO=detection finds digits.
demo: setup
	$(RUN) manage.py demo $(if $(DEMO),--task $(DEMO))

serve: setup  ## portal, workers, broker and a virtual board, until Ctrl-C
	$(RUN) manage.py serve

test: setup lint  ## every test that this machine can run; says what it skipped and why
	$(RUN) -m pytest -n auto --dist loadfile --no-loadscope-reorder $(TESTS)

test-servers: setup-portal  ## what touches rows and queues, on PostgreSQL and Redis as Debian packages them
	$(RUN) -m tests.on_servers

lint: setup-portal
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	.venv/bin/lint-imports --no-cache

messages: setup-portal  ## collects the texts that people read into portal/locale and compiles the translations
	$(RUN) manage.py messages

setup: setup-portal setup-train setup-convert

setup-portal: $(UV)
	$(SYNC)

setup-train: $(UV)
	$(SYNC) --project workers/train
	@$(MAKE) --no-print-directory $(SUITES)
	@workers/train/.venv/bin/python -m workers.train.kernel_cache

$(SUITES): workers/train/suite.txt workers/train/uv.lock
	@$(UV) pip install --quiet --python workers/train/.venv/bin/python --no-deps --require-hashes \
	  --target workers/train/.suite -r workers/train/suite.txt
	@workers/train/.venv/bin/python -m workers.train.check && touch $@

setup-convert: $(UV)
	$(SYNC) --project workers/convert

$(UV): requirements-uv.txt
	$(PYTHON) -m venv .tools
	.tools/bin/python -m pip install --quiet --require-hashes -r requirements-uv.txt
	@touch $(UV)

compose-env:  ## writes .env, the secrets of the containers; see configs/containers/README.md
	$(PYTHON) configs/containers/make_env.py

images:  ## builds the images of docker-compose.yml and prints their sizes; see configs/containers/README.md
	$(PYTHON) configs/containers/build_images.py $(IMAGES)

clean:  ## removes the environments; var/ (your data) stays
	rm -rf .tools .venv workers/train/.venv workers/train/.suite workers/train/.kernels \
	  workers/convert/.venv
