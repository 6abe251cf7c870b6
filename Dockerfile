FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements.lock pyproject.toml README.md LICENSE CHANGELOG.md ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY notify notify
COPY workers workers
COPY templates templates
COPY geodata geodata
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /dist .

FROM python:3.13-slim
# what production needs; the mail catcher of compose.yaml takes the other one
ARG LOCK=requirements.lock
WORKDIR /srv/notify
COPY requirements.lock requirements-dev.lock /tmp/
COPY --from=build /dist /dist
RUN pip install --no-cache-dir --require-hashes -r /tmp/$LOCK \
    && pip install --no-cache-dir --no-deps /dist/council_notify-*.whl && rm -r /dist /tmp/*.lock \
    && useradd --create-home notify && install -d -o notify -g notify .notify
USER notify
CMD ["notify", "--help"]
