#!/usr/bin/env bash
# command_line.sh PROGRAM COURSE -- list, run and target on a small course made here; then the headers of the real course.
set -euo pipefail
program=$1 course=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export COTANGENT_COURSE=$work/course COTANGENT_LESSONS=$work/bin COTANGENT_DATA=$work/data
cd "$work"
mkdir -p "$work/course/"{beginner,lecture,workshops,common} "$work/bin"

lesson() {  # lesson PATH TITLE LEVEL CONCEPTS
  printf '// %s\n// Level: %s\n// Concepts: %s\n#include <iostream>\n// Level: not this one\n' "$2" "$3" "$4" >"$work/course/$1.cpp"
}
lesson beginner/01_basic_scalar_backward 'Lesson 01: One scalar, one backward' beginner 'leaf tensors, backward, grad, retain_grad'
lesson beginner/02_gradient_accumulation 'Lesson 02: .grad is a running sum' beginner $'grad,\n//   zeroing, accumulation'
lesson beginner/10_with_torch_no_grad 'Lesson 10: Régime sans gradient' beginner 'no_grad'
lesson lecture/lecture_1_a_product 'Lecture 1: A product' lecture 'chain rule, a list of concepts that is long enough to need a second line in its column'
lesson lecture/lecture_2_a_sum 'Lecture 2: A sum' lecture 'chain rule'
lesson workshops/workshop_1_problem_1_flow 'Workshop 1, problem 1: Flow' workshop 'gradient flow'
echo 'no lesson' >"$work/course/common/helper.cpp"
printf '#!/bin/sh\necho "lesson 1 got $*"\nexit 7\n' >"$work/bin/lesson_01_basic_scalar_backward"
chmod +x "$work/bin/lesson_01_basic_scalar_backward"

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
for query in 1 01 001 01_basic_scalar_backward basic_scalar_backward basic-scalar 'Basic scalar' scalar 'one scalar' \
    lesson_01_basic_scalar_backward course/beginner/01_basic_scalar_backward.cpp; do
  expect 0 lesson_01_basic_scalar_backward target "$query"
done
expect 0 lesson_10_with_torch_no_grad target 10
expect 0 lesson_lecture_2_a_sum target lecture_2
expect 0 lesson_lecture_2_a_sum target 'Lecture 2'
expect 0 lesson_lecture_1_a_product target l1
expect 0 lesson_workshop_1_problem_1_flow target workshop_1_problem_1
expect 0 lesson_workshop_1_problem_1_flow target w1p1
expect 0 lesson_workshop_1_problem_1_flow target workshop

expect 7 'lesson 1 got a b' run 01 a b                              # arguments and exit status pass through
expect 2 'which lesson?' run
expect 2 "no lesson fits '99'. The numbers are 01 to 10; ./cotangent list shows all of them." run 99
expect 2 "no lesson fits ''" run ''
expect 2 './cotangent run 01  (01_basic_scalar_backward' run scalr  # a typing error
expect 2 './cotangent run 02' run gradient_acumulation
expect 2 'more than one lesson fits' run lecture
mkdir "$work/course/exercises"
lesson exercises/exercise_01_a_fit 'Exercise 01: A fit' exercise 'fitting'
expect 2 'exercise_01 is an exercise (A fit): ./cotangent check exercise_01' run exercise_01
expect 0 "$work/course/exercises/exercise_01_" sources exercise_01
rm -r "$work/course/exercises"
expect 2 './cotangent list shows all of them' run quiche
expect 0 "$work/course/beginner/01_basic_scalar_backward.cpp" sources 01   # for notebooks
expect 0 "$work/course/lecture/lecture_2_a_sum.cpp" sources
expect 2 './cotangent list shows all of them' sources quiche
expect 127 'has not been built' run 02
expect 2 'run has no option --quiche; there are --all, --plain and -j N' run --quiche 01
expect 2 "run --all runs every lesson, so '01' is one word too many" run --all 01
expect 2 '-j takes the number of lessons' run --all -j many
expect 2 '-j goes with --all' run -j 2 01
expect 0 lessons target --all
expect 0 'lesson_01_basic_scalar_backward' target --plain 01

# All lessons: one works, one writes a figure, one fails, one dies, one sleeps in vain, one was never built.
mkdir "$work/here"
cd "$work/here"
fake() { printf '#!/bin/sh\n%s\n' "$2" >"$work/bin/lesson_$1"; chmod +x "$work/bin/lesson_$1"; }
fake 01_basic_scalar_backward 'echo "all is well"'
fake 02_gradient_accumulation 'echo "<svg>" >"$COTANGENT_RESULTS/02_figure.svg"; echo >stray'
fake 10_with_torch_no_grad 'echo "first"; seq 1 30; echo "2 of 3 checks failed." >&2; exit 1'
fake lecture_1_a_product 'kill -SEGV $$'
fake lecture_2_a_sum 'read -r line && echo "read $line" || echo "nothing to read"'
expect 1 '3 of 6 lessons ok' run --all --plain -j 2
for text in 'ok      01_basic_scalar_backward ' 'FAILED  10_with_torch_no_grad' '10_with_torch_no_grad: exit status 1' '    30' \
    '    2 of 3 checks failed.' 'killed by signal 11' 'It has not been built; ./cotangent run --all builds all first.' \
    "Figures and what the lessons printed: $work/here/results"; do
  grep -qF -- "$text" "$work/output" || { echo "run --all does not say '$text'"; cat "$work/output"; exit 1; }
done
if grep -q $'[\r\033]' "$work/output"; then echo "run --all --plain writes over its lines"; exit 1; fi
if grep -q '    first' "$work/output"; then echo "run --all shows more than the last lines"; exit 1; fi
[[ $(ls) == results && -f results/02_figure.svg && $(cat results/output/01_basic_scalar_backward.txt) == "all is well" ]] || {
  echo "run --all does not keep its results together"
  ls -R
  exit 1
}
[[ $(cat results/output/lecture_2_a_sum.txt) == "nothing to read" ]] || { echo "a lesson reads what is meant for others"; exit 1; }
fake 10_with_torch_no_grad true
fake lecture_1_a_product true
fake workshop_1_problem_1_flow true
COTANGENT_RESULTS=$work/elsewhere expect 0 "6 of 6 lessons ok" run --all
[[ -f $work/elsewhere/02_figure.svg ]] || { echo "COTANGENT_RESULTS is not obeyed"; exit 1; }
expect 2 "Did you mean 'list'?" lits

expect 0 'zeroing, accumulation' list
expect 0 'Régime sans gradient' list
if awk '{ gsub(/[\200-\277]/, "") } length > 100 { bad = 1 } END { exit !bad }' "$work/output"; then
  echo "list is wider than 100 columns"
  cat "$work/output"
  exit 1
fi
if grep -q 'not this one\|no lesson' "$work/output"; then echo "list shows what is no lesson"; exit 1; fi
ids=$(awk 'NR > 2 && /^[^ ]/ { print $1 }' "$work/output" | tr '\n' ' ')
[[ $ids == "01 02 10 lecture_1 lecture_2 workshop_1_problem_1 " ]] || { echo "list has another order: $ids"; exit 1; }
COLUMNS=80 expect 0 'room for the key concepts' list
if awk '{ gsub(/[\200-\277]/, "") } length > 80 { bad = 1 } END { exit !bad }' "$work/output"; then echo "list is wider than 80 columns"; exit 1; fi
[[ $(wc -l <"$work/output") == 10 ]] || { echo "a narrow list has more than a line for each lesson"; cat "$work/output"; exit 1; }
expect 0 '6 lessons, 0 problems' headers
echo '// A file without a header' >"$work/course/beginner/03_bare.cpp"
expect 1 "03_bare.cpp: no line '// Concepts: ...'" headers

# The help has one place.
[[ $("$program" help) == "$("$course/../cotangent" help)" && $("$program") == *"./cotangent run LESSON"* ]] || { echo "another help than the launcher's"; exit 1; }

# The real course.
COTANGENT_COURSE=$course "$program" headers
COTANGENT_COURSE=$course "$program" list || true   # shown when this test fails, and with ctest -V
