#!/usr/bin/env bash
# install.sh SOURCE_DIR BUILD_DIR COMPILER CMAKE VERSION -- installs a copy into a temporary prefix, moves it, and builds a small
# outside project (tests/scripts/outside) against it twice: with find_package and with pkg-config.
set -euo pipefail
source=$1 build=$2 compiler=$3 cmake=$4 version=$5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$cmake" --install "$build" --prefix "$work/first" >"$work/install.log"
mv "$work/first" "$work/prefix"   # an installed tree may be moved
expected=$(cat "$source/tests/scripts/outside/expected.txt")

check() {  # check NAME OUTPUT
  if [[ $2 != "$expected" ]]; then
    printf '%s: expected\n%s\nbut got\n%s\n' "$1" "$expected" "$2"
    exit 1
  fi
  printf '%s: ok\n' "$1"
}

"$cmake" -S "$source/tests/scripts/outside" -B "$work/outside" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_CXX_COMPILER="$compiler" \
  -DCT_EXPECTED_VERSION="$version" >"$work/configure.log" || { cat "$work/configure.log"; exit 1; }
"$cmake" --build "$work/outside" >"$work/build.log" || { cat "$work/build.log"; exit 1; }
check find_package "$("$work/outside/hello")"

if "$cmake" -S "$source/tests/scripts/outside" -B "$work/future" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_CXX_COMPILER="$compiler" \
  -DCT_EXPECTED_VERSION=99.0 >/dev/null 2>&1; then
  echo "find_package(cotangent 99.0) was satisfied by version $version"
  exit 1
fi
echo "a version that is not there is refused: ok"

pc=$(dirname "$(find "$work/prefix" -name cotangent.pc)")
export PKG_CONFIG_PATH=$pc
[[ $(pkg-config --modversion cotangent) == "$version" ]] || { echo "cotangent.pc has not version $version"; exit 1; }
# shellcheck disable=SC2046  # flags are words
"$compiler" -std=c++20 "$source/tests/scripts/outside/hello.cpp" -o "$work/hello" $(pkg-config --cflags --libs cotangent)
check pkg-config "$(LD_LIBRARY_PATH=$(pkg-config --variable=libdir cotangent) "$work/hello")"

# The examples, among them that of CONTRIBUTING.md, build out of tree, against the installed copy.
for example in "$source"/examples/*/; do
  name=$(basename "$example")
  "$cmake" -S "$example" -B "$work/$name" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" \
    -DCMAKE_CXX_COMPILER="$compiler" >"$work/configure.log" || { cat "$work/configure.log"; exit 1; }
  "$cmake" --build "$work/$name" >"$work/build.log" || { cat "$work/build.log"; exit 1; }
  ctest --test-dir "$work/$name" --output-on-failure --no-tests=error >"$work/ctest.log" || { cat "$work/ctest.log"; exit 1; }
  echo "examples/$name: ok"
done
