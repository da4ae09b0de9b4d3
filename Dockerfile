# The same code and the same locked packages as without Docker; runs as an ordinary user.
FROM python:3.11.14-slim-bookworm

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1
WORKDIR /opt/carepath

COPY requirements.lock ./
RUN pip install --require-hashes --requirement requirements.lock

# "yes" adds what a region needs (docs/region.md)
ARG EXTRAS=""
COPY requirements-extras.lock ./
RUN test -z "$EXTRAS" || pip install --no-deps --require-hashes --requirement requirements-extras.lock

COPY pyproject.toml README.md ./
COPY plugins plugins
COPY expectations expectations
COPY dags dags
COPY dbt_project dbt_project
RUN pip install --no-deps --no-build-isolation --editable . \
    && useradd --uid 10001 --home-dir /var/lib/carepath --create-home carepath \
    && install --directory --owner=carepath --mode=0700 /var/lib/carepath-passwords

USER carepath
VOLUME /var/lib/carepath
ENTRYPOINT ["python", "-m", "carepath.containers"]
