# Targets: portal, worker-train, worker-convert, worker-deploy, virtual-board.
# Needs BuildKit (the default since Docker 23). See configs/containers/README.md.
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS base
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 SLIPWAY_VAR=/var/lib/slipway
RUN useradd --system --uid 10001 --home-dir "$SLIPWAY_VAR" --shell /usr/sbin/nologin slipway \
    && install -d -o slipway -g slipway -m 0700 "$SLIPWAY_VAR" "$SLIPWAY_VAR/run"
WORKDIR /srv/slipway

FROM base AS uv
COPY requirements-uv.txt .
RUN python3.11 -m venv /opt/uv \
    && /opt/uv/bin/pip install --no-cache-dir --quiet --require-hashes -r requirements-uv.txt
# Byte code is compiled here: at run time nobody may write beside the packages, and importing PaddleX
# without it takes a minute.
ENV PATH=/opt/uv/bin:$PATH UV_PYTHON=python3.11 UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy \
    UV_COMPILE_BYTECODE=1 UV_FROZEN=1 UV_NO_DEV=1

FROM uv AS portal-env
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv uv sync --quiet --no-install-project --no-install-local

FROM uv AS train-env
COPY workers/train/pyproject.toml workers/train/uv.lock workers/train/suite.txt workers/train/
RUN --mount=type=cache,target=/root/.cache/uv uv sync --quiet --project workers/train \
    && uv pip install --quiet --python workers/train/.venv/bin/python --no-deps --require-hashes \
       --target workers/train/.suite -r workers/train/suite.txt

FROM uv AS convert-env
COPY workers/convert/pyproject.toml workers/convert/uv.lock workers/convert/
COPY workers/convert/torch_stub workers/convert/torch_stub
RUN --mount=type=cache,target=/root/.cache/uv uv sync --quiet --project workers/convert

# A checkout may have been made under a strict umask; the image's user must read it.
FROM base AS code
COPY . .
RUN chmod -R a+rX .

# What every Celery process needs. The code comes last, so that a change to it rebuilds no environment.
FROM base AS portal-base
ENV PATH=/srv/slipway/.venv/bin:$PATH PYTHONPATH=/srv/slipway:/srv/slipway/portal/client
COPY --from=portal-env /srv/slipway/.venv .venv

FROM portal-base AS portal
COPY --from=code /srv/slipway .
USER slipway
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=10s --start-period=60s CMD ["python", "configs/containers/health.py", "web"]
CMD ["python", "-m", "supervisor.supervisord", "-c", "configs/containers/web.conf"]

FROM portal-base AS worker-deploy
COPY --from=code /srv/slipway .
USER slipway
HEALTHCHECK --interval=60s --timeout=20s --start-period=60s \
    CMD ["python", "configs/containers/health.py", "worker", "deploy"]
CMD ["python", "-m", "celery", "-A", "portal.celery", "worker", "--loglevel", "WARNING", \
     "--without-gossip", "--without-mingle", "-P", "threads", "-Q", "deploy", "-c", "8", "-n", "deploy@%h"]

FROM portal-base AS worker-convert
COPY --from=convert-env /srv/slipway/workers/convert/.venv workers/convert/.venv
COPY --from=code /srv/slipway .
USER slipway
HEALTHCHECK --interval=60s --timeout=20s --start-period=60s \
    CMD ["python", "configs/containers/health.py", "worker", "convert"]
CMD ["python", "-m", "celery", "-A", "portal.celery", "worker", "--loglevel", "WARNING", \
     "--without-gossip", "--without-mingle", "-Q", "convert", "-c", "1", "-n", "convert@%h"]

FROM portal-base AS worker-train
# PaddlePaddle's wheel is linked against the compiler's OpenMP library and does not carry it.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=train-env /srv/slipway/workers/train/.suite workers/train/.suite
COPY --from=train-env /srv/slipway/workers/train/.venv workers/train/.venv
COPY --from=code /srv/slipway .
# For the processor of this machine; where the worker has another one, each job compiles for half a minute.
RUN workers/train/.venv/bin/python -m workers.train.kernel_cache
USER slipway
HEALTHCHECK --interval=60s --timeout=20s --start-period=60s \
    CMD ["python", "configs/containers/health.py", "worker", "train"]
CMD ["python", "-m", "celery", "-A", "portal.celery", "worker", "--loglevel", "WARNING", \
     "--without-gossip", "--without-mingle", "-Q", "train", "-c", "1", "-n", "train@%h"]

FROM base AS virtual-board
ENV PATH=/srv/slipway/workers/convert/.venv/bin:$PATH PYTHONPATH=/srv/slipway
COPY --from=convert-env /srv/slipway/workers/convert/.venv workers/convert/.venv
COPY --from=code /srv/slipway/configs/containers configs/containers
COPY --from=code /srv/slipway/workers workers
COPY --from=code /srv/slipway/portal/datasets/samples/digits.zip camera.zip
USER slipway
EXPOSE 2222
HEALTHCHECK --interval=10s --timeout=10s --start-period=60s \
    CMD ["python", "configs/containers/health.py", "ssh", "2222"]
CMD ["python", "configs/containers/virtual_board.py"]
