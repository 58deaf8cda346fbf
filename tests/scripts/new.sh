#!/usr/bin/env bash
# new.sh PROGRAM CMAKE COMPILER -- `new` makes a project that configures, builds and passes its test at once, and changes nothing
# that is there.
set -euo pipefail
program=$1 cmake=$2 compiler=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# expect STATUS TEXT ARGUMENT...
expect() {
  local wanted=$1 text=$2 status=0
  shift 2
  "$program" new "$@" >"$work/output" 2>&1 </dev/null || status=$?
  if [[ $status != "$wanted" ]] || ! grep -qF -- "$text" "$work/output"; then
    printf 'new %s: expected status %s and "%s", got status %s and\n' "$*" "$wanted" "$text" "$status"
    cat "$work/output"
    exit 1
  fi
}

expect 0 './build/first_ball' 'folders/first ball'
cd 'folders/first ball'
# What it says to type, with the compiler that is tested.
CXX=$compiler "$cmake" --preset default >"$work/configure.log" 2>&1 || { cat "$work/configure.log"; exit 1; }
"$cmake" --build build >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
if grep -q warning "$work/build.log"; then cat "$work/build.log"; exit 1; fi
./build/first_ball >"$work/ball" || { cat "$work/ball"; exit 1; }
[[ $(tail -1 "$work/ball") == *" 23.69 degrees, 30.00 m" ]] || { echo "the ball does not land in the basket:"; cat "$work/ball"; exit 1; }
ctest --preset default >"$work/test.log" || { cat "$work/test.log"; exit 1; }
for file in .gitignore README.md CMakePresets.json CMakeLists.txt throw.h; do
  [[ -s $file ]] || { echo "no $file"; exit 1; }
  if grep -n '@[A-Z]*@' "$file"; then echo "a gap was left open in $file"; exit 1; fi
done
# Where the library has gone, the project says what to type; and that works.
where=$(sed -n 's/.*HINTS "\(.*\)").*/\1/p' CMakeLists.txt)
sed "s|$where|/nowhere|" CMakeLists.txt >moved && mv CMakeLists.txt kept && mv moved CMakeLists.txt
if CXX=$compiler "$cmake" -S . -B "$work/again" -G Ninja >"$work/configure.log" 2>&1; then echo "found in /nowhere"; exit 1; fi
tr -s ' \n' ' ' <"$work/configure.log" | grep -qF 'Cotangent is not in /nowhere any more.' || { cat "$work/configure.log"; exit 1; }
CXX=$compiler "$cmake" -S . -B "$work/again" -G Ninja -DCMAKE_PREFIX_PATH="$where" >"$work/configure.log" 2>&1 || { cat "$work/configure.log"; exit 1; }
mv kept CMakeLists.txt
# Its test can fail.
sed -i 's/2 \* angle)/2 * angle.detach()) + 0 * angle/' throw.h
"$cmake" --build build >"$work/build.log" 2>&1
if ctest --preset default >"$work/test.log" 2>&1; then echo "the project's test passes with a wrong gradient"; exit 1; fi
grep -q 'Jacobian mismatch' "$work/test.log" || { echo "the test does not say what is wrong:"; cat "$work/test.log"; exit 1; }
cd "$work"

# A name of its own, an empty folder, a fresh repository, the folder where one is.
mkdir -p empty repository/.git here
expect 0 './build/net-2' empty net-2
grep -q 'add_executable(net-2 ' empty/CMakeLists.txt
expect 0 'repository is a project of your own' repository/
cd here
expect 0 './build/here' .
cd ..
expect 0 './build/nets' '2_nets'
expect 0 './build/test_project' test

# Nothing is changed where something is.
mkdir used
touch used/{a,b,c,d,e,f,g,h}
expect 1 'used is not empty: it has a, b, c, d, e, f and 2 more. Nothing was changed' used
[[ $(ls -A used | wc -l) == 8 ]] || { echo "a folder that was in use was changed"; exit 1; }
expect 1 'empty is not empty: it has .gitignore, CMakeLists.txt' empty
touch file
expect 1 'file is there already, and it is no folder' file
ln -s nowhere link
expect 1 'link is there already' link
expect 1 'cannot be made' file/below
expect 2 'new takes the folder to make'
expect 2 'new takes the folder to make' --help
expect 2 'new takes the folder to make' a b c
expect 2 "begins with a letter" fresh '3d'
expect 2 "begins with a letter" 'ß'
expect 2 "'test' means something else to CMake" fresh test
[[ ! -e fresh ]] || { echo "a folder was made in spite of the error"; exit 1; }
echo "new: ok"
