#!/usr/bin/env bash
# launcher.sh COTANGENT VERSION -- what ./cotangent answers before anything is built.
set -euo pipefail
cotangent=$1 version=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# expect STATUS TEXT ARGUMENT...: the exit status, and a text somewhere in what is printed.
expect() {
  local wanted=$1 text=$2 status=0
  shift 2
  "$cotangent" "$@" >"$work/output" 2>&1 </dev/null || status=$?
  if [[ $status != "$wanted" ]] || ! grep -qF -- "$text" "$work/output"; then
    printf './cotangent %s: expected status %s and "%s", got status %s and\n' "$*" "$wanted" "$text" "$status"
    cat "$work/output"
    exit 1
  fi
}
expect 0 "./cotangent run LESSON"
expect 0 "./cotangent run LESSON" help
expect 0 "./cotangent run LESSON" --help
expect 0 "cotangent $version" --version
expect 2 "unknown command 'rnu'. Did you mean 'run'?" rnu
expect 2 "unknown command 'lst'. Did you mean 'list'?" lst
expect 2 "unknown command 'tset'. Did you mean 'test'?" tset
expect 2 "unknown command 'bnech'. Did you mean 'bench'?" bnech
expect 2 "unknown command 'fzuz'. Did you mean 'fuzz'?" fzuz
expect 2 "unknown command 'qiz'. Did you mean 'quiz'?" qiz
expect 2 "unknown command 'chekc'. Did you mean 'check'?" chekc
expect 2 "Did you mean '--version'?" -version
for part in learn build develop './cotangent quiz [LESSON]' './cotangent run FILE.cpp'; do expect 0 "$part" help; done
expect 2 "There are: run list learn quiz start check hint solution reset notebook export book new test fuzz bench help --version" pineapple
expect 2 "There are: run" ''

expect 2 "Did you mean: ./cotangent run 03" 03
expect 2 "Did you mean: ./cotangent run my.cpp" my.cpp
expect 0 "./cotangent quiz [LESSON]" quiz --help

# Whatever there is, help tells about.
for command in $("$cotangent" pineapple 2>&1 | sed 's/.*There are: //'); do expect 0 "$command" help; done

# Through a link, from another folder.
ln -s "$cotangent" "$work/elsewhere"
[[ $(cd / && "$work/elsewhere" --version) == "cotangent $version" ]] || { echo "not found through a link"; exit 1; }

# On a machine where a package is missing and may not be installed, the call says what to type.
mkdir "$work/bin" "$work/tree"
printf '#!/bin/sh\necho "cmake installed"\n' >"$work/bin/dpkg-query"
printf '#!/bin/sh\nexit 1\n' >"$work/bin/apt-get"
chmod +x "$work/bin/"*
cp "$cotangent" "$work/tree/cotangent"
status=0
PATH=$work/bin:$PATH COTANGENT_NO_INSTALL=1 "$work/tree/cotangent" list >"$work/output" 2>&1 </dev/null || status=$?
if [[ $status != 1 ]] || ! grep -q 'As root: apt-get update && apt-get install --no-install-recommends ninja-build g++' "$work/output"; then
  echo "the message about missing packages is not right:"
  cat "$work/output"
  exit 1
fi

# While another call builds, a command that builds nothing does not wait, if the program is there. Then: each thing that is built
# is said once. Nothing is real here but the launcher.
tree=$work/tree build=$work/tree/build/release
mkdir -p "$build/apps/cli" "$tree/include/cotangent"
cp "${cotangent%/*}/include/cotangent/version.h" "$tree/include/cotangent"
printf '#!/bin/sh\nfor p; do case $p in -*) ;; *) echo "$p installed" ;; esac; done\n' >"$work/bin/dpkg-query"
printf '#!/bin/sh\necho "[1/1] Building"\n' >"$work/bin/ninja"
touch "$build/build.ninja"
echo "CMAKE_HOME_DIRECTORY:INTERNAL=$tree" >"$build/CMakeCache.txt"
printf '#!/bin/sh\n[ "$1" = targets ] || echo "the program: $*"\n' >"$build/apps/cli/cotangent-cli"
chmod +x "$work/bin/ninja" "$build/apps/cli/cotangent-cli"
# in_tree SECONDS ARGUMENT..: what it prints is in output
in_tree() {
  local seconds=$1
  shift
  PATH=$work/bin:$PATH COTANGENT_NO_INSTALL=1 timeout "$seconds" "$tree/cotangent" "$@" >"$work/output" 2>&1 </dev/null
}
require() { grep -qF -- "$1" "$work/output" || { echo "launcher: no '$1' in"; cat "$work/output"; exit 1; }; }
exec 8>"$tree/build/.lock"
flock 8
in_tree 20 list || { echo "list waits for another call's build"; cat "$work/output"; exit 1; }
require 'the program: list'
if in_tree 1 run 01 8>&-; then echo "run does not wait for another call's build"; exit 1; fi
require 'waiting for another'
exec 8>&-
in_tree 20 run 01 || { cat "$work/output"; exit 1; }
require 'the program: run 01'
require "cotangent: building what 'run' needs"
[[ $(grep -c '^cotangent: building' "$work/output") == 1 ]] || { echo "building is said twice"; cat "$work/output"; exit 1; }

echo "launcher: ok"
