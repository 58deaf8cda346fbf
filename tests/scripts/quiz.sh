#!/usr/bin/env bash
# quiz.sh PROGRAM [LESSONS] -- quiz, with lessons made here and with a pipe for the learner; then that each question of the
# course that was built to the folder LESSONS can be asked.
set -euo pipefail
program=$1 lessons=${2:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export COTANGENT_COURSE=$work/course COTANGENT_LESSONS=$work/bin COTANGENT_DATA=$work/data
mkdir -p course/beginner bin

lesson() {  # lesson NAME TITLE QUESTION...
  local name=$1 title=$2
  shift 2
  printf '// %s\n// Level: beginner\n// Concepts: c\n' "$title" >"course/beginner/$name.cpp"
  printf '  ask("%s");\n' "$@" >>"course/beginner/$name.cpp"
  { echo '#!/bin/sh'; echo 'echo noise; echo stray >"$COTANGENT_RESULTS/figure.svg"; cat >"$COTANGENT_QUESTIONS" <<END'; printf '%s\n' "$@"; echo END; } >"bin/lesson_$name"
  chmod +x "bin/lesson_$name"
}
lesson 01_first 'Lesson 01: First' \
  '{"question": "Three quarters?", "kind": "number", "key": 0.75, "tolerance": 0.001, "options": [], "why": "It is 3 / 4.", "line": 1}' \
  '{"question": "Is it so?", "kind": "yes_no", "key": 1, "tolerance": 0, "options": [], "why": "It is.", "line": 2}' \
  '{"question": "Which one?", "kind": "choice", "key": 0, "tolerance": 0, "options": [{"text": "the red", "right": false}, {"text": "the green", "right": true}], "why": "Green it is.", "line": 3}' \
  '{"question": "Which ones?", "kind": "several", "key": 0, "tolerance": 0, "options": [{"text": "one", "right": true}, {"text": "two", "right": false}, {"text": "three", "right": true}], "why": "The odd ones.", "line": 4}'
lesson 02_second 'Lesson 02: Second' '{"question": "Two?", "kind": "number", "key": 2, "tolerance": 0, "options": [], "why": "Two.", "line": 1}'
printf '// Lesson 03: Third\n// Level: beginner\n// Concepts: c\n  ask("x");\n' >course/beginner/03_third.cpp

# expect STATUS TYPED TEXT ARGUMENT...
expect() {
  local wanted=$1 typed=$2 text=$3 status=0
  shift 3
  printf "$typed" | "$program" "$@" >output 2>&1 || status=$?
  says "$text" "$*"
  [[ $status == "$wanted" ]] || { echo "$*: expected status $wanted, got $status"; cat output; exit 1; }
}
says() { grep -qF -- "$1" output || { printf 'quiz%s: "%s" is not in\n' "${2:+ ($2)}" "$1"; cat output; exit 1; }; }

expect 0 '3/4\nyes\nthe green\nthree\nONE\n' '3 of 4 right.' quiz 1
for text in '01: First (4 questions)' '1. Three quarters?' '[a number; s to skip, q to quit]' 'Right. It is 3 / 4.' 'Green it is.' 'No. Once more:'; do says "$text"; done
grep -q noise output && { echo "the lesson's own words are seen"; exit 1; }
"$program" record show >record
[[ $(grep -c 'tries 1 right at 1' record) == 3 ]] || { echo "answers are not on record"; cat record; exit 1; }

# Without a number: the open questions of the next lesson.
letters=$("$program" quiz 01 --answers | sed -n 's/^ *Answer: \(.\) (.*) and \(.\) (.*)\.$/\1\2/p')
expect 0 "s\n" '0 of 1 right, 1 skipped.' quiz
expect 0 "q\n" '0 of 1 right, 1 left for another time.' quiz
expect 0 "b\x01\xff\n\nwhat\n$letters\n" '1 of 1 right' quiz
says '1. Which ones?'
expect 0 "3\n3\n" 'No. The answer is 2.' quiz
says '02: Second (1 question)'
says '0 of 1 right.'
expect 0 "two\n1,5\n3\n2" '1 of 1 right, 1 at the second try.' quiz
says 'a number, please, for example 0.75, 3/4, 2e-3 or -1'
says 'write the number with a point'

# All of it again, by number; the end of input is an end.
expect 0 '' '0 of 4 right, 4 left for another time.' quiz 01
expect 0 's\ns\ns\ns\n' '0 of 4 right, 4 skipped.' quiz first
expect 0 '' 'Answer: yes.' quiz 01 --answers
says 'Answer: 0.75.'
says 'The odd ones.'
says '(the green).'

# What can go wrong.
expect 1 '' 'lesson 03 has not been built; ./cotangent quiz 03 builds it first' quiz
expect 2 '' "no lesson fits '77'" quiz 77
expect 2 '' "'02' is one word too many" quiz 01 02
expect 2 '' 'quiz has no option --answer; there is --answers' quiz --answer 01
expect 2 '' 'the answers of which lesson?' quiz --answers
printf '#!/bin/sh\nkill -SEGV $$\n' >bin/lesson_03_third
chmod +x bin/lesson_03_third
expect 1 '' 'lesson 03 did not come to its questions: killed by signal 11 (Segmentation fault). ./cotangent run 03 shows what it says' quiz 3
printf '#!/bin/sh\necho "{" >"$COTANGENT_QUESTIONS"\n' >bin/lesson_03_third
expect 1 '' 'a question that it wrote cannot be read' quiz 3
printf '#!/bin/sh\n: >"$COTANGENT_QUESTIONS"\n' >bin/lesson_03_third
expect 0 '' 'Lesson 03 asks no questions.' quiz 3
head -c 5000 /dev/urandom >noise
"$program" quiz 01 <noise >output 2>&1 || { echo "noise as answers"; exit 1; }
rm course/beginner/03_third.cpp
expect 2 '' 'you have answered all questions' quiz
[[ $(ls) == "$(printf '%s\n' bin course data noise output record)" ]] || { echo "something was left behind:"; ls; exit 1; }

if [[ $lessons ]]; then
  unset COTANGENT_COURSE COTANGENT_LESSONS
  count=0
  for file in "$lessons"/lesson_[0-9]*; do
    [[ -x $file && -f $file ]] || continue
    name=${file##*/lesson_} name=${name%%_*}
    "$program" quiz "$name" --answers >output 2>&1 || { cat output; exit 1; }
    grep -q 'Answer: ' output || { echo "lesson $name asks nothing:"; cat output; exit 1; }
    count=$((count + $(grep -c 'Answer: ' output)))
  done
  echo "$count questions"
fi
echo "quiz: ok"
