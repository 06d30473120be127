#!/bin/sh
# A trainer that works with the files of `asha sidecar --folder` itself, in a shell without jq:
#
#   sh by-hand.sh FOLDER CHECKPOINTS
folder=$1 checkpoints=$2

# The value of a field: the sidecar writes one a line.
field() { sed -n "s/^ *\"$2\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$1"; }

until [ -e "$folder/finished.json" ]; do
  # `current` leads to the folder of the next trial; from now on that one, wherever it leads later.
  trial=$(readlink "$folder/current") && trial=$folder/$trial
  if [ -z "$trial" ] || [ -e "$trial/exit_status" ]; then
    touch "$folder/heartbeat" # somebody is here and waits
    sleep "${ASHA_POLL:-1}"
    continue
  fi

  lr=$(field "$trial/parameters.json" lr)
  epoch=$(field "$trial/trial.json" start_step)
  epochs=$(field "$trial/trial.json" max_length)
  save=$checkpoints/trial-$(field "$trial/trial.json" trial)
  mkdir -p "$save"
  while [ "$epoch" -lt "$epochs" ] && [ ! -e "$trial/stop" ]; do
    epoch=$((epoch + 1))
    loss=$(awk -v lr="$lr" -v n="$epoch" 'BEGIN { d = log(lr) / log(10) + 2; print d * d + 1 / n }')
    echo "$epoch" >"$save/epoch-$epoch" # first the checkpoint, then the line that names it
    echo "{\"step\": $epoch, \"val_loss\": $loss, \"checkpoint\": \"$save/epoch-$epoch\"}" \
      >>"$trial/metrics.jsonl"
  done

  echo 0 >"$trial/exit_status.new" && mv "$trial/exit_status.new" "$trial/exit_status"
done
