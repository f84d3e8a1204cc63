# Reads a trace of valgrind's lackey and prints how many cache lines (of 64 bytes) of data an
# iteration reads or writes: the median of 64 iterations, after 300 to warm up. An iteration begins
# with a write to the address `mark` (hexadecimal), whose own line does not count.

function number(hex, i, value) {
    value = 0
    for (i = 1; i <= length(hex); i++)
        value = value * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
    return value
}

$1 == "I" || $1 ~ /^==/ { next }

{ split($2, access, ",") }

access[1] == mark {
    marks++
    if (marks > 301)
        seen[lines]++
    if (marks == 365)
        exit
    lines = 0
    split("", touched)
    next
}

marks > 300 {
    start = number(access[1])
    last = int((start + access[2] - 1) / 64)
    for (line = int(start / 64); line <= last; line++)
        if (!(line in touched)) {
            touched[line] = 1
            lines++
        }
}

END {
    if (marks < 365) {
        print "too few iterations in the trace" > "/dev/stderr"
        exit 1
    }
    for (value = 0; below < 32; value++)
        below += seen[value]
    print value - 1
}
