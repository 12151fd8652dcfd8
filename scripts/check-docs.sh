#!/usr/bin/env bash
# Checks that the documentation speaks of what is there: the paths, items, links, settings and metrics that it names
# exist, each setting and metric that exists is documented, tables are whole, and no path of somebody's machine stands in
# it. That settings have the defaults which the documentation says is a test: services/madang/tests/documented_settings.rs.
#
# In backticks, `path/to/file` must exist, and `path/to/file::item` must define that item too: a function, type,
# constant, macro, test or module.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
mapfile -t docs < <(printf '%s\n' README.md CONTRIBUTING.md && find docs -name '*.md' | sort)
code=(crates services proto tests)
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
        grep -qE "^ *(pub(\(crate\))? )?$name(\(|:| =)" "$1"
}

# Paths, with or without an item.
places='^((\.ci|crates|deploy|docs|k8s|proto|scripts|services|tests)/[A-Za-z0-9_./*-]*|[A-Za-z]+\.(toml|md|lock)|rust-toolchain\.toml|Makefile|LICENSE)(::[a-zA-Z_0-9]+)?$'
while read -r name; do
    path=${name%%::*}
    if ! compgen -G "$path" >/dev/null; then
        complain "$(place "$name"): there is no $path"
    elif [[ $name == *::* ]] && ! defines "$path" "${name##*::}"; then
        complain "$(place "$name"): $path does not define ${name##*::}"
    fi
done < <(quoted | grep -E "$places" || true)

# Links within the repository.
while IFS=: read -r doc link; do
    target=${link#](}
    target=${target%)}
    target=${target%%#*}
    if [[ -n $target && $target != *://* && ! -e $(dirname "$doc")/$target ]]; then
        complain "$doc: the link to $target leads nowhere"
    fi
done < <(grep -HoE '\]\([^) ]+\)' "${docs[@]}" || true)

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
    grep -rhoE "$1" --include='*.rs' crates/kit/src crates/bus/src services/*/src
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

# Metrics. Dots become underscores; units and `_total` are the exporter's.
metrics=$(sources '"(madang\.(auth|bus|gateway|rpc|store)|rpc\.server\.call)\.[a-z_.]+"' | tr -d '"' | tr . _ | sort -u)
while read -r name; do
    stem=$(sed -E 's/_(total|seconds)$//' <<<"$name")
    if ! grep -qxF "$stem" <<<"$metrics"; then
        complain "docs/operations.md: no metric is called $name"
    fi
done < <(grep -oE '\b(madang_(auth|bus|gateway|rpc|store)|rpc_server_call)_[a-z_]+' docs/operations.md | sort -u)
for name in $metrics; do
    grep -qE "\`$name(_total|_seconds)?\`" docs/operations.md || complain "docs/operations.md does not list $name"
done

# Paths of machines.
if grep -nE '(^|[^[:alnum:]_.~-])/(work|root|home|tmp|Users|mnt|opt)/' "${docs[@]}"; then
    complain "a path of somebody's machine stands there"
fi

exit "$failed"
