# The ASHA server as a container: asha serve on port 50051, its database under /data.
#   docker build -t asha-server .
#   docker run --read-only -p 50051:50051 -v asha:/data asha-server
# What is installed is what deploy/requirements.lock pins, by hash: docs/howto/deploy.md.

# Any image with Python 3.11 or newer, pip and venv. Pin it by digest for a build that never moves.
ARG BASE=python:3.11-slim

# hadolint ignore=DL3006  # the tag stands in BASE
FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /source
COPY deploy/requirements.lock deploy/requirements-build.lock deploy/
RUN python3 -m venv /opt/asha \
    && /opt/asha/bin/pip install --require-hashes --only-binary :all: -r deploy/requirements.lock \
    && python3 -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes --only-binary :all: \
        -r deploy/requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY asha_server asha_server
COPY clients/python clients/python
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels \
        ./clients/python . \
    && /opt/asha/bin/pip install --no-deps --no-index /wheels/*.whl \
    && /opt/asha/bin/pip check

# hadolint ignore=DL3006  # as above
FROM ${BASE}
COPY --from=build /opt/asha /opt/asha
RUN useradd --uid 1000 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin asha \
    && install -d -o 1000 -g 1000 /data
ENV PATH=/opt/asha/bin:$PATH PYTHONDONTWRITEBYTECODE=1
# As numbers: Kubernetes' runAsNonRoot cannot tell of a name whether it is root.
USER 1000:1000
VOLUME /data
EXPOSE 50051
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 CMD ["asha", "health"]
# exec form: asha is process 1 and gets SIGTERM, on which it answers what is in flight and stops.
ENTRYPOINT ["asha"]
# Plaintext inside the pod network; give TLS files and --auth tokens where others share it.
CMD ["serve", "--database", "/data/asha.db", "--listen", "0.0.0.0:50051", "--insecure"]
