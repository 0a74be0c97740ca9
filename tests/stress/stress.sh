#!/bin/bash
# The world of stress.py, in the guest: PVs on /dev/ubda, an LVM configuration of its own.
#
#   stress.sh SECONDS SEED WORKERS      SEED may be "random"
set -eu
. "$(dirname "$(readlink -f "$0")")/../kernel/guest.sh"
seconds=$1 seed=$2 workers=$3
[ "$seed" != random ] || seed=${CVM_SEED:-$RANDOM}
scripts=$(dirname "$(readlink -f "$0")")
cd "$workdir"
for number in $(seq 0 $((workers + 1))); do
  dmsetup create "pv$number" --table "0 262144 linear /dev/ubda $((2048 + number * 262144))"
done
python3 -B "$scripts/stress.py" "$seconds" "$seed" "$workers"
