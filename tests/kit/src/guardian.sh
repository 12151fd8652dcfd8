# The guardian of one test directory ($1). Its standard input is a pipe whose other end its owner holds: the kernel
# closes that end when the owner ends in any way, SIGKILL included. Then whatever still runs inside the directory is
# killed and the directory removed. A process "runs inside" by its working directory, so descendants that the owner
# never knew (PostgreSQL's backends, nginx's workers) are found too, and a process id that was reused is not.
directory=$1
trap '' INT TERM HUP
read -r _
rounds=100 # 0.1 s each: a bound for a file system that will not let go
while [ "$rounds" -gt 0 ]; do
    # One `ls` for all processes: lines end in "/proc/<pid>/cwd -> <directory>".
    alive=$(ls -ld /proc/[0-9]*/cwd 2>/dev/null | while read -r line; do
        case $line in (*" -> $directory" | *" -> $directory"/*)
            line=${line#*/proc/}
            echo "${line%%/*}"
            ;;
        esac
    done)
    # shellcheck disable=SC2086 # a list of numbers, to be split
    [ -z "$alive" ] || kill -KILL $alive 2>/dev/null
    # A file system of its own (a small disk that a test fills) is as much a leftover as a file.
    while read -r _ mounted _; do
        case $mounted in ("$directory"/*) [ -n "$alive" ] || umount "$mounted" 2>/dev/null ;; esac
    done </proc/mounts
    [ -z "$alive" ] && rm -rf -- "$directory" 2>/dev/null && exit 0
    rounds=$((rounds - 1))
    sleep 0.1
done
exit 1
