#!/usr/bin/env bash
# Checks that the documentation speaks of what is there: the paths, items, links and settings that it names
# exist, also those that llms.txt names, each setting that exists is documented, tables are whole, and no path of
# somebody's machine stands in it. What the tables of settings and of metrics say is tested where it is known:
# services/madang/tests/documented_*.rs.
#
# In backticks, `path/to/file` must exist, and `path/to/file::item` must define that item too: a function, type,
# constant, macro, test or module; `make target` must be in the Makefile. In a list of numbered checks, each has a row,
# which names what shows it or says "Not yet", and each item of Rust that it names is a test.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
mapfile -t docs < <(printf '%s\n' README.md CONTRIBUTING.md SECURITY.md CHANGELOG.md && find docs -name '*.md' | sort)
failed=0

complain() {
    echo "check-docs: $1" >&2
    failed=1
}

# Where a word stands first, for the message.
place() {
    grep -nF -m1 -- "$1" "${docs[@]}" /dev/null | cut -d: -f1,2 | head -n1
}

# What stands in backticks outside of fenced blocks, one a line.
quoted() {
    awk '/^ *```/ { fenced = !fenced; next } !fenced' "${docs[@]}" | grep -oE '`[^`]+`' | tr -d '`' | sort -u
}

defines() {
    local name=$2
    grep -qE "\b(fn|struct|enum|trait|type|const|static|mod|macro_rules!|FUNCTION|TABLE|message|service|rpc) +$name\b" "$1" ||
        grep -qE "^ *(pub(\(crate\))? )?$name(\(|:| =)" "$1" ||
        grep -qE "^func (\([^)]*\) )?$name\(" "$1"
}

# Paths, with or without an item.
places='^((\.ci|clients|crates|deploy|docs|examples|k8s|proto|scripts|services|tests)/[A-Za-z0-9_./*-]*|[A-Za-z]+\.(toml|md|lock)|rust-toolchain\.toml|Makefile|LICENSE)(::[a-zA-Z_0-9]+)?$'
while read -r name; do
    path=${name%%::*}
    # What a build makes is not there before it.
    if [[ /$path/ != */dist/* ]] && ! compgen -G "$path" >/dev/null; then
        complain "$(place "$name"): there is no $path"
    elif [[ $name == *::* ]] && ! defines "$path" "${name##*::}"; then
        complain "$(place "$name"): $path does not define ${name##*::}"
    fi
done < <(quoted | grep -E "$places" || true)

# Targets of make.
while read -r target; do
    grep -qE "^$target:" Makefile || complain "$(place "make $target"): the Makefile has no target $target"
done < <(quoted | sed -n 's|^make \([a-z-]*\).*|\1|p' | sort -u)

# Lists of checks: rows that begin with a number.
is_test() {
    # By its attribute, or in the list of a macro that makes tests of functions.
    grep -B4 -E "\bfn $2\b" "$1" | grep -qE '#\[(tokio::)?test\b' || grep -qE "^    $2,$" "$1"
}
numbered() {
    local doc=$1 count=$2 number=0 row shown item
    while read -r row; do
        number=$((number + 1))
        [[ $row == "| $number | "* ]] || complain "$doc: check $number is missing: $row"
        shown=${row#"| $number | "}
        shown=${shown#* | }
        [[ $shown == *\`* || $shown == *"Not yet"* ]] || complain "$doc: check $number names nothing that shows it"
        while read -r item; do
            is_test "${item%%::*}" "${item##*::}" || complain "$doc: check $number: $item is not a test"
        done < <(grep -oE '`[^`]+\.rs::[A-Za-z_0-9]+`' <<<"$shown" | tr -d '`')
    done < <(grep -E '^\| [0-9]+ \| ' "$doc")
    [ "$number" = "$count" ] || complain "$doc: $number checks of $count"
}
numbered docs/security.md 47
numbered docs/kubernetes.md 14
numbered docs/operations.md 12

# Links within the repository.
while IFS=: read -r doc link; do
    target=${link#](}
    target=${target%)}
    target=${target%%#*}
    if [[ -n $target && $target != *://* && ! -e $(dirname "$doc")/$target ]]; then
        complain "$doc: the link to $target leads nowhere"
    fi
done < <(grep -HoE '\]\([^) ]+\)' "${docs[@]}" || true)

# llms.txt: each file that it names exists, with something said about it, and no public document is left out.
named=$(grep -oE '\]\([^) ]+\)' llms.txt | sed 's/^](//; s/)$//')
while read -r path; do
    [[ $path == *://* || -f $path ]] || complain "llms.txt: there is no $path"
done <<<"$named"
while read -r line; do
    complain "llms.txt: not a document with one line about it: $line"
done < <(grep '^-' llms.txt | grep -vE '^- \[[^]]+\]\([^) ]+\): .{10,}' || true)
while read -r doc; do
    grep -qxF "$doc" <<<"$named" || complain "llms.txt does not name $doc"
done < <(find docs -maxdepth 1 -name '*.md' -o -maxdepth 1 -name '*api.json')

# Tables. A row that a blank line parts from its table, or with a cell too many, is not shown as one.
tables() {
    awk '
        function complain(what) { print start ": " what }
        function finish() { if (rows == 1) complain("a row without a table"); rows = 0 }
        FNR == 1 { finish(); fenced = 0 }
        /^ *```/ { fenced = !fenced }
        fenced || !/^\|/ { finish(); next }
        {
            line = $0
            gsub(/\\\|/, "", line)
            cells = gsub(/\|/, "", line) - 1
            start = FILENAME ":" FNR
            if (++rows == 1) columns = cells
            if (rows == 2 && !/^\|( *:?-+:? *\|)+ *$/) complain("a table without a line under its head")
            if (cells != columns) complain("a row of " cells " cells in a table of " columns)
        }
        END { finish() }
    ' "$@"
}
while read -r what; do
    complain "$what"
done < <(tables "${docs[@]}")

# Settings. A variable stands in the code by its own name, or as the flag that it is derived from.
sources() {
    grep -rhoE "$1" --include='*.rs' crates/kit/src crates/bus/src crates/database/src services/*/src
}
settings=$(
    {
        sources '\benv = "MADANG_[A-Z0-9_]+"' | grep -oE 'MADANG_[A-Z0-9_]+'
        sources '\blong = "[a-z0-9-]+"' | cut -d'"' -f2 | tr 'a-z-' 'A-Z_' | sed 's/^/MADANG_/'
        echo MADANG_CONFIG
    } | sort -u
)
while read -r name; do
    if ! grep -qxF -e "$name" -e "${name%_FILE}" <<<"$settings"; then
        complain "$(place "$name"): no setting is called $name"
    fi
done < <(grep -rhoE '\bMADANG_[A-Z0-9_]*[A-Z0-9]\b' "${docs[@]}" | sort -u)
for name in $settings; do
    grep -qF "\`$name\`" docs/operations.md || complain "docs/operations.md does not list $name"
done

# Paths of machines.
if grep -nE '(^|[^[:alnum:]_.~-])/(work|root|home|tmp|Users|mnt|opt)/' "${docs[@]}"; then
    complain "a path of somebody's machine stands there"
fi

exit "$failed"
