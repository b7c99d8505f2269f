# CPU:   docker build -t magdi .
# CUDA:  docker build -t magdi:cuda --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu128 .
# Use:   docker run --rm -v "$PWD:/work" -e OPENAI_API_KEY magdi run --encoder gcn --protocol reconcile     (CUDA: --gpus all)
FROM python:3.12-slim
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /src
COPY constraints.txt ./
RUN pip install --no-cache-dir --index-url "$TORCH_INDEX" "$(grep '^torch==' constraints.txt)"
COPY pyproject.toml README.md LICENSE ./
COPY magdi magdi
RUN pip install --no-cache-dir --constraint constraints.txt .
RUN useradd --create-home magdi && install -d -o magdi /work
USER magdi
WORKDIR /work
ENTRYPOINT ["magdi"]
CMD ["--help"]
