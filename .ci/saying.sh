# Sourced by the scripts beside it, in the checkout's root: how they say what they do. `name` is the script's, `log` the
# file that takes what its commands say.

say() { echo "$name: $*"; }
die() {
    echo "$name: $*" >&2
    exit 1
}
# Do `$1` by the command that follows, its output in the log; when it fails show the log's end, without the names of
# mirrors and indexes.
quietly() {
    what=$1
    shift
    "$@" >"$log" 2>&1 </dev/null && return
    tail -n 25 "$log" | sed -E "s#[a-z+]+://[^/[:space:]'\"]+#(mirror)#g; s#host='[^']*'#host=(mirror)#g" >&2
    die "$what failed (its whole output is in $log)"
}
