# syntax=docker/dockerfile:1
FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements.lock .
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --quiet --require-hashes --no-deps -r requirements.lock

FROM python:3.13-slim
LABEL org.opencontainers.image.title="loyalty-service" org.opencontainers.image.licenses="Apache-2.0"
# Fixed numbers, so that the owner of a mounted volume is known beforehand.
RUN groupadd --system --gid 10001 loyalty \
 && useradd --system --uid 10001 --gid loyalty --home-dir /var/lib/loyalty --create-home loyalty
COPY --from=build /venv /venv
WORKDIR /srv/loyalty
COPY LICENSE alembic.ini ./
COPY app app
COPY migrations migrations
# Compiled here: the user the service runs as can't write beside its code.
RUN python -m compileall -q app migrations
ENV PATH=/venv/bin:$PATH \
    PYTHONPATH=/srv/loyalty \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LOYALTY_HOST=0.0.0.0 \
    LOYALTY_PORT=8000 \
    LOYALTY_DATA_DIR=/var/lib/loyalty/data
USER loyalty
VOLUME /var/lib/loyalty
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:%s/healthz' % os.environ['LOYALTY_PORT'], timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "app.cli"]
CMD ["serve"]
