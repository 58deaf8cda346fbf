#!/usr/bin/env bash
# headers.sh COMPILER INCLUDE_DIR -- each public header compiles alone, without a warning; prints what each costs in seconds.
set -euo pipefail
compiler=$1 include=$2
status=0
TIMEFORMAT=%R
shopt -s globstar
for file in "$include"/cotangent/**/*.h; do
  header=${file#"$include"/}
  work=$(mktemp -d)
  printf '#include "%s"\n' "$header" >"$work/one.cpp"
  if { seconds=$({ time "$compiler" -std=c++20 -Wall -Wextra -Wpedantic -Werror -O0 -fsyntax-only -I "$include" "$work/one.cpp" \
      2>"$work/errors" >&2; } 2>&1); }; then
    printf '%-40s %6s s\n' "$header" "$seconds"
  else
    printf '%-40s FAILED\n' "$header"
    cat "$work/errors"
    status=1
  fi
  rm -r "$work"
done
exit $status
