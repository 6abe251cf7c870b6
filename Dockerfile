FROM python:3.13-slim
WORKDIR /srv/notify
COPY requirements.lock pyproject.toml README.md LICENSE ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY notify notify
COPY workers workers
COPY templates templates
COPY geodata geodata
RUN pip install --no-cache-dir --no-deps --no-build-isolation -e . && useradd --create-home notify \
    && install -d -o notify -g notify .notify
USER notify
CMD ["notify", "--help"]
