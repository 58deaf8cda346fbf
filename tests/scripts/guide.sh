#!/usr/bin/env bash
# guide.sh PROGRAM -- the learner's folder, and the commands check, hint, solution, reset, list and learn, on a small course made here.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
program=$(readlink -f "$1")
work=$(mktemp -d)
work=$(readlink -f "$work")
trap 'rm -rf "$work"' EXIT
export COTANGENT_COURSE=$work/course COTANGENT_LESSONS=$work/bin COTANGENT_DATA=$work/data XDG_CACHE_HOME=$work/cache HOME=$work/home
export COTANGENT_CHECK_SECONDS=3
unset COTANGENT_RESULTS
mkdir -p "$work/course/"{beginner,lecture,exercises/{worked,checks,hints}} "$work/home"
exercises=$work/course/exercises

cat >"$work/course/beginner/01_a_scalar.cpp" <<'END'
// Lesson 01: A scalar
// Level: beginner
// Concepts: leaf tensors
#include <cstdio>
void ask(const char*) {}
int main() {
  ask("What is dx?");
  ask("What is dy?");
  std::puts("lesson one ran");
}
END
sed 's/01: A scalar/02: A sum/; s/ask("/puts("/; s/lesson one/lesson two/' "$work/course/beginner/01_a_scalar.cpp" >"$work/course/beginner/02_a_sum.cpp"
sed 's/Lesson 02: A sum/Lecture 1: A lecture/' "$work/course/beginner/02_a_sum.cpp" >"$work/course/lecture/lecture_1_a_lecture.cpp"
sed 's/02: A sum/11: Later/' "$work/course/beginner/02_a_sum.cpp" >"$work/course/beginner/11_later.cpp"
cat >"$exercises/exercise_01_twice.cpp" <<'END'
// Exercise 01: Twice
// Level: exercise
// Concepts: multiplication
#include <cstdio>
#include <vector>
int twice(int x) {
  // TODO(1): return two times x
  return x;
}
int main() { std::printf("%d\n", twice(2)); }
END
sed 's/return x;/return 2 * x;/' "$exercises/exercise_01_twice.cpp" >"$exercises/worked/exercise_01_twice.cpp"
printf '# Hints\n\n## Hint 1\nThink of a factor.\n\n## Hint 2\nIt is two.\n\n## Hint 3\nreturn 2 * x;\n' >"$exercises/hints/exercise_01_twice.md"
cat >"$exercises/checks/exercise_01_twice.cpp" <<'END'
#include <cstdio>
#include <cstdlib>
#define main learner_main
#include CT_EXERCISE_FILE
#undef main
int shared(), own();
int bad = shared() + own();
void check(int number, const char* name, bool ok, const char* diagnosis) {
  std::printf(ok ? "ok  %d  %s\n" : "NO  %d  %s: %s, exercise_01_twice.cpp:8\n", number, name, diagnosis);
  std::fflush(stdout);
  if (std::FILE* f = std::fopen(std::getenv("COTANGENT_CHECK"), "a")) {
    std::fprintf(f, "{\"check\": %d, \"name\": \"%s\", \"ok\": %s, \"diagnosis\": \"%s\", \"line\": 8, \"gap\": %d}\n", number, name, ok ? "true" : "false", ok ? "" : diagnosis, number);
    std::fclose(f);
  }
  bad += !ok;
}
int main() {
  check(1, "nothing", twice(0) == 0, "not zero");
  check(2, "three", twice(3) == 6, "factor 2 is missing");
  return bad ? 1 : 0;
}
END
echo 'int shared() { return 0; }' >"$exercises/checks/common.cpp"
echo 'int own() { return 0; }' >"$exercises/checks/exercise_01.cpp"
echo 'int own() { return 1; }' >"$exercises/checks/exercise_02.cpp"
sed 's/Exercise 01: Twice/Exercise 02: Thrice/' "$exercises/exercise_01_twice.cpp" >"$exercises/exercise_02_thrice.cpp"

fail() { printf 'guide: %s\n' "$*"; cat "$work/output"; exit 1; }
# expect STATUS TEXT ARGUMENT...: the status, and the text somewhere in the output; TEXT may be empty.
expect() {
  local wanted=$1 text=$2 status=0
  shift 2
  "$program" "$@" >"$work/output" 2>&1 </dev/null || status=$?
  [[ $status == "$wanted" ]] || fail "$*: expected status $wanted, got $status"
  [[ -z $text ]] || says "$text"
}
says() { grep -qF -- "$1" "$work/output" || fail "expected \"$1\""; }
says_not() { if grep -qF -- "$1" "$work/output"; then fail "did not expect \"$1\""; fi; }
record() { "$program" record show | grep -qxF -- "$1" || { "$program" record show >"$work/output"; fail "expected the record '$1'"; }; }

# --- start ----------------------------------------------------------------------------------------------------------------------
expect 2 './cotangent start ~/cotangent-course' start
expect 2 './cotangent start ~/cotangent-course' check
mkdir "$work/full" && echo mine >"$work/full/notes"
expect 2 'has other files in it' start "$work/full"
[[ $(ls -A "$work/full") == notes ]] || fail "a refused start made something"
expect 2 'is a file' start "$work/full/notes"
expect 2 'Choose a place outside' start "$work/course/mine"
expect 2 '' start "$work/full/notes/below"
expect 2 '' start /proc/nothing/here
expect 0 'Your folder is ready' start --anyway "$work/full"
[[ $(cat "$work/full/notes") == mine ]] || fail "start changed a file that was there"

mine="$work/my own course"
cd "$work"
expect 0 'Your folder is ready' start "missing/../my own course/"
record "folder $mine"
expect 0 '' start '~/in home/deep'
[[ -f $work/home/in\ home/deep/README.md ]] || fail "a leading ~ is not the home folder"
expect 0 'stays as it is' start "$mine"
cmp "$mine/lessons/01_a_scalar.cpp" "$work/course/beginner/01_a_scalar.cpp"
cmp "$mine/exercises/exercise_01_twice.cpp" "$exercises/exercise_01_twice.cpp"
grep -qx -- "-I$work/course" "$mine/compile_flags.txt" && grep -qx -- '-std=c++20' "$mine/compile_flags.txt" || fail "no flags for editors"
[[ $(wc -l <"$mine/README.md") -lt 40 ]] && grep -q '4 lessons' "$mine/README.md" || fail "the page is no page"

# An update: new files come, untouched ones follow, changed ones stay, deleted ones come back.
expect 0 'up to date' start
says_not added
echo '// my note' >>"$mine/lessons/02_a_sum.cpp"
echo '// my note' >>"$mine/lessons/11_later.cpp"
rm "$mine/lessons/lecture_1_a_lecture.cpp"
cp "$mine/lessons/02_a_sum.cpp" "$mine/lessons/11_later.cpp" "$work/home"
echo '// better' >>"$work/course/beginner/01_a_scalar.cpp"
echo '// better' >>"$work/course/beginner/02_a_sum.cpp"
sed 's/02: A sum/03: New/' "$work/course/beginner/02_a_sum.cpp" >"$work/course/beginner/03_new.cpp"
expect 0 'lessons/02_a_sum.cpp.new' start "$mine"
says 'added 2 files: lessons/03_new.cpp, lessons/lecture_1_a_lecture.cpp'
says 'took the new version of 2 files: README.md, lessons/01_a_scalar.cpp'
says_not 11_later
cmp "$mine/lessons/02_a_sum.cpp" "$work/home/02_a_sum.cpp"
cmp "$mine/lessons/11_later.cpp" "$work/home/11_later.cpp"
cmp "$mine/lessons/02_a_sum.cpp.new" "$work/course/beginner/02_a_sum.cpp"
expect 0 'up to date' start
says_not .new   # told once
# A .new that the learner changed is theirs, too.
echo '// mine' >>"$mine/lessons/02_a_sum.cpp.new"
echo '// best' >>"$work/course/beginner/02_a_sum.cpp"
expect 0 'lessons/02_a_sum.cpp.new-2' start
grep -q '// mine' "$mine/lessons/02_a_sum.cpp.new" || fail "a changed .new was overwritten"
# Without the memory of what was copied, nothing is overwritten either.
rm "$mine/.cotangent.json"
echo '// lost' >>"$mine/lessons/01_a_scalar.cpp"
expect 2 'has other files in it' start
expect 0 '' start --anyway "$mine"
grep -q '// lost' "$mine/lessons/01_a_scalar.cpp" || fail "a changed file was overwritten"
# Interrupted half-way: the next call goes on.
rm -r "$mine/exercises" && echo file >"$mine/exercises"
expect 2 'cannot be made' start
rm "$mine/exercises"
expect 0 'exercises/exercise_01_twice.cpp' start

# --- check ----------------------------------------------------------------------------------------------------------------------
file=$mine/exercises/exercise_01_twice.cpp
fresh=$exercises/exercise_01_twice.cpp
write() { sed "s/return x;/$1/" "$fresh" >"$file"; }  # write STATEMENT: the learner's file with it

expect 1 'fill its gaps' check
record 'exercise exercise_01 attempts 0 hints 0'
expect 1 'you have not tried it yet' solution 1

write 'return 2 * y;'
expect 1 "'y' was not declared" check exercise_01
says 'exercise_01_twice.cpp:8:'
says_not 'checks/exercise_01'
says './cotangent check exercise_01 --full'
record 'exercise exercise_01 attempts 0 hints 0'

sed 's/int twice(int x)/int twice()/; s/return x;/return 2;/; s/twice(2)/twice()/' "$fresh" >"$file"
expect 1 'the checks cannot use it' check 1

write 'return x + 3;'
expect 1 'NO  1  nothing: not zero' check 1
says 'ok  2  three'
record 'exercise exercise_01 attempts 1 hints 0'

write 'for (volatile int i = 0;;) i = i + x;'
start=$SECONDS
expect 1 'does a loop of yours have no end' check twice
((SECONDS - start < 15)) || fail "an endless loop took $((SECONDS - start)) s"
says 'before the first check was done'
write 'for (;;) std::printf("again and again and again\\n");'
expect 1 'does a loop of yours have no end' check twice
[[ $(wc -c <"$work/output") -lt 100000 ]] || fail "an endless output was shown"
write 'if (x == 3) { volatile int* p = nullptr; *p = 1; } return 2 * x;'
expect 1 'SIGSEGV' check twice
says 'in the check after 1 (nothing)'
says 'ok  1  nothing'
write 'return std::vector<int>(2).at(7);'
expect 1 'was thrown and not caught' check twice
says 'It says:'
write 'std::exit(9);'
expect 1 'it ended with exit status 9' check twice

write 'return 2 * x;'
expect 0 'Passed: Exercise 01: Twice.' check "$file"
record 'exercise exercise_01 attempts 7 hints 0 passed'
expect 0 'Passed: Exercise 01: Twice.' check                     # no name: where they are
cp "$file" "$work/home/other.cpp"
expect 2 'which exercise is in' check "$work/home/other.cpp"
expect 0 'Passed: Exercise 01: Twice.' check "$work/home/other.cpp" --as 1
cp "$file" "$work/home/exercise_01_mine.cpp"
(cd "$work/home" && expect 0 'Passed: Exercise 01: Twice.' check exercise_01_mine.cpp)
expect 2 'there is no file' check nowhere/exercise_01.cpp
expect 2 './cotangent check exercise_01' check exercise_1x
expect 2 'only exercises can be given here' check scalar
expect 1 'checks of this exercise are missing' check exercise_02
rm "$mine/exercises/exercise_02_thrice.cpp"
expect 2 'To get it back' check 2
expect 0 '' start

# --- hint, solution, reset ------------------------------------------------------------------------------------------------------
expect 0 'Think of a factor.' hint 1
says 'hint 1 of 3'
says_not two
expect 0 'hint 1 of 3' hint --again
expect 0 'hint 2 of 3' hint
expect 0 'return 2 * x;' hint exercise_01
says 'That was the last hint.'
expect 0 'That was the last hint already' hint
expect 1 'There are no hints' hint 2

expect 1 'you have not tried it yet' solution 2
write 'return x + x;'
expect 0 'return 2 * x;' solution 1
expect 0 '+  return 2 * x;' solution 1 --diff
says '-  return x + x;'
expect 1 'the worked file is missing' solution 2 --insist
record 'exercise exercise_01 attempts 10 hints 3 passed solution seen'

cp "$file" "$work/home/before.cpp"
expect 0 'Yours is kept as exercise_01_twice.cpp.bak-1' reset exercise_01
cmp "$file" "$fresh"
cmp "$file.bak-1" "$work/home/before.cpp"
expect 0 'is fresh.' reset exercise_01
says_not kept
write 'return 0;'
expect 0 'Yours is kept as exercise_01_twice.cpp.bak-2' reset exercise_01
cmp "$file.bak-1" "$work/home/before.cpp"
record 'exercise exercise_01 attempts 0 hints 0 passed solution seen'
expect 0 'Yours is kept as 02_a_sum.cpp.bak-1' reset 02
expect 2 'reset what?' reset
expect 2 '' reset nonsense

# Hints that are about single gaps: for the first open gap, or else for the first check that fails.
cp "$exercises/hints/exercise_01_twice.md" "$work/home/hints.md"
printf '# Hints\n\n## Hint 1\n**Gap 1, a.** One.\n\n**Gap 2, b.** Two.\n\n## Hint 2\n**Gap 1.** Three.\n\n**Gap 2.** Four.\n' >"$exercises/hints/exercise_01_twice.md"
write 'todo(2); todo(1); return x;'
expect 0 'One.' hint 1
says 'hint 1 of 2 for gap 1'
says_not Two
expect 0 'Three.' hint
says 'That was the last hint for gap 1.'
write 'todo(2); return x;'
expect 0 'hint 1 of 2 for gap 2' hint
says 'Gap 2 is open, in line 8'
says_not One
expect 0 'Three.' hint --gap 1 --again
expect 1 'no hint for gap 3' hint --gap 3
expect 2 'wants the number' hint --gap
write 'return x;'
expect 0 'Four.' hint
says 'check 2 is the first that fails'
write 'return 2 * x;'
expect 1 'nothing to hint at' hint
write 'return 2 * ;'
expect 1 'What is wrong: ./cotangent check exercise_01' hint
expect 0 'is fresh' reset exercise_01
cp "$work/home/hints.md" "$exercises/hints/exercise_01_twice.md"

# --- list -----------------------------------------------------------------------------------------------------------------------
"$program" record run 01
"$program" record finished 01
"$program" record answer 01 'What is dx?' right
expect 0 'passed' list
grep -q '^01 .* 1/2 .*A scalar' "$work/output" || fail "list shows no score"

# --- learn, in lines ------------------------------------------------------------------------------------------------------------
"$program" reset --all --yes >/dev/null
expect 0 'You are at Lesson 01: A scalar  (0 of 7 steps done)' learn
says 'Now:   ./cotangent run 01'
says 'Then:  ./cotangent run 02'
"$program" record run 01
"$program" record finished 01
expect 0 'Now:   ./cotangent quiz 01   its questions: 0 of 2 are right' learn
"$program" record answer 01 'What is dx?' right
"$program" record answer 01 'What is dy?' right
expect 0 'Next:  ./cotangent run 02' learn
says 'ran, 2 of 2 questions right'
for lesson in 02 03; do "$program" record run $lesson; "$program" record finished $lesson; done
expect 0 'Next:  ./cotangent run lecture_1' learn       # before exercise 01 and lesson 11
"$program" record run lecture_1
"$program" record finished lecture_1
expect 0 'Next:  ./cotangent check exercise_01   Exercise 01: Twice' learn
expect 2 'there are --watch and --plain' learn 03
mv "$mine" "$mine moved"
expect 0 'is not there (any more)' learn
expect 2 'is not there (any more)' learn --watch
expect 0 '' start "$mine moved"
mine="$mine moved"
file=$mine/exercises/exercise_01_twice.cpp

: >"$work/watch"
"$program" learn --watch >"$work/watch" 2>&1 </dev/null &
watcher=$!
await() { for ((i = 0; i < 300; i++)); do ! grep -qF -- "$1" "$work/watch" || return 0; sleep 0.1; done; cp "$work/watch" "$work/output"; fail "learn --watch does not say \"$1\""; }
await 'Watching'
write 'return 3 * x;'
await 'factor 2 is missing'
write 'return z;'
await "'z' was not declared"
write 'return 2 * x;' && cp "$file" "$file~" && mv "$file~" "$file"
await 'Passed: Exercise 01: Twice.'
await 'Next:  ./cotangent run 11'
sed -i 's/lesson one/changed/' "$mine/lessons/01_a_scalar.cpp"
await 'changed ran'
sed -i 's/std::puts("changed ran");/& return 1;/' "$mine/lessons/01_a_scalar.cpp"
await '== ran, but not all of its numbers hold'
kill -INT "$watcher"
wait "$watcher" || fail "learn --watch ends badly"
await 'Until next time.'

# --- learn, on a terminal -------------------------------------------------------------------------------------------------------
"$program" reset --all --yes >/dev/null
rm -rf "$work/data"
printf '#!/bin/sh\necho a quiz\n' >"$work/quiz"
if command -v python3 >/dev/null; then
  python3 "$here/guide_screen.py" "$program" "$work/course" "$work/on a screen" || exit 1
fi
echo "guide: fine"
