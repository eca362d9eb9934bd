# CPU only; results and runs land in the folder that is mounted:
#   docker build --tag cma-bench .
#   docker run --rm --volume "$PWD:/data" cma-bench suite --suite smoke
FROM python:3.12-slim

# PyTorch's wheels without CUDA: a tenth of the size. Empty takes those of PyPI.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

COPY pyproject.toml README.md LICENSE constraints.txt /source/
COPY cma_clip /source/cma_clip
COPY baselines /source/baselines
COPY benchmarks /source/benchmarks
RUN pip install --no-cache-dir --constraint /source/constraints.txt ${TORCH_INDEX:+--extra-index-url $TORCH_INDEX} /source \
    && rm -r /source

# Nobody in particular: the folder that is mounted belongs to whoever mounts it (`--user "$(id -u):$(id -g)"`).
ENV HOME=/data MPLCONFIGDIR=/data/runs/matplotlib MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=1
WORKDIR /data
ENTRYPOINT ["cma-bench"]
CMD ["--help"]
