#!/usr/bin/env bash
# readme.sh SOURCE_DIR LIBRARY COMPILER [FILE] -- compiles and runs the first C++ block of README.md, or of another file, and
# compares what it prints with the text block that follows it.
set -euo pipefail
source=$1 library=$2 compiler=$(command -v "$3") page=${4:-README.md}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

block() {  # block LANGUAGE: the first fenced block of that language, after the first C++ block where another is asked for
  awk -v wanted="\`\`\`$1" -v cpp="\`\`\`cpp" '
    inside && /^```/ { exit }
    inside { print }
    $0 == cpp { seen = 1 }
    seen && $0 == wanted { inside = 1 }' "$source/$page"
}
block cpp >"$work/tour.cpp"
block text >"$work/expected.txt"
[[ -s $work/tour.cpp && -s $work/expected.txt ]] || { echo "$page has no C++ block followed by a text block"; exit 1; }
"$compiler" -std=c++20 -Wall -Wextra -Werror -I "$source/include" "$work/tour.cpp" -o "$work/tour" "$library" \
  "-Wl,-rpath,$(dirname "$library")"
(cd "$work" && ./tour) >"$work/output.txt"
diff -u "$work/expected.txt" "$work/output.txt" && echo "it prints what $page says"
