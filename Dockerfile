# Targets: portal, worker-train, worker-convert, worker-deploy, virtual-board.
# Needs BuildKit (the default since Docker 23). See configs/containers/README.md.
# The digest decides, not the tag: it names the image that was looked at, for every processor.
ARG BASE_IMAGE=python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b
ARG VERSION=0.1.0
ARG REVISION=unknown

FROM ${BASE_IMAGE} AS base
ARG DEBIAN_MIRROR=
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 SLIPWAY_VAR=/var/lib/slipway
LABEL org.opencontainers.image.licenses=Apache-2.0 org.opencontainers.image.vendor=Slipway
RUN useradd --system --uid 10001 --home-dir "$SLIPWAY_VAR" --shell /usr/sbin/nologin slipway \
    && install -d -o slipway -g slipway -m 0700 "$SLIPWAY_VAR" "$SLIPWAY_VAR/run" \
    && if [ -n "$DEBIAN_MIRROR" ]; then \
        find /etc/apt -name '*.sources' -o -name '*.list' | xargs sed -i "s|http://deb.debian.org|$DEBIAN_MIRROR|"; \
    fi
WORKDIR /srv/slipway

FROM base AS uv
ARG PACKAGE_INDEX=
# For strip, see install_env.sh.
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get update && apt-get install -y --no-install-recommends binutils
COPY requirements-uv.txt .
RUN --mount=type=cache,target=/root/.cache/pip python3.11 -m venv /opt/uv \
    && /opt/uv/bin/pip install --quiet ${PACKAGE_INDEX:+--index-url "$PACKAGE_INDEX"} --require-hashes \
       -r requirements-uv.txt
# Byte code is compiled here: at run time nobody may write beside the packages, and importing PaddleX
# without it takes a minute.
ENV PATH=/opt/uv/bin:$PATH UV_PYTHON=python3.11 UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy \
    UV_COMPILE_BYTECODE=1 UV_FROZEN=1 UV_NO_DEV=1
COPY configs/containers/install_env.sh /opt/uv/install_env.sh

FROM uv AS portal-env
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv \
    sh /opt/uv/install_env.sh . --no-install-project --no-install-local \
    && uv export --quiet --format cyclonedx1.5 --output-file /sbom/portal.cdx.json

FROM uv AS train-env
ARG PADDLE_GPU_INDEX=
COPY workers/train/pyproject.toml workers/train/uv.lock workers/train/suite.txt workers/train/
RUN --mount=type=cache,target=/root/.cache/uv \
    sh /opt/uv/install_env.sh workers/train \
    && uv pip install --quiet ${PACKAGE_INDEX:+--index-url "$PACKAGE_INDEX"} \
       --python workers/train/.venv/bin/python --no-deps --require-hashes \
       --target workers/train/.suite -r workers/train/suite.txt \
    && uv export --quiet --project workers/train --format cyclonedx1.5 --output-file /sbom/train.cdx.json
# The GPU build of the same release, over the other one; the CUDA libraries come with it.
RUN --mount=type=cache,target=/root/.cache/uv \
    if [ -n "$PADDLE_GPU_INDEX" ]; then \
        release=$(sed -n 's/^ *"paddlepaddle==\(.*\)",$/\1/p' workers/train/pyproject.toml) \
        && uv pip uninstall --quiet --python workers/train/.venv/bin/python paddlepaddle \
        && uv pip install --quiet --python workers/train/.venv/bin/python --index "$PADDLE_GPU_INDEX" \
           "paddlepaddle-gpu==$release"; \
    fi

# Checkouts of the upstream suites instead of the releases in suite.txt, for those who name archives.
FROM base AS upstream-suites
ARG PADDLECLAS_ARCHIVE=
ARG PADDLEDET_ARCHIVE=
COPY configs/containers/fetch_suite.py /opt/
RUN python3.11 /opt/fetch_suite.py "$PADDLECLAS_ARCHIVE" /suites/PaddleClas \
    && python3.11 /opt/fetch_suite.py "$PADDLEDET_ARCHIVE" /suites/PaddleDetection

FROM uv AS convert-env
COPY workers/convert/pyproject.toml workers/convert/uv.lock workers/convert/
COPY workers/convert/torch_stub workers/convert/torch_stub
RUN --mount=type=cache,target=/root/.cache/uv \
    sh /opt/uv/install_env.sh workers/convert \
    && uv export --quiet --project workers/convert --format cyclonedx1.5 --output-file /sbom/convert.cdx.json

# A checkout may have been made under a strict umask; the image's user must read it.
FROM base AS code
COPY . .
RUN chmod -R a+rX . && python3.11 -m compileall -q -j 0 configs portal workers

# What every Celery process needs. The code comes last, so that a change to it rebuilds no environment.
FROM base AS portal-base
ENV PATH=/srv/slipway/.venv/bin:$PATH PYTHONPATH=/srv/slipway:/srv/slipway/portal/client
RUN --mount=type=bind,source=configs/containers/debian_sbom.py,target=/tmp/debian_sbom.py \
    mkdir -p /usr/share/slipway && python3.11 /tmp/debian_sbom.py >/usr/share/slipway/debian.cdx.json
COPY --from=portal-env /sbom /usr/share/slipway
COPY --from=portal-env /srv/slipway/.venv .venv

FROM portal-base AS portal
COPY --from=code /srv/slipway .
USER slipway
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=10s --start-period=60s CMD ["python", "configs/containers/health.py", "web"]
CMD ["python", "-m", "supervisor.supervisord", "-c", "configs/containers/web.conf"]
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="Slipway portal" \
    org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$REVISION

FROM portal-base AS worker-deploy
COPY --from=code /srv/slipway .
USER slipway
HEALTHCHECK --interval=60s --timeout=20s --start-period=60s \
    CMD ["python", "configs/containers/health.py", "worker", "deploy"]
CMD ["python", "-m", "celery", "-A", "portal.celery", "worker", "--loglevel", "WARNING", \
     "--without-gossip", "--without-mingle", "-P", "threads", "-Q", "deploy", "-c", "8", "-n", "deploy@%h"]
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="Slipway deployment worker" \
    org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$REVISION

FROM portal-base AS worker-convert
COPY --from=convert-env /sbom /usr/share/slipway
COPY --from=convert-env /srv/slipway/workers/convert/.venv workers/convert/.venv
COPY --from=code /srv/slipway .
USER slipway
HEALTHCHECK --interval=60s --timeout=20s --start-period=60s \
    CMD ["python", "configs/containers/health.py", "worker", "convert"]
CMD ["python", "-m", "celery", "-A", "portal.celery", "worker", "--loglevel", "WARNING", \
     "--without-gossip", "--without-mingle", "-Q", "convert", "-c", "1", "-n", "convert@%h"]
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="Slipway conversion worker" \
    org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$REVISION

FROM portal-base AS train-base
# PaddlePaddle's wheel is linked against the compiler's OpenMP library and does not carry it.
RUN --mount=type=bind,source=configs/containers/debian_sbom.py,target=/tmp/debian_sbom.py \
    --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 \
    && python3.11 /tmp/debian_sbom.py >/usr/share/slipway/debian.cdx.json
COPY --from=train-env /sbom /usr/share/slipway
COPY --from=train-env /srv/slipway/workers/train/.suite workers/train/.suite
COPY --from=train-env /srv/slipway/workers/train/.venv workers/train/.venv

# For the processor of this machine; where the worker has another one, each job compiles for half a minute.
# Numba takes what it compiled for the same file times only: sources and compiled code go on together.
FROM train-base AS train-kernels
COPY workers/__init__.py workers/
COPY workers/train/__init__.py workers/train/kernel_cache.py workers/train/
COPY workers/train/kernels workers/train/kernels
RUN chmod -R a+rX workers/train/kernels && workers/train/.venv/bin/python -m workers.train.kernel_cache

FROM train-base AS worker-train
ARG PADDLECLAS_ARCHIVE=
ARG PADDLEDET_ARCHIVE=
ENV PADDLECLAS_DIR=${PADDLECLAS_ARCHIVE:+/srv/suites/PaddleClas} \
    PADDLEDET_DIR=${PADDLEDET_ARCHIVE:+/srv/suites/PaddleDetection}
COPY --from=upstream-suites /suites /srv/suites
COPY --from=code /srv/slipway .
COPY --from=train-kernels /srv/slipway/workers/train/kernels workers/train/kernels
COPY --from=train-kernels /srv/slipway/workers/train/.kernels workers/train/.kernels
USER slipway
HEALTHCHECK --interval=60s --timeout=20s --start-period=60s \
    CMD ["python", "configs/containers/health.py", "worker", "train"]
CMD ["python", "-m", "celery", "-A", "portal.celery", "worker", "--loglevel", "WARNING", \
     "--without-gossip", "--without-mingle", "-Q", "train", "-c", "1", "-n", "train@%h"]
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="Slipway training worker" \
    org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$REVISION

FROM base AS virtual-board
ENV PATH=/srv/slipway/workers/convert/.venv/bin:$PATH PYTHONPATH=/srv/slipway
COPY --from=convert-env /sbom /usr/share/slipway
COPY --from=convert-env /srv/slipway/workers/convert/.venv workers/convert/.venv
COPY --from=code /srv/slipway/configs/containers configs/containers
COPY --from=code /srv/slipway/workers workers
COPY --from=code /srv/slipway/portal/datasets/samples/digits.zip camera.zip
USER slipway
EXPOSE 2222
HEALTHCHECK --interval=10s --timeout=10s --start-period=60s \
    CMD ["python", "configs/containers/health.py", "ssh", "2222"]
CMD ["python", "configs/containers/virtual_board.py"]
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="Slipway virtual board" \
    org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$REVISION
