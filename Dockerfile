# Three images from one file:
#   docker build --target serve      -t sign-service .
#   docker build --target convert    -t sign-convert .
#   docker build --target serve-cuda -t sign-service-cuda .   for NVIDIA cards: docs/operations.md
# For linux/amd64 and linux/arm64: docker buildx build --platform linux/amd64,linux/arm64 …
#
# No Debian package is installed. Every wheel brings its libraries (PyAV its FFmpeg, OpenCV's headless build needs no
# GUI) except libstdc++6, libgcc-s1 and zlib1g, which the base image has.
FROM python:3.13-slim-trixie AS base

# The environments, built with the base image's pip and copied without it.
# LOCK=s3 is serve and what jobs in S3 need: docker build --build-arg LOCK=s3 -t sign-service .
FROM base AS serve-env
ARG LOCK=serve
COPY locks/serve.lock locks/s3.lock /locks/
RUN python -m venv --without-pip /venv \
    && pip --python /venv/bin/python install --no-cache-dir --no-deps --require-hashes -r "/locks/${LOCK}.lock"

FROM serve-env AS convert-env
COPY locks/convert.lock /locks/
RUN pip --python /venv/bin/python install --no-cache-dir --no-deps --require-hashes -r /locks/convert.lock

# Another ONNX Runtime in the place of the CPU's, and CUDA's libraries with it: gigabytes. The driver is the machine's.
FROM base AS cuda-env
COPY locks/cuda.lock /locks/
RUN python -m venv --without-pip /venv \
    && pip --python /venv/bin/python install --no-cache-dir --no-deps --require-hashes -r /locks/cuda.lock

# What all images share: user 10001, without a home or a shell, and nothing that writes outside /tmp and /data.
# ONNX Runtime's wheel reports its use to its maker unless ORT_DISABLE_TELEMETRY is set before it is imported.
FROM base AS runtime
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin sign \
    && install -d -o sign -g sign /data /data/media
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    ORT_DISABLE_TELEMETRY=1
WORKDIR /app
STOPSIGNAL SIGTERM

# docker run --rm -v "$PWD:/in:ro" -v "$PWD/model_store:/app/model_store" sign-convert keras /in/action.h5 …
FROM runtime AS convert
COPY --from=convert-env /venv /venv
COPY service service
COPY convert convert
RUN python -m compileall -q service convert
USER 10001:10001
ENTRYPOINT ["python", "-m", "convert"]
CMD ["--help"]

FROM runtime AS service
COPY deploy/healthcheck.py deploy/healthcheck.py
COPY model_store model_store
COPY service service
RUN python -m compileall -q service
USER 10001:10001
# Inside the container the service listens on every address, or no published port could reach it. Who reaches it
# is decided where the port is published: docker-compose.yml publishes on 127.0.0.1 only.
ENV SIGN_HOST=0.0.0.0 \
    SIGN_PORT=8000 \
    SIGN_MODEL_STORE=/app/model_store \
    SIGN_JOBS_DIR=/data/jobs \
    SIGN_TEACH_DIR=/data/taught
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python", "-I", "/app/deploy/healthcheck.py"]
ENTRYPOINT ["python", "-m", "service"]
CMD ["serve"]

# docker run --rm --gpus all --read-only --tmpfs /tmp -p 127.0.0.1:8000:8000 sign-service-cuda
FROM service AS serve-cuda
COPY --from=cuda-env /venv /venv
ENV SIGN_PROVIDERS=cuda,cpu

# Last, so that it is the default. docker run --rm --read-only --tmpfs /tmp -p 127.0.0.1:8000:8000 sign-service
FROM service AS serve
COPY --from=serve-env /venv /venv
