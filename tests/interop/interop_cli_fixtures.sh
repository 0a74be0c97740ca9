#!/bin/bash
# The report commands on the disks that the real LVM2 made, field by field against what it said about them; and cvck on
# those that were damaged, against which copy it chose.
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/../kernel/lib.sh"
: "${CVM:?names the program under test}"
fixtures=$(readlink -f "$here/../fixtures")

reports() { "$here/compare_fixtures.py" "$CVM" "$1"; }

# damaged NAME: the group, its seqno and its number of missing PVs are those that stock saw; cvck says what is wrong.
damaged() {
  local folder=$fixtures/corrupt/$1 devices='' number stock seqno missing
  for number in 0 1 2 3; do
    [ -e "$folder/pv$number.head1M.zst" ] || continue
    zstd -qdc "$folder/pv$number.head1M.zst" >"loop$number"
    truncate -s 32M "loop$number"
    if [ "$1/$number" = 54-truncated-device/1 ]; then truncate -s 20M loop1; fi
    devices+=${devices:+,}$PWD/loop$number
  done
  stock=$(grep "^| $1 |" "$fixtures/corrupt/SUMMARY.md" | cut -d'|' -f4)
  if grep -q "not listed" <<<"$stock"; then
    # LVM2 lists groups no more that it can't read; some of them we read, to name what is wrong.
    expect 5 "$CVM" cvck --devices "$devices"
    grep -q " error " "$workdir/stdout"
    return
  fi
  seqno=$(sed 's/.*seqno \([0-9]*\).*/\1/' <<<"$stock")
  missing=$(sed 's/.*missing \([0-9]*\).*/\1/' <<<"$stock")
  expect 0 "$CVM" vgs --devices "$devices" --noheadings -o vg_seqno,vg_missing_pv_count vgbad
  same "$(tr -s ' ' <"$workdir/stdout")" " $seqno $missing"
  status=0
  "$CVM" cvck -v --devices "$devices" >cvck.out 2>cvck.err || status=$?
  cat cvck.out cvck.err
  [ "$status" = 0 ] || [ "$status" = 5 ] || broken "cvck ended with $status"
  # Each but the healthy one is worth a word.
  [ "$1" = 00-good ] || grep -Eq "(error|warning) [A-Z-]+:" cvck.out
}

for folder in "$fixtures"/*/vgs.json; do
  folder=$(dirname "$folder")
  scenario "reports on $(basename "$folder")" reports "$folder"
done
for folder in "$fixtures"/corrupt/*/; do
  scenario "the damaged state $(basename "$folder")" damaged "$(basename "$folder")"
done
finish
