#!/usr/bin/env bash
# A study on Slurm: one Ray head (drivers only) and one worker a node, all inside this allocation.
#   sbatch cluster/slurm.sh search_spaces/patchnet.yaml --profile paper --name patchnet-paper
# The repository with its .venv and the folder `runs` must lie on a file system that all nodes share. A job that is requeued resumes.
#SBATCH --job-name=raysearch
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --gpus-per-task=1
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --signal=B:TERM@120
set -euo pipefail
[ $# -ge 1 ] || { echo "usage: sbatch cluster/slurm.sh SPACE.yaml [options of raysearch run]" >&2; exit 2; }
cd "${SLURM_SUBMIT_DIR:?run this with sbatch}"
export PATH="$PWD/.venv/bin:$PATH" RAY_USAGE_STATS_ENABLED=0 RAY_AUTH_MODE=token
RAY_AUTH_TOKEN=$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')
export RAY_AUTH_TOKEN

head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
port=$((20000 + SLURM_JOB_ID % 20000))
address="$head:$port"
pids=()
# --overlap: the head shares its node with a worker; it holds no CPUs of its own.
srun --overlap --nodes=1 --ntasks=1 --nodelist="$head" \
  ray start --head --block --port="$port" --num-cpus=0 --num-gpus=0 --dashboard-host=127.0.0.1 &
pids+=($!)
sleep 15
srun --overlap --gpus-per-task="${SLURM_GPUS_PER_TASK:-1}" \
  ray start --block --address="$address" --num-cpus="$SLURM_CPUS_PER_TASK" &
pids+=($!)
sleep 15

raysearch run "$@" --address "$address" --if-exists resume &
driver=$!
trap 'kill -TERM "$driver"' TERM INT
code=0
wait "$driver" || code=$?
kill "${pids[@]}" 2>/dev/null || true
exit "$code"
