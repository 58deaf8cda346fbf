#!/usr/bin/env bash
# exercises.sh SOURCE_DIR LESSON_LIBRARY LIBRARY COMPILER CLI EXERCISE [NAME..] -- marks files of an exercise or a workshop and looks
# at what is said: the worked file passes, the fresh file (of a workshop the one that CLI derives) fails kindly, and each wrong solution of tests/exercises/EXERCISE.txt (or those NAMEd)
# fails at the right check, with the right diagnosis and the right line. Compiles two at once.
set -euo pipefail
source=$1 lesson=$2 library=$3 compiler=$4 cli=$5 exercise=$6
shift 6
only=" $* "
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags=(-std=c++20 -O0 -g1 -D_GLIBCXX_ASSERTIONS -w -I "$source/include" -I "$source/course" "-DCT_COURSE_DIR=\"$source/course\"")
worked=$source/course/exercises/worked/$exercise.cpp fresh=$source/course/exercises/$exercise.cpp
workshop=no
if [[ $exercise == workshop_* ]]; then
  workshop=yes
  worked=$(ls "$source"/course/*/"$exercise".cpp)
  fresh=$work/derived.cpp
  COTANGENT_COURSE=$source/course "$cli" fresh "$exercise" >"$fresh"
  # Nothing is lost but the solutions.
  grep -vxFf "$worked" "$fresh" | grep -vE '^ *(// TODO\([0-9]+\): .*|todo\([0-9]+\);|// \*Your answer here\*)$' && { echo "the fresh file has lines of its own"; exit 1; }
fi

# The text of both files is the same, and every gap is marked twice: a comment for people, and a call for programs.
prose() { sed -nE '/^ *\/\/ %% \[markdown\]/,/^ *(\/\/ %%)?$/p' "$1"; }
[[ $workshop == yes ]] || diff <(prose "$worked") <(prose "$fresh") || { echo "the text cells of the two files differ"; exit 1; }
[[ $(prose "$fresh" | wc -l) -gt 5 ]] || { echo "no text cells were found"; exit 1; }
diff <(grep -oE 'TODO\([0-9]+\)' "$fresh" | grep -oE '[0-9]+') <(grep -oE 'todo\([0-9]+' "$fresh" | grep -oE '[0-9]+') || {
  echo "the gaps' comments and calls do not go together"
  exit 1
}
for step in 1 2 3; do grep -qx "## Hint $step" "$source/course/exercises/hints/$exercise.md" || { echo "there is no hint $step"; exit 1; }; done

# What is the same for all is compiled once.
kind=check
[[ $workshop == no ]] || kind=workshop
{ grep '^#include <' "$worked"; echo "#include \"exercises/checks/$kind.h\""; } >"$work/common.h"
"$compiler" "${flags[@]}" -x c++-header "$work/common.h" -o "$work/common.h.gch" 2>"$work/errors" || { cat "$work/errors"; exit 1; }

# mark NAME: compiles the check with NAME.cpp inside it, runs it, and leaves NAME.status, NAME.out and NAME.json.
mark() {
  local status=0
  if ! "$compiler" "${flags[@]}" -include "$work/common.h" "-DCT_EXERCISE_FILE=\"$work/$1.cpp\"" "$source/course/exercises/checks/$exercise.cpp" \
      -o "$work/$1" "$lesson" "$library" -Wl,-rpath,"$(dirname "$library")" >"$work/$1.out" 2>&1; then
    echo compile >"$work/$1.status"
    return
  fi
  COTANGENT_CHECK=$work/$1.json COTANGENT_CHECK_SECONDS=2 "$work/$1" >"$work/$1.out" 2>&1 </dev/null || status=$?
  echo "$status" >"$work/$1.status"
  rm "$work/$1"
}

# The wrong solutions: NAME.cpp, and NAME.check, .says and .line with what is expected.
names=(worked fresh)
cp "$worked" "$work/worked.cpp"
cp "$fresh" "$work/fresh.cpp"
original=$(cat "$worked")$'\n' text='' name='' old='' new='' part=''
replace() {
  [[ $part == new ]] || return 0
  if [[ $text != *"$old"* ]]; then
    printf '%s: the worked file has no\n%s\n' "$name" "$old"
    exit 1
  fi
  text=${text/"$old"/"$new"}
  part=''
}
close() {
  replace
  [[ -n $name ]] || return 0
  if [[ $only == '  ' || $only == *" $name "* ]]; then
    names+=("$name")
    printf '%s' "$text" >"$work/$name.cpp"
  fi
}
while IFS= read -r row; do
  case $row in
    '== '*) close; name=${row#== } text=$original ;;
    '<<') replace; part=old old='' ;;
    '>>') part=new new='' ;;
    *)
      if [[ $part == old ]]; then old+=$row$'\n'
      elif [[ $part == new ]]; then new+=$row$'\n'
      elif [[ -n $name ]]; then
        value=${row#* }
        [[ $row == *' '* ]] || value=''
        printf '%s' "$value" >"$work/$name.${row%% *}"
      fi ;;
  esac
done <"$source/tests/exercises/$exercise.txt"
close

for name in "${names[@]}"; do
  while (($(jobs -rp | wc -l) >= 2)); do wait -n; done
  mark "$name" &
done
wait

failures=0
fail() {
  echo "$1: $2"
  sed 's/^/  | /' "$work/$1.out"
  failures=$((failures + 1))
}
field() { sed -nE "s/.*\"$2\": (\"(([^\"\\\\]|\\\\.)*)\"|([^,}]*)).*/\2\4/p" <<<"$1" | sed 's/\\\(["\\]\)/\1/g'; }
for name in "${names[@]}"; do
  status=$(cat "$work/$name.status")
  if [[ $status == compile ]]; then
    fail "$name" "does not compile"
  elif [[ $name == worked ]]; then
    [[ $status == 0 ]] || fail worked "status $status"
    ! grep -v '"ok": true' "$work/worked.json" || fail worked "not every check passes"
  elif [[ $name == fresh ]]; then
    [[ $status == 1 ]] || fail fresh "status $status"
    ! grep -E '"state": "(no|ok)"' "$work/fresh.json" || fail fresh "something is wrong or right before anything is written"
    grep -q 'not started yet: gap 1, line' "$work/fresh.out" || fail fresh "does not name the first gap"
  else
    [[ $status == 1 ]] || fail "$name" "status $status"
    first=$(grep -m1 '"state": "no"' "$work/$name.json" || true)
    wanted=$(cat "$work/$name.line")
    number=0
    [[ -z $wanted ]] || number=$(sed 's/^ *//; s/ *$//' "$work/$name.cpp" | grep -nxF -- "$wanted" | head -1 | cut -d: -f1)
    [[ $(field "$first" check) == "$(cat "$work/$name.check")" ]] || fail "$name" "another check than $(cat "$work/$name.check") is the first to fail"
    [[ $(field "$first" diagnosis) == *"$(cat "$work/$name.says")"* ]] || fail "$name" "the diagnosis does not say \"$(cat "$work/$name.says")\""
    [[ -n $number && $(field "$first" line) == "$number" ]] || fail "$name" "the diagnosis names line $(field "$first" line) and not $number, $wanted"
  fi
done
echo "$exercise: ${#names[@]} files marked, $failures mistakes"
[[ $failures == 0 ]]
