# What the scripts share that end commands in their middle: finding what is left, by other means than
# Meshproof's own. To be sourced after common.sh, once `place` (the script's folder), `state` (the
# state folder in it) and `cache` are set.
# shellcheck shell=bash

# How long a command may take to clean up after a signal, in seconds.
limit=$(scaled 90)

# Written down, since some of them are found in a pipeline.
fault() {
    say "  LEFT: $*"
    printf '%s\n' "$*" >>"$place/faults"
}

# A fault for each line.
each() {
    local what=$1 line
    while IFS= read -r line; do
        [ -z "$line" ] || fault "$what: $line"
    done
}

# Processes that a command of ours started: our state folder is in their environment.
processes() {
    local environ pid
    for environ in /proc/[0-9]*/environ; do
        pid=${environ#/proc/} pid=${pid%/environ}
        # One that has ended meanwhile has none.
        if { tr '\0' '\n' <"$environ"; } 2>/dev/null | grep -qx "MESHPROOF_STATE_DIR=$state"; then
            printf '%s %s\n' "$pid" "$({ tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null | cut -c1-120)"
        fi
    done
}

# Containers with one of our folders in them, or made by a command of ours.
containers() {
    docker ps -a --format '{{.Names}}' | while read -r name; do
        if docker inspect "$name" 2>/dev/null | grep -qF "$place"; then echo "$name"; fi
    done
}

# Artifacts in the making and the build contexts of images.
half_made() { ls -d "$cache"/context-* "$cache"/partial/* 2>/dev/null | sort || true; }

# Mounts below the script's folder.
mounts() { grep -F "$place" /proc/mounts || true; }

# Reaps, says what came of it, and holds it to its figure.
reap() {
    local log=$1 begun took code=0
    begun=$(now)
    meshproof reap >"$log" 2>&1 || code=$?
    took=$(($(now) - begun))
    [ $code = 0 ] || fault "reap ended with $code: $(tail -n 2 "$log" | tr '\n' '|')"
    in_time reap $took 10 || fault "the figure of reap: it took $took ms"
    say "  reaped in $took ms: $(tail -n 1 "$log")"
}

# Ends a command of ours with a signal after a while, as whoever sends it does: a terminal to the whole
# process group, others to the program. Tells nothing where it has ended by itself before. To be called
# with a label, a name of the signal, seconds, a log, and the command; `code` is what it ended with.
end_in_the_middle() {
    local label=$1 signal=$2 moment=$3 log=$4 pid begun at='after its end'
    shift 4
    # With job control the command has a process group of its own, as at a terminal.
    set -m
    "$@" >"$log" 2>&1 &
    pid=$!
    job=$pid
    set +m
    timeout "$moment" tail --pid="$pid" -f /dev/null || true
    local to=$pid
    case $signal in INT | HUP) to=-$pid ;; esac
    if kill "-$signal" -- "$to" 2>/dev/null; then
        at="at: $(tail -n 1 "$log" | cut -c1-90)"
    else
        signal=none
    fi
    begun=$SECONDS
    timeout "$limit" tail --pid="$pid" -f /dev/null || {
        fault "$label still runs $limit s after SIG$signal"
        kill -KILL "$pid" 2>/dev/null || true
    }
    code=0
    { wait "$pid" || code=$?; } 2>/dev/null
    job=''
    say "$label, SIG$signal after $moment s ($at), ended with $code after $((SECONDS - begun)) s"
    case $signal-$code in
        HUP-129 | INT-130 | TERM-143 | KILL-137 | none-0) ;;
        # It had come to its end in the moment of the signal.
        HUP-0 | INT-0 | TERM-0) ;;
        *) fault "exit code $code; its words: $(tail -n 3 "$log" | tr '\n' '|')" ;;
    esac
    [ "$signal" = KILL ] || grep 'left behind' "$log" | each 'told' || true
    sent=$signal
}

# One of the signals, at random. What is started by a process that ignores hangups (nohup) does too.
hangup=HUP
[[ $(awk '/^SigIgn:/ { print $2 }' "/proc/$$/status") == *[02468ace] ]] || hangup=TERM
a_signal() {
    case $((RANDOM % 4)) in 0) signal=INT ;; 1) signal=TERM ;; 2) signal=$hangup ;; 3) signal=KILL ;; esac
}

# A moment at random, up to so many tenths of a second, in seconds.
a_moment() {
    moment=$((RANDOM % $1 + 1))
    moment=$((moment / 10)).$((moment % 10))
}
