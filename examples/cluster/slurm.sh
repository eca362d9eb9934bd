#!/bin/bash
# A Ray cluster inside a SLURM allocation, one Ray node on each of its machines, and one command of cma-bench on it:
#
#     sbatch --nodes=4 --gpus-per-node=8 --cpus-per-task=64 examples/cluster/slurm.sh suite --suite default
#
# The machines share this folder and the environment that is active. The same line goes on after a time limit.
#SBATCH --job-name=cma-bench
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
set -euo pipefail

port=${RAY_PORT:-6379}
# A busy machine starts Ray in more than its 30 seconds; and niceness would make times in records longer than they are.
export RAY_raylet_start_wait_time_s=120 RAY_worker_niceness=0
# Others in the network of the machines cannot join, or make them run what they like.
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN=${RAY_AUTH_TOKEN:-$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')}
log=ray-${SLURM_JOB_ID:-0}.log

# What one machine of the allocation offers to Ray: its share of cores and GPUs, not all that the machine has.
offer() {
    echo "--num-cpus=${SLURM_CPUS_ON_NODE:-$(nproc)} --num-gpus=${SLURM_GPUS_ON_NODE:-0} --disable-usage-stats"
}

first_machine() {
    scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1
}

# Name of a machine -> the address by which the others reach it.
address_of() {
    srun --nodes=1 --ntasks=1 --nodelist="$1" hostname --ip-address | awk '{ print $1 }'
}

start_head() {
    # shellcheck disable=SC2046
    srun --nodes=1 --ntasks=1 --overlap --nodelist="$1" \
        ray start --head --node-ip-address="$2" --port="$port" --include-dashboard=false $(offer) --block >>"$log" 2>&1 &
}

start_others() {
    local others=$((SLURM_JOB_NUM_NODES - 1))
    if [ "$others" -gt 0 ]; then
        # shellcheck disable=SC2046
        srun --nodes="$others" --ntasks="$others" --overlap --exclude="$1" \
            ray start --address="$2:$port" $(offer) --block >>"$log" 2>&1 &
    fi
}

# Until as many nodes are there as were asked for; a minute for each would be too long.
wait_for_nodes() {
    for _ in $(seq 120); do
        found=$(ray status --address="$1:$port" 2>/dev/null | grep -c ' node_' || true)
        if [ "$found" -ge "$SLURM_JOB_NUM_NODES" ]; then
            return
        fi
        sleep 2
    done
    echo "only $found of $SLURM_JOB_NUM_NODES machines have joined after 4 minutes; $log says why" >&2
    exit 1
}

main() {
    local head address
    head=$(first_machine)
    address=$(address_of "$head")
    trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
    start_head "$head" "$address"
    start_others "$head" "$address"
    wait_for_nodes "$address"
    cma-bench "$@" --engine "ray://$address:$port"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    main "$@"
fi
