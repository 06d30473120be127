#!/bin/sh
# A training program that knows nothing of ASHA: options in, a line of JSON an epoch out.
#
#   sh train.sh --lr 0.1 --epochs 27 --save checkpoints [--resume checkpoints/epoch-9]
#
# The loss is an invented curve: the best lr is 0.01, and every epoch helps.
lr=0.1 epochs=27 save=checkpoints resume=
while [ $# -ge 2 ]; do
  case $1 in
    --lr) lr=$2 ;;
    --epochs) epochs=$2 ;;
    --save) save=$2 ;;
    --resume) resume=$2 ;;
    *) echo "unknown option $1" >&2; exit 2 ;;
  esac
  shift 2
done

epoch=0
[ -z "$resume" ] || epoch=$(cat "$resume") || exit 1
mkdir -p "$save"
while [ "$epoch" -lt "$epochs" ]; do
  epoch=$((epoch + 1))
  loss=$(awk -v lr="$lr" -v n="$epoch" 'BEGIN { d = log(lr) / log(10) + 2; print d * d + 1 / n }')
  echo "$epoch" >"$save/epoch-$epoch"
  echo "{\"step\": $epoch, \"val_loss\": $loss, \"checkpoint\": \"$save/epoch-$epoch\"}"
done
