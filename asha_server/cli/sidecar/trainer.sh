#!/bin/sh
# Runs a command once for each trial that `asha sidecar --folder` hands over in this file's folder:
#
#   sh /asha/trainer.sh [--stdout] COMMAND [ARGUMENT]...
#
# The command finds its trial in the variables of trial.env (ASHA_PARAM_LR, ASHA_START_STEP, ...) and
# appends its metrics to $ASHA_METRICS_FILE. With --stdout, lines of its standard output that begin
# with { are metrics too. When the trial is to end, the command gets SIGTERM and, ASHA_GRACE seconds
# later (30), SIGKILL. SIGTERM to this script does the same, and the trial is given back.
#
# Exit status: 0 the search is finished, 1 the search or the sidecar failed, 2 wrong usage, 143 after
# SIGTERM. Needs a POSIX shell; flock, where there is one, tells the sidecar of our death at once.
set -u

folder=$(CDPATH='' cd -P -- "$(dirname -- "$0")" && pwd) || exit 2
grace=${ASHA_GRACE:-30}
poll=${ASHA_POLL:-1}
reads_output=
if [ "${1:-}" = --stdout ]; then
  reads_output=yes
  shift
fi
if [ $# -eq 0 ]; then
  echo "usage: sh $0 [--stdout] COMMAND [ARGUMENT]..." >&2
  exit 2
fi

dir=
child=
watcher=
is_mine= # whether the folder's trials are this trainer's
is_busy= # with what SIGTERM must wait for: a child of unknown number, an end that is not told yet
is_told_to_go=

# Finds the current trial that nobody has ended: its folder, or nothing.
find_trial() {
  dir=$(CDPATH='' cd -P -- "$folder/current" 2>/dev/null && pwd) || dir=
  [ -n "$dir" ] && [ ! -e "$dir/exit_status" ]
}

# Says how the command ended; whole or not at all.
say_end() {
  printf '%s\n' "$1" >"$dir/.exit_status.partial" &&
    mv "$dir/.exit_status.partial" "$dir/exit_status"
}

# Asks a process to end, and kills it after the grace time; to be killed where that is too late.
end_child() {
  kill -TERM "$1"
  sleep "$grace"
  kill -KILL "$1"
} >/dev/null 2>&1

leave() {
  if [ -n "$is_busy" ]; then
    is_told_to_go=yes
    return
  fi
  trap '' TERM INT
  if [ -n "$child" ]; then
    kill -KILL "$watcher" # not SIGTERM: a shell that has only just been forked would lose it
    end_child "$child" 9>&- &
    wait "$child"
    kill -KILL $! 2>/dev/null
    say_end 143
  elif [ -n "$is_mine" ] && find_trial; then
    say_end 143 # handed over, and not begun
  fi
  exit 143
}
trap leave TERM INT

# Does now what SIGTERM asked for meanwhile.
be_ready() {
  is_busy=
  [ -z "$is_told_to_go" ] || leave
}

# Ends the command once the sidecar says so. One that trained in full may first finish by itself.
watch_stop() {
  until [ -e "$dir/stop" ]; do sleep "$poll"; done
  read -r _ reason <"$dir/stop"
  [ "$reason" != MAX_LENGTH ] || sleep "$grace"
  end_child "$1"
} >/dev/null 2>&1

# Copies standard input to standard output, and what looks like metrics to their file.
copy_metrics() {
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in
      '{'*) printf '%s\n' "$line" >>"$dir/metrics.jsonl" ;;
    esac
    printf '%s\n' "$line"
  done
}

# The command for one trial, in the place of the shell that calls this.
start() {
  . "$dir/trial.env"
  # Where the folder is mounted here, which need not be where the sidecar has it.
  export ASHA_METRICS_FILE="$dir/metrics.jsonl" ASHA_PARAMETERS_FILE="$dir/parameters.json"
  [ -z "${ASHA_CHECKPOINT_DIR:-}" ] || mkdir -p "$ASHA_CHECKPOINT_DIR"
  trap - TERM INT
  exec "$@"
}

train() {
  is_busy=yes
  reader=
  if [ -n "$reads_output" ]; then
    output=$dir/.output
    rm -f "$output"
    mkfifo "$output" || exit 2
    copy_metrics <"$output" 9>&- &
    reader=$!
    (start "$@") >"$output" 9>&- &
  else
    (start "$@") 9>&- &
  fi
  child=$!
  watch_stop "$child" 9>&- &
  watcher=$!
  be_ready
  wait "$child"
  status=$?
  is_busy=yes
  child=
  kill -KILL "$watcher"
  wait "$watcher" 2>/dev/null
  [ -z "$reader" ] || wait "$reader"
  say_end "$status"
  be_ready
}

echo $$ >"$folder/trainer.pid"
if command -v flock >/dev/null; then
  exec 9>>"$folder/trainer.lock"
  flock 9
fi
is_mine=yes

while :; do
  if [ -e "$folder/finished.json" ]; then
    grep -q '"is_failed": true' "$folder/finished.json" && exit 1
    exit 0
  fi
  if ! find_trial; then
    touch "$folder/heartbeat" # there is somebody here who waits for work
    sleep "$poll"
  elif [ -e "$dir/stop" ]; then
    say_end 0 # it was to end before it had begun
  else
    train "$@"
  fi
done
