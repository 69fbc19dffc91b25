#!/bin/sh
# What configure says of where libxxhash is. Run in the directory of the project.

passed=0
failed=0

check() {
    if test "$1" = "$2"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "expected: $2"
        echo "got:      $1"
    fi
}

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir "$tree/src" "$tree/empty"
cp configure "$tree"
cp src/Makevars.in "$tree/src"
cd "$tree" || exit

said=$(INCLUDE_DIR=$tree/empty sh ./configure 2>&1)
check "$?" 1
check "$said" "INCLUDE_DIR is $tree/empty, where there is no xxhash.h"
check "$(test -e src/Makevars; echo $?)" 1

header=$(printf '#include <xxhash.h>\n' | cc -E -M - | tr ' ' '\n' | grep '/xxhash\.h$')
said=$(INCLUDE_DIR=$(dirname "$header") sh ./configure 2>&1)
check "$?" 0
check "$said" "libxxhash: found in INCLUDE_DIR and LIB_DIR"
check "$(grep -c -- "-I$(dirname "$header")" src/Makevars)" 1

echo 'int XXH_none;' >"$tree/empty/xxhash.h"
said=$(INCLUDE_DIR=$tree/empty sh ./configure 2>&1)
check "$?" 1
check "$(echo "$said" | grep -c 'needs libxxhash')" 1

echo "# configure: $passed passed, $failed failed"
test "$failed" -eq 0
