#!/usr/bin/env bash
# run_file.sh PROGRAM COURSE -- run takes a file of the learner's own: it is compiled, kept, and its errors are told.
set -euo pipefail
program=$1 course=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache COTANGENT_DATA=$work/data
mkdir -p "$work/my files/deep"
cd "$work/my files"

# expect STATUS TEXT ARGUMENT...
expect() {
  local wanted=$1 text=$2 status=0
  shift 2
  "$program" "$@" >"$work/output" 2>&1 </dev/null || status=$?
  if [[ $status != "$wanted" ]] || ! grep -qF -- "$text" "$work/output"; then
    printf '%s: expected status %s and "%s", got status %s and\n' "$*" "$wanted" "$text" "$status"
    cat "$work/output"
    exit 1
  fi
}

cat >deep/mine.cpp <<'END'
#include <cotangent/cotangent.h>
int main(int argc, char** argv) {
  auto x = ct::tensor({1.0, 2.0, 3.0}, ct::requires_grad());
  (x * x).sum().backward();
  ct::print(x.grad(), argc > 1 ? argv[1] : "nothing");
  return argc;
}
END
expect 1 'tensor([2., 4., 6.]) nothing' run deep/mine.cpp
expect 3 'tensor([2., 4., 6.]) --all' run --plain deep/mine.cpp --all b
expect 1 'tensor([2., 4., 6.]) nothing' run "$PWD/deep/mine.cpp"
programs=("$XDG_CACHE_HOME"/cotangent/programs/*/mine)
[[ ${#programs[@]} == 2 ]] || { echo "compiled again although nothing changed: ${programs[*]}"; exit 1; }  # the entry and the link to it
expect 0 'ct_lesson cotangent' target deep/mine.cpp

# A copy of a lesson is the learner's own; the lesson itself is a lesson.
copy=$(ls "$course"/beginner/01_*.cpp)
cp "$copy" copy.cpp
expect 0 'checks of the numbers above passed.' run copy.cpp
expect 0 "lesson_$(basename "$copy" .cpp)" target "$copy"

# In a changed copy, what the lesson says is printed in the dtype of what came out: only the numbers differ.
sed 's/{1.0, 2.0, 3.0}, ct::requires_grad/{1.0, 2.0, 4.0}, ct::requires_grad/' "$copy" >changed.cpp
expect 1 'got tensor([ 8., 16., 32.]), and the lesson says tensor([ 8., 16., 24.])' run changed.cpp

# An error in a header is told with the learner's line, and the rest of the compiler's text lies in a file.
cat >bad.cpp <<'END'
#include <algorithm>
#include <cotangent/cotangent.h>
#include <list>
int main() {
  std::list<int> l;
  std::sort(l.begin(), l.end());
}
END
expect 1 'bad.cpp:6:' run bad.cpp
if grep -q '^/usr\|stl_iterator' "$work/output" || [[ $(wc -l <"$work/output") -gt 12 ]]; then echo "too much of the compiler's text:"; cat "$work/output"; exit 1; fi
log=$(sed -n 's/^The compiler.s full text: //p' "$work/output")
grep -q 'bits/stl_algo.h' "$log" || { echo "the full text is not in '$log'"; exit 1; }
echo 'int main() { int }' >"bad too.cpp"
expect 1 'bad too.cpp:1:' run 'bad too.cpp'
printf 'int twice(int);\nint main() {\n  return twice(2);\n}\n' >linked.cpp
expect 1 "linked.cpp:3: error: undefined reference to 'twice(int)'" run linked.cpp
: >empty.cpp
expect 1 'the program has no main()' run empty.cpp
head -c 2000 /dev/urandom >noise.cpp
expect 1 'error' run noise.cpp

# What is no C++ file.
expect 2 "there is no file missing.cpp in $work/my files, and no lesson has that name" run missing.cpp
expect 2 'there is no file ./missing' run ./missing
expect 2 '. is a folder; run takes a lesson or a .cpp file' run .
expect 1 'this is no file' run "$(mkdir folder.cpp; echo folder.cpp)"
expect 0 'lesson_01' target scalar   # though a file of that name
: >scalar
expect 0 'lesson_01' target scalar

# Two at once, and a cache that cannot be written.
printf '#include <cstdio>\nint main() { std::puts("five"); return 5; }\n' >five.cpp
"$program" run five.cpp >/dev/null & a=$!
"$program" run five.cpp >/dev/null & b=$!
status=0; wait $a || status=$?; [[ $status == 5 ]] || { echo "the first of two calls ended with $status"; exit 1; }
status=0; wait $b || status=$?; [[ $status == 5 ]] || { echo "the second of two calls ended with $status"; exit 1; }
XDG_CACHE_HOME=$work/output HOME=/dev/null TMPDIR=$work expect 5 five run five.cpp
echo "run_file: ok"
