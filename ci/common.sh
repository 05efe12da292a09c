# What the scripts beside this file share; to be sourced, from the repository's root.
# shellcheck shell=bash

# Says what is being done, on standard error: standard output is for results.
say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }

# Ends with 2, "could not run", and one sentence with the cure.
fail() {
    say "$*"
    exit 2
}

# Milliseconds, for telling how long something took.
now() { echo $(($(date +%s%N) / 1000000)); }

# So many seconds, or more where MESHPROOF_TIMEOUT_SCALE says that this machine is slower.
scaled() {
    awk -v seconds="$1" -v scale="${MESHPROOF_TIMEOUT_SCALE:-1}" 'BEGIN { printf "%d", seconds * scale }'
}

# Whether something that took so many milliseconds took at most so many seconds; says so if it did not.
# MESHPROOF_FIGURE_SCALE above 1 finds gross losses only, for machines that are shared.
in_time() {
    local limit
    limit=$(awk -v seconds="$(scaled "$3")" -v scale="${MESHPROOF_FIGURE_SCALE:-1}" 'BEGIN { printf "%d", seconds * scale }')
    [ "$2" -le $((limit * 1000)) ] || {
        say "$1 took $2 ms, and is to take at most $limit s; on a slower machine set MESHPROOF_TIMEOUT_SCALE above ${MESHPROOF_TIMEOUT_SCALE:-1}"
        return 1
    }
}

# Where cargo puts programs, wherever a variable or a configuration file sends them.
programs() {
    local target
    target=$(cargo metadata --no-deps --format-version 1 --offline --locked |
        sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
    [ -n "$target" ] || fail "cargo does not tell its target directory; run cargo metadata to see why"
    printf '%s/debug' "$target"
}

# Runs a program so that a signal to the script is seen while it does.
job=''
run() {
    local code=0
    "$@" &
    job=$!
    wait "$job" || code=$?
    job=''
    return $code
}

# Ends what `run` runs.
stop_job() { kill -TERM "$job"; }

# Has a signal end what `run` runs before the script ends, so that nothing writes any more where its
# EXIT trap cleans up.
stop_on_signals() {
    trap 'stopped 129' HUP
    trap 'stopped 130' INT
    trap 'stopped 143' TERM
}
stopped() {
    trap '' HUP INT TERM
    if [ -n "$job" ]; then
        stop_job || true
        wait "$job" || true
    fi
    say "ended by a signal"
    exit "$1"
}
