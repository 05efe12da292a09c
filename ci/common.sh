# What the scripts beside this file share; to be sourced, from the repository's root.
# shellcheck shell=bash

# Says what is being done, on standard error: standard output is for results.
say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }

# Ends with 2, "could not run", and one sentence with the cure.
fail() {
    say "$*"
    exit 2
}

# Where cargo puts programs, wherever a variable or a configuration file sends them.
programs() {
    local target
    target=$(cargo metadata --no-deps --format-version 1 --offline --locked |
        sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
    [ -n "$target" ] || fail "cargo does not tell its target directory; run cargo metadata to see why"
    printf '%s/debug' "$target"
}
