# The ASHA server as a container: asha serve on port 50051, its database under /data.
#   docker build -t asha-server .
#   docker run -p 50051:50051 -v asha:/data asha-server
FROM python:3.11-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY asha_server asha_server
COPY clients/python clients/python
RUN pip wheel --no-cache-dir --wheel-dir /wheels ./clients/python .

FROM python:3.11-slim
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --find-links /wheels asha-server \
    && useradd --uid 1000 --create-home asha \
    && install -d -o asha -g asha /data
USER asha
VOLUME /data
EXPOSE 50051
# exec form: asha is process 1 and gets SIGTERM, on which it answers what is in flight and stops.
ENTRYPOINT ["asha"]
# Plaintext inside the pod network; give TLS files and --auth tokens where others share it.
CMD ["serve", "--database", "/data/asha.db", "--listen", "0.0.0.0:50051", "--insecure"]
