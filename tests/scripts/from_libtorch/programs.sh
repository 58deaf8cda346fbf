#!/usr/bin/env bash
# programs.sh SOURCE_DIR LIBRARY COMPILER -- programs written for libtorch compile with one include changed, and print the same.
set -euo pipefail
source=$1 library=$2 compiler=$3
here=$source/tests/scripts/from_libtorch/programs
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TMPDIR=$work OMP_NUM_THREADS=1
status=0
for program in "$here"/*.cpp; do
  name=$(basename "$program" .cpp)
  sed 's|<torch/torch.h>|<cotangent/torch.h>|' "$program" >"$work/$name.cpp"
  "$compiler" -std=c++20 -O0 -w -I "$source/include" "$work/$name.cpp" -o "$work/$name" "$library" "-Wl,-rpath,$(dirname "$library")" &
  ours=$!
  "$compiler" -std=c++17 -O0 -w -isystem /usr/include/torch/csrc/api/include "$program" -o "$work/$name.torch" -ltorch -ltorch_cpu -lc10 &
  theirs=$!
  if ! wait "$ours" || ! wait "$theirs"; then
    echo "$name: does not compile"
    status=1
    continue
  fi
  "$work/$name" >"$work/$name.out" || { echo "$name: stopped with $?"; status=1; }
  "$work/$name.torch" >"$work/$name.expected" || { echo "$name: libtorch's stopped with $?"; status=1; }
  if diff -u "$work/$name.expected" "$work/$name.out"; then echo "$name: the same text"; else status=1; fi
done
exit $status
