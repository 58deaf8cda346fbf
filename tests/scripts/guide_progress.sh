#!/usr/bin/env bash
# guide_progress.sh PROGRAM -- the file with the learner's progress: crashes, damage, two programs at once, places, reset.
set -euo pipefail
program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export COTANGENT_DATA="$work/my data"
file=$COTANGENT_DATA/progress.json

fail() { printf 'guide_progress: %s\n' "$*"; [[ ! -f $work/output ]] || cat "$work/output"; exit 1; }
show() { "$program" record show >"$work/output" 2>&1; }
shows() { show; grep -qxF -- "$1" "$work/output" || fail "expected the line '$1'"; }
whole() { python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$file" || fail "the file is not whole"; }

# Nothing is made by reading.
show
[[ ! -e $COTANGENT_DATA ]] || fail "reading made the folder"

"$program" record run 01
"$program" record run 01
"$program" record finished 01
shows 'lesson 01 runs 2 finished'
shows 'place 01'
whole

# The first right answer counts; the question's text is told from others, and line breaks do not matter.
"$program" record answer 01 'What is  dx?' wrong
"$program" record answer 01 $'What\nis dx?' right
"$program" record answer 01 'What is dx?' wrong
"$program" record answer 01 'What is dy?' right
show
[[ $(grep -c '^question 01 ' "$work/output") == 2 ]] || fail "expected two questions"
grep -q 'tries 2 right at 2$' "$work/output" || fail "expected a question that was right at the second try"

# Two programs at once: nothing is lost.
for n in 1 2 3 4; do
  (for ((i = 0; i < 25; i++)); do "$program" record run 02; done) &
done
wait
shows 'lesson 02 runs 100'

# Killed at any moment: the file is whole, and what a crash left behind does not matter.
for ((i = 0; i < 40; i++)); do
  "$program" record run 03 &
  pid=$!
  sleep "0.00$((i % 10))"
  kill -9 "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  whole
done
echo '{ half a fi' >"$file.part"
"$program" record run 04
shows 'lesson 04 runs 1'
shows 'lesson 02 runs 100'
whole

# Fields of a later version stay; a later format is left alone.
python3 - "$file" <<'END'
import json, sys
d = json.load(open(sys.argv[1]))
d["mood"] = "good"
d["lessons"]["01"]["stars"] = 3
json.dump(d, open(sys.argv[1], "w"))
END
"$program" record run 01
grep -q '"mood": "good"' "$file" && grep -q '"stars": 3' "$file" || fail "unknown fields were lost"
sed 's/"format": 1/"format": 2/' "$file" >"$work/newer" && cp "$work/newer" "$file"
if "$program" record run 01 2>"$work/output"; then fail "a later format was overwritten"; fi
grep -q 'later version' "$work/output" || fail "expected a word on the later version"
cmp -s "$work/newer" "$file" || fail "a later format was changed"

# A damaged file is kept, with a clear word; so is the next one.
for damage in '{"lessons": {"01"' '[]' '' '{"lessons": 3}' '{"lessons": {"01": 3}}' '{"questions": {"01": [1]}}' '{"lessons": {"01": {"runs": "two"}}}'; do
  printf '%s' "$damage" >"$file"
  rm -f "$file".damaged*
  echo first >"$file.damaged"
  "$program" record run 05 2>"$work/output"
  grep -q 'progress.json.damaged-2' "$work/output" || fail "no word on the damage: $damage"
  [[ $(cat "$file.damaged-2") == "$damage" && $(cat "$file.damaged") == first ]] || fail "the damaged file was lost"
  shows 'lesson 05 runs 1'
  grep -q damaged "$work/output" && fail "the word on the damage came twice"
  whole
done

# A record that is a link stays a link.
mv "$file" "$work/elsewhere.json"
ln -s "$work/elsewhere.json" "$file"
"$program" record run 05
[[ -L $file ]] && grep -q '"runs": 2' "$work/elsewhere.json" || fail "a link was replaced"

# Reset asks, and without a terminal wants --yes.
if "$program" reset --all </dev/null >"$work/output" 2>&1; then fail "reset without a question"; fi
grep -qF 'reset --all --yes' "$work/output" || fail "reset does not say how"
shows 'lesson 05 runs 2'
"$program" reset --all --yes >/dev/null
show
[[ $(wc -l <"$work/output") == 2 ]] || fail "reset left something"

# Where it lies; and a place that cannot be written is told once and costs nothing else.
unset COTANGENT_DATA
XDG_DATA_HOME=$work/xdg "$program" record run 01
[[ -f $work/xdg/cotangent/progress.json ]] || fail "XDG_DATA_HOME is not used"
XDG_DATA_HOME=relative HOME=$work/home "$program" record run 01
[[ -f $work/home/.local/share/cotangent/progress.json ]] || fail "HOME is not used"
echo file >"$work/file"
if COTANGENT_DATA=$work/file/below "$program" record run 01 2>"$work/output"; then fail "a place that is no folder was accepted"; fi
grep -q 'your progress cannot be recorded' "$work/output" || fail "no word on the place"
COTANGENT_DATA=$work/file/below "$program" record show >/dev/null || fail "reading from a place that is no folder fails"
echo "guide_progress: fine"
