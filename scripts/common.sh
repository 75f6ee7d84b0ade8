# shellcheck shell=bash
# What the scripts of this folder share: sentences, and long work behind one line of progress.

say() {
    printf '== %s\n' "$*"
}

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# tail_of LOG [LINES]: the end of a log, set off from our own words.
tail_of() {
    [ -s "$1" ] || return 0
    printf -- '---- the end of %s\n' "$1" >&2
    tail -n "${2:-40}" "$1" >&2
    printf -- '----\n' >&2
}

# quietly LOG WHAT COMMAND...: one line that says WHAT, another every 20 seconds while it lasts,
# and the end of the log only when it fails.
quietly() {
    local log=$1 what=$2 began=$SECONDS pid status=0
    shift 2
    say "$what"
    "$@" >"$log" 2>&1 &
    pid=$!
    while alive "$pid"; do
        sleep 0.2
        if (( (SECONDS - began) >= 20 && (SECONDS - began) % 20 == 0 )); then
            printf '   ... %d s: %s\n' "$((SECONDS - began))" "$(tail -n 1 "$log" | cut -c1-90)"
            sleep 1
        fi
    done
    wait "$pid" || status=$?
    if [ "$status" -ne 0 ]; then
        tail_of "$log"
        printf '%s: failed (%d): %s\n' "${0##*/}" "$status" "$what" >&2
    fi
    return "$status"
}

# A zombie that was not waited for does not count.
alive() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    [[ ${stat##*) } != Z* ]]
}

# within SECONDS COMMAND...: until the command succeeds.
within() {
    local until=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$until" ] || return 1
        sleep 0.1
    done
}
