"""Our fit beside the same network written plainly over `transformers`' CLIPModel, timed in alternation.

`nox -s perf -- -k peer` measures all of it and writes results/performance/.
"""
