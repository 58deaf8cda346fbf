#!/usr/bin/env bash
# lines.sh SOURCE_DIR LIBRARY COMPILER -- errors name the right lines of a program however it is compiled: without
# optimisation, with it, without frame pointers, and as well as may be without debug information or without libdw.
set -euo pipefail
source=$1 library=$2 compiler=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
expected=$source/tests/scripts/lines/expected.txt

build() { "$compiler" -std=c++20 "$@" -I "$source/include" "$source/tests/scripts/lines/lesson.cpp" -o "$work/lesson" "$library" -Wl,-rpath,"$(dirname "$library")"; }

for flags in "-O0 -g" "-O0 -g1" "-O2 -g1" "-O2 -g -fomit-frame-pointer" "-O3 -g -no-pie"; do
  # shellcheck disable=SC2086  # flags are words
  build $flags
  if ! diff -u "$expected" <("$work/lesson"); then
    echo "$flags: other lines than expected"
    exit 1
  fi
  echo "$flags: ok"
done

# Without debug information: the function.
build -O0
"$work/lesson" >"$work/plain.txt"
grep -Eq 'Saved by `exp` at make_loss\(.*\)\+0x[0-9a-f]+ of lesson, changed by `add_` at make_loss\(.*\)\+0x[0-9a-f]+ of lesson\.' "$work/plain.txt" || {
  cat "$work/plain.txt"
  echo "without -g: no function names"
  exit 1
}
echo "without -g: ok"

# Without anything: the same errors without places.
build -O2 -s
"$work/lesson" >"$work/bare.txt"
grep -q 'Saved by `exp`, changed by `add_`\.' "$work/bare.txt" || { cat "$work/bare.txt"; echo "stripped: wrong text"; exit 1; }
echo "stripped: ok"
